// Texts to vectors with a model at hand: tokenise in parallel, pack, encode, normalise, in input
// order.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "lacos/model/encoder.h"
#include "lacos/model/loaded_model.h"
#include "lacos/text/tokenize.h"

namespace lacos {

struct EncodeStatistics {
  int64_t texts = 0;
  int64_t tokens = 0;           // of all texts, after truncation
  int64_t computed_tokens = 0;  // of those that were computed: equal ones within a slice are once
  int64_t truncated = 0;        // texts cut at max_length
  int64_t empty = 0;            // texts without tokens: zero vectors
  double tokenize_seconds = 0;  // before a slice of texts is run

  EncodeStatistics& operator+=(const EncodeStatistics& other);
};

struct TextEncoderOptions {
  TokenizeOptions tokenize;
  bool normalize = false;
  bool pool_prompt = true;      // false: pool over what follows the prompt only
  int64_t batch_tokens = 4096;  // tokens computed at a time: memory, never results
};

class TextEncoder {
 public:
  // Both must outlive the text encoder.
  TextEncoder(Encoder& encoder, const Tokenizer& tokenizer, const TextEncoderOptions& options)
      : encoder_(encoder), tokenizer_(tokenizer), options_(options) {}

  int64_t dimension() const { return encoder_.model().config().hidden_size; }
  const TextEncoderOptions& options() const { return options_; }

  // out has texts.size() * dimension() floats, row by row in the order of `texts`. `prompt` is put
  // before each text. A text's vector does not depend on its neighbours. `progress` is called with
  // texts done so far.
  EncodeStatistics Encode(std::span<const std::string> texts, const std::string& prompt,
                          std::span<float> out, const std::function<void(int64_t)>& progress = {});

 private:
  int64_t SkippedTokens(const std::string& prompt) const;
  void RunBatch(const PackedTexts& batch, std::span<const int64_t> rows, int64_t skipped,
                std::span<float> out);

  Encoder& encoder_;
  const Tokenizer& tokenizer_;
  TextEncoderOptions options_;
};

}  // namespace lacos
