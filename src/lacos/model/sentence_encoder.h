// From texts to vectors: a model folder opened for inference, with its tokenizer and settings.
// Every text is encoded with the folder's adapter; a batch with several adapters is made as
// PackedTexts and given to an Encoder.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lacos/formats/model_folder.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/device.h"
#include "lacos/model/text_encoder.h"
#include "lacos/text/tokenizer.h"

namespace lacos {

struct OpTimes;  // kernels/timed_backend.h

// Overrides of what the folder says; absent = the folder's setting, else the default given here.
struct SentenceEncoderOptions {
  std::string path, base, adapter;
  Device device;  // the CPU unless said otherwise
  Compute compute = Compute::kBF16;
  std::optional<Pooling> pooling;     // default mean
  std::optional<bool> normalize;      // default no
  std::optional<int64_t> max_length;  // tokens; default 2048
  std::optional<bool> strip;          // default no
  // Texts whose tokens are put around those of every text, each tokenised on its own; truncation
  // leaves them.
  std::string prefix, suffix;
  int64_t batch_tokens = 4096;  // tokens computed at a time: memory, never results
  bool stream_layers = false;   // one block of the base resident at a time: memory, never results
  OpTimes* op_times = nullptr;  // where the backend's time goes is counted here; null = not counted
};

class SentenceEncoder {
 public:
  explicit SentenceEncoder(const SentenceEncoderOptions& options);
  ~SentenceEncoder();

  int64_t dimension() const;
  const ModelFolder& folder() const;
  const Tokenizer& tokenizer() const;
  Backend& backend() const;
  // Settings in force, after defaults.
  Compute compute() const;
  Pooling pooling() const;
  bool normalize() const;
  int64_t max_length() const;
  bool strip() const;

  TextEncoder& text_encoder() const;
  Encoder& encoder() const;
  // TextEncoder::Encode: vectors of `texts`, row by row in their order: out has texts.size() *
  // dimension() floats. `prompt` is put before each text. A text's vector does not depend on its
  // neighbours. `progress` is called with texts done so far.
  EncodeStatistics Encode(std::span<const std::string> texts, const std::string& prompt,
                          std::span<float> out, const std::function<void(int64_t)>& progress = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// `prompt`, or when it is empty the prompt of the given name, or of the folder's
// default_prompt_name. Throws UserError for an unknown name.
std::string ResolvePrompt(const EmbeddingSettings& settings, const std::string& prompt,
                          const std::string& prompt_name);

}  // namespace lacos
