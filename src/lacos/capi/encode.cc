// lacos_encode: turns texts into vectors in slices, so that callers can take turns on the
// compute thread.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/capi/encode_texts.h"
#include "lacos/capi/model_handle.h"
#include "lacos/capi/status.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/leading_values.h"

namespace lacos::capi {
namespace {

constexpr size_t kEncodeOptionsSize =
    offsetof(lacos_encode_options, progress_context) + sizeof(void*);
// Size of a slice: enough tokens to fill several batches, but few enough that other callers wait
// for a few seconds at most.
constexpr size_t kSliceTexts = 1024;
// Four batches of ordinary text; every token has at least one byte.
constexpr size_t kSliceBytesPerToken = 16;

// The arguments of one lacos_encode call after they were checked.
struct Request {
  const lacos_model& model;
  const char* const* texts;
  const size_t* lengths;
  size_t n;
  TextPrompt prompt;
  bool normalize;
  size_t dimension, kept;                     // values of a vector before and after truncate_dim
  std::function<void(size_t done)> progress;  // may throw to end the work
  float* out;                                 // the caller's buffer, [n, kept]

  std::string_view Text(size_t i) const {
    return ReadText(texts[i], lengths == nullptr ? LACOS_NUL_TERMINATED : lengths[i],
                    fmt::format("texts[{}]", i));
  }
};

TextPrompt ChosenPrompt(const lacos_model& model, const lacos_encode_options& options) {
  if (options.prompt != nullptr)
    return std::string(ReadText(options.prompt, LACOS_NUL_TERMINATED, "options.prompt"));
  return ResolvePrompt(model.embedder->folder().settings, "",
                       options.prompt_name == nullptr ? "" : options.prompt_name);
}

Request Check(lacos_model* model, const char* const* texts, const size_t* lengths, size_t n,
              const lacos_encode_options* given, float* out, size_t out_floats) {
  RequireModel(model);
  const lacos_encode_options options =
      ReadStruct(given, kEncodeOptionsSize, "lacos_encode_options");
  Require(texts != nullptr || n == 0, "[texts] NULL; expected n texts; pass their addresses");
  Require(out != nullptr || n == 0, "[out] NULL; expected room for n vectors; pass its address");
  Require(options.normalize >= LACOS_DEFAULT && options.normalize <= LACOS_NO,
          "[options.normalize] not a lacos_choice; expected LACOS_DEFAULT, LACOS_YES or LACOS_NO; "
          "correct it");
  Require(options.reserved == 0,
          "[options.reserved] not 0; expected 0; clear the structure before it is filled");
  const auto dimension = static_cast<size_t>(model->embedder->dimension());
  if (options.truncate_dim > dimension) {
    throw CallError(
        LACOS_INVALID_ARGUMENT,
        fmt::format(
            "[options.truncate_dim] found {}; expected at most the model's dimension {}; lower it",
            options.truncate_dim, dimension));
  }
  const size_t kept = options.truncate_dim > 0 ? options.truncate_dim : lacos_dimension(model);
  if (n > out_floats / kept) {
    throw CallError(
        LACOS_BUFFER_TOO_SMALL,
        fmt::format(
            "[out] room for {} floats; expected {} texts times {} values; pass a larger one",
            out_floats, n, kept));
  }
  Request request{.model = *model,
                  .texts = texts,
                  .lengths = lengths,
                  .n = n,
                  .prompt = ChosenPrompt(*model, options),
                  .normalize = options.normalize == LACOS_DEFAULT ? model->normalize
                                                                  : options.normalize == LACOS_YES,
                  .dimension = dimension,
                  .kept = kept,
                  .progress = {},
                  .out = out};
  if (options.progress != nullptr) {
    request.progress = [options, n](size_t done) {
      if (options.progress(options.progress_context, done, n) != 0)
        throw CallError(LACOS_CANCELLED, "[progress] the progress function ended the call");
    };
  }
  // All invalid texts are found before anything is computed.
  for (size_t i = 0; i < n; ++i) request.Text(i);
  return request;
}

// Uses the operation of the backend, so that the vectors equal those of an encoder that normalizes.
void Normalize(Backend& backend, std::span<float> vectors, int64_t dimension) {
  const auto rows = static_cast<int64_t>(vectors.size()) / dimension;
  const DType type = backend.Types().residual;
  const Buffer memory = backend.Allocate(vectors.size() * SizeOf(type));
  const TensorView view{.data = memory.data(), .dtype = type, .shape = {rows, dimension}};
  UploadFloats(backend, vectors, view);
  backend.L2Normalize(view, {}, view);
  const std::vector<float> result = DownloadFloats(backend, view);
  std::copy(result.begin(), result.end(), vectors.begin());
}

void CheckFinite(std::span<const float> vectors, size_t dimension, size_t first_text) {
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (std::isfinite(vectors[i])) continue;
    throw UserError(fmt::format(
        "[texts[{}]] its vector has the value {}; expected finite numbers; check the weights of "
        "the model and of its adapter",
        first_text + i / dimension, vectors[i]));
  }
}

// Encodes `texts`, which are the texts of the request from `begin` on. Runs on the compute thread.
EncodeStatistics EncodeSlice(const Request& request, const std::vector<std::string>& texts,
                             size_t begin) {
  SentenceEncoder& embedder = *request.model.embedder;
  const size_t d = request.dimension, kept = request.kept;
  const bool whole = kept == d;
  std::vector<float> pooled(whole ? 0 : texts.size() * d);
  const std::span<float> vectors =
      whole ? std::span(request.out + begin * d, texts.size() * d) : std::span(pooled);
  const EncodeStatistics statistics = embedder.Encode(texts, request.prompt, vectors);
  CheckFinite(vectors, d, begin);
  if (whole && request.normalize) Normalize(embedder.backend(), vectors, static_cast<int64_t>(d));
  for (size_t i = 0; !whole && i < texts.size(); ++i) {
    CopyLeadingValues(std::span(pooled).subspan(i * d), request.normalize,
                      std::span(request.out + (begin + i) * kept, kept));
  }
  return statistics;
}

lacos_encode_stats Encode(const Request& request) {
  const auto batch_tokens =
      static_cast<size_t>(request.model.embedder->text_encoder().options().batch_tokens);
  const size_t slice_bytes = kSliceBytesPerToken * std::max<size_t>(batch_tokens, 4096);
  lacos_encode_stats sum{};
  std::vector<std::string> texts;
  for (size_t begin = 0; begin < request.n; begin += texts.size()) {
    texts.clear();
    size_t bytes = 0;
    for (size_t i = begin; i < request.n && texts.size() < kSliceTexts && bytes < slice_bytes;
         ++i) {
      texts.emplace_back(request.Text(i));
      bytes += texts.back().size();
    }
    EncodeStatistics statistics;
    RunForModel(request.model, [&] { statistics = EncodeSlice(request, texts, begin); });
    sum.texts += static_cast<uint64_t>(statistics.texts);
    sum.tokens += static_cast<uint64_t>(statistics.tokens);
    sum.truncated += static_cast<uint64_t>(statistics.truncated);
    sum.empty += static_cast<uint64_t>(statistics.empty);
    if (request.progress) request.progress(begin + texts.size());
  }
  return sum;
}

}  // namespace

