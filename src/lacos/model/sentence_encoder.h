// Turns texts into vectors with a model folder that is opened for inference, with its tokenizer and
// settings. Every text is encoded with the adapter of the folder. For a batch with several
// adapters, pass PackedTexts to an Encoder.
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
#include "lacos/model/preset.h"
#include "lacos/model/text_encoder.h"
#include "lacos/text/tokenizer.h"

namespace lacos {

class BloomModel;  // model/bloom_model.h
struct OpTimes;    // kernels/timed_backend.h

// Overrides of the folder's settings. An absent value means the folder's setting, or else the
// default given here.
struct SentenceEncoderOptions {
  std::string path, base, adapter;
  Device device;  // the CPU by default
  Compute compute = Compute::kBF16;
  std::optional<Pooling> pooling;     // default mean
  std::optional<bool> normalize;      // default no
  std::optional<int64_t> max_length;  // tokens; default 2048
  std::optional<bool> strip;          // default no
  // Leading values of a vector that are kept, before it is scaled to length 1; 0 or more than there
  // are = all, which is the default.
  std::optional<int64_t> truncate_dim;
  // Texts whose tokens are put before and after those of every text. Each is tokenized on its own
  // and is kept when the text is truncated.
  std::string prefix, suffix;
  // How a published model is used. It replaces the folder's settings, not the ones above.
  std::optional<Preset> preset;
  int64_t batch_tokens = 4096;  // tokens computed at a time; affects memory, never results
  // one block of the base resident at a time; affects memory, never results
  bool stream_layers = false;
  OpTimes* op_times = nullptr;  // receives the time of each backend op; null = not measured
};

// How texts are read and vectors finished with these options, for a folder with these settings.
TextEncoderOptions TextOptionsFor(const SentenceEncoderOptions& options,
                                  const EmbeddingSettings& folder, const Tokenizer& tokenizer);
// The pooling of a folder with these settings, unless the options name another one.
Pooling PoolingFor(const SentenceEncoderOptions& options, const EmbeddingSettings& folder);

class SentenceEncoder {
 public:
  explicit SentenceEncoder(const SentenceEncoderOptions& options);
  ~SentenceEncoder();

  int64_t dimension() const;  // values of a vector
  const ModelFolder& folder() const;
  const std::vector<std::string>& notes() const;  // what a user should hear about the folder
  const Tokenizer& tokenizer() const;
  Backend& backend() const;
  // The settings in use, after defaults.
  Compute compute() const;
  Pooling pooling() const;
  bool normalize() const;
  int64_t max_length() const;
  bool strip() const;
  Similarity similarity() const;  // the folder's, else cosine

  TextEncoder& text_encoder() const;
  Encoder& encoder() const;
  BloomModel& model() const;
  // See TextEncoder::Encode. Writes the vectors of `texts` row by row in their order; `out` has
  // texts.size() * dimension() floats. `prompt` is put around each text. The vector of a text does
  // not depend on the other texts. `progress` is called with the number of texts done so far.
  EncodeStatistics Encode(std::span<const std::string> texts, const TextPrompt& prompt,
                          std::span<float> out, const std::function<void(int64_t)>& progress = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
