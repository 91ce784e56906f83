#include "lacos/model/sentence_encoder.h"

#include <algorithm>

#include "lacos/kernels/compute_advice.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/timed_backend.h"
#include "lacos/model/bloom_model.h"
#include "lacos/model/encoder.h"
#include "lacos/model/loaded_model.h"

namespace lacos {

struct SentenceEncoder::State {
  Compute compute = Compute::kBF16;
  LoadedModel loaded;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<BloomModel> model;
  std::unique_ptr<Encoder> encoder;
  std::unique_ptr<TextEncoder> text_encoder;
};

namespace {

TokenizeOptions MakeTokenizeOptions(const SentenceEncoderOptions& options,
                                    const EmbeddingSettings& folder, const Tokenizer& tokenizer) {
  TokenizeOptions tokenize{
      .strip = options.strip.value_or(folder.strip.value_or(false)),
      .max_length = options.max_length.value_or(folder.max_length.value_or(2048))};
  if (!options.prefix.empty()) tokenizer.Encode(options.prefix, tokenize.before);
  if (!options.suffix.empty()) tokenizer.Encode(options.suffix, tokenize.after);
  RequireRoomForText(tokenizer, tokenize);
  return tokenize;
}

}  // namespace

TextEncoderOptions TextOptionsFor(const SentenceEncoderOptions& options,
                                  const EmbeddingSettings& folder, const Tokenizer& tokenizer) {
  return {.tokenize = MakeTokenizeOptions(options, folder, tokenizer),
          .normalize = options.normalize.value_or(folder.normalize.value_or(false)),
          .pool_prompt = folder.pool_prompt,
          .truncate_dim = options.truncate_dim.value_or(folder.truncate_dim.value_or(0)),
          .batch_tokens = std::max<int64_t>(options.batch_tokens, 1)};
}

Pooling PoolingFor(const SentenceEncoderOptions& options, const EmbeddingSettings& folder) {
  return options.pooling.value_or(folder.pooling.value_or(Pooling::kMean));
}

SentenceEncoder::SentenceEncoder(const SentenceEncoderOptions& options)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.compute = options.compute;
  s.loaded = LoadModel(options.path, options.base, options.adapter);
  if (options.preset) ApplyPreset(*options.preset, *s.loaded.tokenizer, s.loaded.folder.settings);
  const EmbeddingSettings& folder = s.loaded.folder.settings;
  const auto warn = [&](std::string warning) {
    s.loaded.folder.warnings.push_back(std::move(warning));
  };
  const Device device = ChooseDevice({.device = options.device,
                                      .compute = options.compute,
                                      .tell = [&](const std::string& why) { warn(why); }});
  const std::string advice =
      AdviceOnCompute(device, options.compute, s.loaded.base_weights->config().hidden_size);
  if (!advice.empty()) warn(advice);
  s.backend = MakeBackend({.device = device, .compute = options.compute});
  if (options.op_times != nullptr)
    s.backend = MakeTimedBackend(std::move(s.backend), *options.op_times);
  s.model = std::make_unique<BloomModel>(*s.backend, s.loaded.base_weights);
  if (s.loaded.adapter) s.model->Attach(*s.loaded.adapter, /*trainable=*/false);
  const BackendMemory memory = s.backend->Memory();
  if (options.stream_layers && memory.kind == MemoryKind::kDevice) {
    // A fifth of the memory is left for the activations of a batch.
    const auto room = static_cast<size_t>(0.8 * static_cast<double>(memory.free));
    s.backend->LimitWeights(std::max(room, s.backend->LeastWeightBytes()));
  }
  s.encoder = std::make_unique<Encoder>(
      *s.model,
      EncoderOptions{.pooling = PoolingFor(options, folder),
                     .dropout = {},
                     .streaming = options.stream_layers ? ChooseStreaming(*s.loaded.base_weights)
                                                        : WeightStreaming::kNone});
  s.text_encoder = std::make_unique<TextEncoder>(
      *s.encoder, *s.loaded.tokenizer, TextOptionsFor(options, folder, *s.loaded.tokenizer));
  for (std::string& difference : DifferencesFromSentenceTransformers(
           s.loaded.folder, *s.loaded.base_weights,
           {.pooling_is_given = options.pooling.has_value(),
           .are_cut = dimension() < s.loaded.base_weights->config().hidden_size,
           .may_have_blanks = false}))  // EncodeStatistics counts the texts
    warn(std::move(difference));
}
SentenceEncoder::~SentenceEncoder() = default;

int64_t SentenceEncoder::dimension() const { return text_encoder().dimension(); }
const ModelFolder& SentenceEncoder::folder() const { return state_->loaded.folder; }
const std::vector<std::string>& SentenceEncoder::notes() const { return state_->loaded.notes; }
const Tokenizer& SentenceEncoder::tokenizer() const { return *state_->loaded.tokenizer; }
Backend& SentenceEncoder::backend() const { return *state_->backend; }
Compute SentenceEncoder::compute() const { return state_->compute; }
Pooling SentenceEncoder::pooling() const { return state_->encoder->options().pooling; }
bool SentenceEncoder::normalize() const { return text_encoder().options().normalize; }
int64_t SentenceEncoder::max_length() const { return text_encoder().options().tokenize.max_length; }
bool SentenceEncoder::strip() const { return text_encoder().options().tokenize.strip; }

Similarity SentenceEncoder::similarity() const {
  return folder().settings.similarity.value_or(Similarity::kCosine);
}

TextEncoder& SentenceEncoder::text_encoder() const { return *state_->text_encoder; }

Encoder& SentenceEncoder::encoder() const { return *state_->encoder; }

BloomModel& SentenceEncoder::model() const { return *state_->model; }

EncodeStatistics SentenceEncoder::Encode(std::span<const std::string> texts,
                                         const TextPrompt& prompt, std::span<float> out,
                                         const std::function<void(int64_t)>& progress) {
  return text_encoder().Encode(texts, prompt, out, progress);
}

}  // namespace lacos