TextPrompt PromptOfCall(const lacos_model& model, const lacos_encode_options* options) {
  return ChosenPrompt(model, ReadStruct(options, kEncodeOptionsSize, "lacos_encode_options"));
}

lacos_encode_stats EncodeTexts(const lacos_model& model, std::span<const std::string> texts,
                               const TextPrompt& prompt, std::span<float> out,
                               const std::function<void(size_t done)>& progress) {
  std::vector<const char*> begins;
  std::vector<size_t> lengths;
  for (const std::string& text : texts) {
    begins.push_back(text.data());
    lengths.push_back(text.size());
  }
  return Encode({.model = model,
                 .texts = begins.data(),
                 .lengths = lengths.data(),
                 .n = texts.size(),
                 .prompt = prompt,
                 .normalize = model.normalize,
                 .dimension = static_cast<size_t>(model.embedder->dimension()),
                 .kept = lacos_dimension(&model),
                 .progress = progress,
                 .out = out.data()});
}

}  // namespace lacos::capi

extern "C" lacos_status lacos_encode(lacos_model* model, const char* const* texts,
                                     const size_t* lengths, size_t n,
                                     const lacos_encode_options* options, float* out,
                                     size_t out_floats, lacos_encode_stats* stats) {
  return lacos::capi::Call([&] {
    const lacos_encode_stats sum =
        lacos::capi::Encode(lacos::capi::Check(model, texts, lengths, n, options, out, out_floats));
    if (stats != nullptr) *stats = sum;
  });
}
