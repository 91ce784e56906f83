// Texts for benchmarks without data: words from the model's own vocabulary, with the lengths of
// real texts.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/data/examples.h"
#include "lacos/text/tokenizer.h"
#include "lacos/train/losses/loss.h"

namespace lacos::cli {

// The number of tokens of a text: lognormal, so that a few texts are long. A spread of 0.4 is like
// the premises and hypotheses of natural-language inference: the longest of 64 texts is then 2.4
// times the mean, as in SNLI.
struct LengthDistribution {
  double mean = 19;
  double spread = 0.4;  // standard deviation of the logarithm
};

class BenchTexts {
 public:
  // The texts are a pure function of the tokenizer and the seed.
  BenchTexts(const Tokenizer& tokenizer, uint64_t seed);

  // Returns random words of one token each. The number of tokens is drawn from `lengths` (and met
  // exactly if the tokenizer splits at whitespace) and is at most `max_tokens`. No two texts are
  // equal as long as `max_tokens` leaves room for that, because equal texts of a batch are computed
  // only once.
  std::string Make(const LengthDistribution& lengths, int64_t max_tokens);

  // Makes `count` pairs of short texts, with the labels, scores or negatives that a loss needs.
  ExampleFile MakeExamples(const LossInputs& inputs, int64_t count, int64_t max_tokens);

 private:
  Random random_;
  std::vector<std::string> words_;
  std::unordered_set<std::string> made_;
};

}  // namespace lacos::cli
