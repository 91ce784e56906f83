// What a BLOOM model predicts: the language-model head, which is the word embedding once more.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lacos/formats/base_weights.h"

namespace lacos {

// The natural logarithms of the probabilities that the base model gives each id but the first, after
// the ids before it: ids.size() - 1 values, computed in f32, with the sums over the vocabulary in
// double. Needs memory for the hidden states of the text only: rows of the embedding are read once,
// a few at a time. Throws UserError if a file cannot be read.
std::vector<double> LogProbabilities(std::shared_ptr<BaseWeights> weights,
                                     std::span<const int32_t> ids);

}  // namespace lacos
