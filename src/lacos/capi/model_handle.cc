// Functions that open and close models and return their properties.
#include "lacos/capi/model_handle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/version.h"
#include "lacos/base/word_value.h"
#include "lacos/capi/status.h"
#include "lacos/io/utf8.h"

namespace lacos::capi {
namespace {

constexpr size_t kOptionsSize = offsetof(lacos_options, suffix) + sizeof(const char*);
constexpr int32_t kMostThreads = 4096;

static_assert(kPoolingNames[Pooling::kMean].c_value == LACOS_POOLING_MEAN &&
              kPoolingNames[Pooling::kWeightedMean].c_value == LACOS_POOLING_WEIGHTED_MEAN &&
              kPoolingNames[Pooling::kLast].c_value == LACOS_POOLING_LAST &&
              kPoolingNames[Pooling::kCls].c_value == LACOS_POOLING_CLS &&
              kPoolingNames[Pooling::kMax].c_value == LACOS_POOLING_MAX &&
              kPoolingNames[Pooling::kMeanSqrtLen].c_value == LACOS_POOLING_MEAN_SQRT_LEN &&
              kSimilarityNames[Similarity::kCosine].c_value == LACOS_SIMILARITY_COSINE &&
              kSimilarityNames[Similarity::kDot].c_value == LACOS_SIMILARITY_DOT &&
              kSimilarityNames[Similarity::kEuclidean].c_value == LACOS_SIMILARITY_EUCLIDEAN &&
              kSimilarityNames[Similarity::kManhattan].c_value == LACOS_SIMILARITY_MANHATTAN &&
              kComputeNames[Compute::kF32].c_value == LACOS_COMPUTE_F32 &&
              kComputeNames[Compute::kBF16].c_value == LACOS_COMPUTE_BF16 &&
              kComputeNames[Compute::kInt8].c_value == LACOS_COMPUTE_INT8);

void RequireRange(const char* field, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  throw CallError(LACOS_INVALID_ARGUMENT,
                  fmt::format("[options.{}] found {}; expected 0 (the default) or {} to {}", field,
                              value, low, high) +
                      "; correct it");
}

// The value for a number of a C enumeration, which counts from 1; nothing for its default, 0.
template <NamedEnum E>
std::optional<E> EnumOf(const char* field, int32_t value) {
  RequireRange(field, value, 0, static_cast<int32_t>(NamesOf(E{}).size()));
  for (const auto& names : NamesOf(E{})) {
    if (names.c_value == value) return names.value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<bool> ReadChoice(const char* field, int32_t value) {
  if (value == LACOS_DEFAULT) return std::nullopt;
  RequireRange(field, value, LACOS_YES, LACOS_NO);
  return value == LACOS_YES;
}

namespace {

std::string OrEmpty(const char* text) { return text == nullptr ? "" : text; }

SentenceEncoderOptions MakeOptions(const char* path, const lacos_options& options) {
  SentenceEncoderOptions result{
      .path = path, .base = OrEmpty(options.base), .adapter = OrEmpty(options.adapter)};
  result.compute = EnumOf<Compute>("compute", options.compute).value_or(Compute::kBF16);
  result.pooling = EnumOf<Pooling>("pooling", options.pooling);
  result.strip = ReadChoice("strip", options.strip);
  Require(options.reserved == 0,
          "[options.reserved] not 0; expected 0; clear the structure before it is filled");
  RequireRange("threads", options.threads, 0, kMostThreads);
  RequireRange("max_length", options.max_length, 0, INT32_MAX);
  if (options.max_length > 0) result.max_length = options.max_length;
  RequireRange("batch_tokens", options.batch_tokens, 0, INT32_MAX);
  if (options.batch_tokens > 0) result.batch_tokens = options.batch_tokens;
  if (options.prefix != nullptr)
    result.prefix = ReadText(options.prefix, LACOS_NUL_TERMINATED, "options.prefix");
  if (options.suffix != nullptr)
    result.suffix = ReadText(options.suffix, LACOS_NUL_TERMINATED, "options.suffix");
  const std::string preset = OrEmpty(options.preset);
  if (!preset.empty()) result.preset = WordValue<Preset>("preset", preset);
  if (options.device != nullptr) {
    const std::optional<Device> device = ParseDevice(options.device);
    if (!device)
      throw CallError(
          LACOS_INVALID_ARGUMENT,
          fmt::format("[options.device] found '{}'; expected cpu, cuda, cuda:N or auto; correct it",
                      options.device));
    result.device = *device;
  }
  return result;
}

void Open(const char* path, const lacos_options* given, lacos_model** model) {
  Require(model != nullptr,
          "[model] NULL; expected where the model is to be put; pass the address of a pointer");
  *model = nullptr;
  int threads = 0;
  SentenceEncoderOptions options = ReadOptions(path, given, threads);
  auto opened = std::make_unique<lacos_model>();
  opened->options = options;
  const std::optional<bool> normalize = options.normalize;
  // Calls choose both anew, so the encoder gives whole vectors as they are pooled.
  options.normalize = false;
  options.truncate_dim = 0;

  opened->compute_thread = ComputeThread::Acquire();
  opened->compute_thread->Run([&] {
    SetThreadCount(threads);
    opened->threads = ThreadCount();
    auto embedder = std::make_unique<SentenceEncoder>(options);
    opened->compute = static_cast<lacos_compute>(kComputeNames[options.compute].c_value);
    opened->pooling = static_cast<lacos_pooling>(kPoolingNames[embedder->pooling()].c_value);
    opened->normalize = normalize.value_or(embedder->folder().settings.normalize.value_or(false));
    const KernelInfo kernels = embedder->backend().Describe();
    opened->description = fmt::format("lacos {}; {}; {}; {}", kLacosVersion, kernels.backend,
                                      kernels.FactsText(), fmt::join(kernels.kernels, ", "));
    opened->embedder = std::move(embedder);
  });
  *model = opened.release();
}

}  // namespace

SentenceEncoderOptions ReadOptions(const char* path, const lacos_options* given, int& threads) {
  Require(path != nullptr, "[path] NULL; expected a model folder; pass its path");
  const lacos_options fields = ReadStruct(given, kOptionsSize, "lacos_options");
  SentenceEncoderOptions options = MakeOptions(path, fields);
  options.normalize = ReadChoice("normalize", fields.normalize);
  threads = fields.threads;
  return options;
}

void RequireModel(const lacos_model* model) {
  Require(model != nullptr, "[model] NULL; expected an open model; call lacos_open first");
}

void RunForModel(const lacos_model& model, const std::function<void()>& work) {
  if (!model.compute_thread->IsHere()) {
    throw UserError(
        "[fork] the model was opened before this process was forked; expected a model opened in "
        "the process that uses it; open it after the fork");
  }
  model.compute_thread->Run([&] {
    SetThreadCount(model.threads);
    work();
  });
}

std::string_view ReadText(const char* text, size_t length, const std::string& where) {
  if (text == nullptr && length != 0) {
    throw CallError(LACOS_INVALID_ARGUMENT,
                    fmt::format("[{}] NULL; expected a text; pass its address", where));
  }
  if (length == 0) return {};
  const std::string_view view =
      length == LACOS_NUL_TERMINATED ? std::string_view(text) : std::string_view(text, length);
  const size_t invalid = FindInvalidUtf8(view);
  if (invalid != std::string_view::npos) {
    throw UserError(fmt::format(
        "[{}] byte {} is not valid UTF-8; expected UTF-8; convert the text, or replace what "
        "is invalid",
        where, invalid));
  }
  return view;
}

}  // namespace lacos::capi

extern "C" {

lacos_status lacos_open(const char* path, const lacos_options* options, lacos_model** model) {
  return lacos::capi::Call([&] { lacos::capi::Open(path, options, model); });
}

void lacos_close(lacos_model* model) {
  if (model == nullptr || !model->compute_thread->IsHere()) return;
  lacos::capi::Call([model] {
    const std::unique_ptr<lacos_model> owner(model);
    owner->compute_thread->Run([&owner] { owner->embedder.reset(); });
  });
}

size_t lacos_dimension(const lacos_model* model) {
  if (model == nullptr) return 0;
  const int64_t all = model->embedder->dimension();
  return static_cast<size_t>(
      std::min(model->embedder->folder().settings.truncate_dim.value_or(all), all));
}

size_t lacos_hidden_size(const lacos_model* model) {
  return model == nullptr ? 0 : static_cast<size_t>(model->embedder->dimension());
}

size_t lacos_vocabulary_size(const lacos_model* model) {
  return model == nullptr ? 0 : static_cast<size_t>(model->embedder->tokenizer().VocabularySize());
}

size_t lacos_max_length(const lacos_model* model) {
  return model == nullptr ? 0 : static_cast<size_t>(model->embedder->max_length());
}

lacos_compute lacos_get_compute(const lacos_model* model) {
  return model == nullptr ? LACOS_COMPUTE_DEFAULT : model->compute;
}

lacos_pooling lacos_get_pooling(const lacos_model* model) {
  return model == nullptr ? LACOS_POOLING_DEFAULT : model->pooling;
}

lacos_choice lacos_get_normalize(const lacos_model* model) {
  return model == nullptr ? LACOS_DEFAULT : model->normalize ? LACOS_YES : LACOS_NO;
}

lacos_choice lacos_get_strip(const lacos_model* model) {
  return model == nullptr ? LACOS_DEFAULT : model->embedder->strip() ? LACOS_YES : LACOS_NO;
}

lacos_similarity_fn lacos_get_similarity(const lacos_model* model) {
  if (model == nullptr) return LACOS_SIMILARITY_DEFAULT;
  return static_cast<lacos_similarity_fn>(
      lacos::kSimilarityNames[model->embedder->similarity()].c_value);
}

int32_t lacos_get_threads(const lacos_model* model) {
  return model == nullptr ? 0 : model->threads;
}

const char* lacos_warning(const lacos_model* model, size_t index) {
  if (model == nullptr) return nullptr;
  const std::vector<std::string>& warnings = model->embedder->folder().warnings;
  return index < warnings.size() ? warnings[index].c_str() : nullptr;
}

const char* lacos_description(const lacos_model* model) {
  return model == nullptr ? "" : model->description.c_str();
}

size_t lacos_prompt_count(const lacos_model* model) {
  return model == nullptr ? 0 : model->embedder->folder().settings.prompts.size();
}

const char* lacos_prompt_name(const lacos_model* model, size_t index) {
  if (index >= lacos_prompt_count(model)) return nullptr;
  const auto& prompts = model->embedder->folder().settings.prompts;
  return std::next(prompts.begin(), static_cast<std::ptrdiff_t>(index))->first.c_str();
}

const char* lacos_prompt_text(const lacos_model* model, const char* name) {
  if (model == nullptr || name == nullptr) return nullptr;
  for (const auto& [key, text] : model->embedder->folder().settings.prompts) {
    if (key == name) return text.c_str();
  }
  return nullptr;
}

const char* lacos_default_prompt_name(const lacos_model* model) {
  return model == nullptr ? "" : model->embedder->folder().settings.default_prompt_name.c_str();
}
}
