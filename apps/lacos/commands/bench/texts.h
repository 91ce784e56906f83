// Texts for benchmarks that are given no data: words of the model's own vocabulary, of the lengths
// that real ones have.
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

// Tokens of a text: lognormal, so that a few are long. A spread of 0.4 gives the premises and
// hypotheses of natural-language inference: among 64 texts the longest is then 2.4 times the mean,
// as in SNLI.
struct LengthDistribution {
  double mean = 19;
  double spread = 0.4;  // standard deviation of the logarithm
};

class BenchTexts {
 public:
  // Texts are a pure function of the tokenizer and the seed.
  BenchTexts(const Tokenizer& tokenizer, uint64_t seed);

  // Random words of one token each. The text has about as many tokens as the distribution says
  // (exactly as many where a tokenizer splits at blanks), and at most `max_tokens`. No two are
  // equal while `max_tokens` leaves room for that: equal texts of a batch are computed only once.
  std::string Make(const LengthDistribution& lengths, int64_t max_tokens);

  // Pairs of short texts, with what a loss needs beside them: labels, scores, negatives.
  ExampleFile MakeExamples(const LossInputs& inputs, int64_t count, int64_t max_tokens);

 private:
  Random random_;
  std::vector<std::string> words_;
  std::unordered_set<std::string> made_;
};

}  // namespace lacos::cli
