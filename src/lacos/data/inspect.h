// How a file of training data would be read: its form, what is used and dropped, lengths and
// repetitions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lacos/data/examples.h"

namespace lacos {

// How often each length occurs.
class Lengths {
 public:
  void Add(int64_t length) {
    ++counts_[length];
    ++number_;
  }
  int64_t number() const { return number_; }
  // The smallest length that a share of all texts (0 to 1) does not exceed; 0 without texts.
  int64_t Quantile(double share) const;

 private:
  std::map<int64_t, int64_t> counts_;
  int64_t number_ = 0;
};

struct Inspection {
  ExampleFile file;  // without examples
  // What an example is, in words: "pairs of texts", "pairs of texts with negatives", ...
  std::string form;
  int64_t examples = 0, negatives = 0, texts = 0;
  // Examples whose texts are all those of an earlier one, and texts that occurred before.
  int64_t repeated_examples = 0, repeated_texts = 0;
  Lengths characters, tokens;  // of each text; tokens are counted only if there is a tokenizer
  std::vector<Example> first;  // the first three examples
  // The words of the flags of `lacos train` that suit the file. Open labels have the value SCHEME, for
  // which the user puts nli or paraphrase.
  std::vector<std::string> train_flags;
};

struct InspectOptions {
  ExampleOptions examples;
  // The number of tokens in a text; may be empty.
  std::function<int64_t(const std::string& text)> count_tokens;
  int64_t max_length = 0;  // the number of tokens that train uses of a text by default
  std::function<void(int64_t examples)> progress;
};

// Reads the file once ("-" is stdin) and keeps a hash of 8 bytes for each text and example. Throws
// UserError where reading it for training would, except for labels that need a scheme and for files
// without a usable row.
Inspection InspectExamples(const std::string& path, const InspectOptions& options);

}  // namespace lacos
