// Turns texts into vectors with an opened model: tokenize in parallel, pack, encode and normalize,
// in the order of the input.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "lacos/model/encoder.h"
#include "lacos/model/loaded_model.h"
#include "lacos/model/text_prompt.h"
#include "lacos/text/tokenize.h"

namespace lacos {

struct EncodeStatistics {
  int64_t texts = 0;
  int64_t tokens = 0;  // tokens of all texts, after truncation
  // tokens that ran through the model; equal texts within a slice count once
  int64_t computed_tokens = 0;
  int64_t truncated = 0;        // texts that were cut at max_length
  int64_t stripped = 0;         // texts whose whitespace at both ends was left out
  int64_t empty = 0;            // texts without tokens: zero vectors
  double tokenize_seconds = 0;  // time to tokenize the slices before they are run

  EncodeStatistics& operator+=(const EncodeStatistics& other);
};

struct TextEncoderOptions {
  TokenizeOptions tokenize;
  bool normalize = false;
  bool pool_prompt = true;      // false: pool only over the tokens that follow the prompt
  int64_t truncate_dim = 0;     // leading values that are kept of a vector; 0 = all
  int64_t batch_tokens = 4096;  // tokens computed at a time; affects memory, never results
};

// The number of tokens at the beginning of every text that pooling leaves out, because they belong to
// `prompt`.
int64_t SkippedTokens(const Tokenizer& tokenizer, const TextEncoderOptions& options,
                      const std::string& prompt);

// The options with the tokens of a frame inside of what they put around every text. Throws UserError
// if there is no room for a text.
TokenizeOptions FramedTokenizeOptions(const Tokenizer& tokenizer, TokenizeOptions options,
                                      const TextFrame& frame);

class TextEncoder {
 public:
  // Both arguments must outlive the text encoder.
  TextEncoder(Encoder& encoder, const Tokenizer& tokenizer, const TextEncoderOptions& options)
      : encoder_(encoder), tokenizer_(tokenizer), options_(options) {}

  // How texts with this prompt are tokenized (FramedTokenizeOptions).
  TokenizeOptions TokenizeOptionsFor(const TextPrompt& prompt) const;
  // Values of a vector.
  int64_t dimension() const;
  const TextEncoderOptions& options() const { return options_; }

  // Writes the vectors of `texts` row by row in their order; `out` has texts.size() * dimension()
  // floats. `prompt` is put around each text. The vector of a text does not depend on the other
  // texts. `progress` is called with the number of texts done so far.
  EncodeStatistics Encode(std::span<const std::string> texts, const TextPrompt& prompt,
                          std::span<float> out, const std::function<void(int64_t)>& progress = {});

 private:
  void RunBatch(const PackedTexts& batch, std::span<const int64_t> rows, int64_t skipped,
                std::span<float> out);

  Encoder& encoder_;
  const Tokenizer& tokenizer_;
  TextEncoderOptions options_;
};

}  // namespace lacos
