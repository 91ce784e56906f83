// lacos_encode_tokens: the vectors of a text's tokens, before pooling.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "lacos/capi/encode_texts.h"
#include "lacos/capi/status.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/encoder.h"

namespace lacos::capi {
namespace {

// The hidden states after the last LayerNorm, [ids, D]. Runs on the compute thread.
void HiddenStatesOf(const lacos_model& model, const std::vector<int32_t>& ids, float* out) {
  Encoder& encoder = model.embedder->encoder();
  Backend& backend = encoder.model().backend();
  const ArenaScope scope(encoder.arena());
  PackedTexts batch;
  batch.Add(ids);
  const TensorView hidden = encoder.arena().Allocate(
      backend.Types().residual,
      {static_cast<int64_t>(ids.size()), encoder.model().config().hidden_size});
  encoder.HiddenStates(batch, hidden);
  const std::vector<float> host = DownloadFloats(backend, hidden);
  std::copy(host.begin(), host.end(), out);
}

void EncodeTokens(lacos_model* model, const char* text, size_t length,
                  const lacos_encode_options* given, int32_t* ids, float* out, size_t capacity,
                  size_t* count) {
  RequireModel(model);
  Require(count != nullptr,
          "[count] NULL; expected where the number of tokens is to be put; pass its address");
  const bool only_counts = ids == nullptr && out == nullptr && capacity == 0;
  Require(only_counts || ids != nullptr || out != nullptr,
          "[ids, out] NULL; expected room for `capacity` tokens; pass the address of one or both");
  const TextPrompt prompt = PromptOfCall(*model, given);
  const std::string used = prompt.text + std::string(ReadText(text, length, "text"));
  const TextEncoder& encoder = model->embedder->text_encoder();
  const TokenizedText tokens =
      TokenizeText(model->embedder->tokenizer(), used, encoder.TokenizeOptionsFor(prompt));
  *count = tokens.ids.size();
  if (only_counts) return;
  if (capacity < tokens.ids.size()) {
    throw CallError(LACOS_BUFFER_TOO_SMALL,
                    fmt::format("[capacity] room for {} tokens; expected {}; pass a larger one",
                                capacity, tokens.ids.size()));
  }
  if (ids != nullptr) std::copy(tokens.ids.begin(), tokens.ids.end(), ids);
  if (out == nullptr || tokens.ids.empty()) return;
  RunForModel(*model, [&] { HiddenStatesOf(*model, tokens.ids, out); });
}

}  // namespace
}  // namespace lacos::capi

extern "C" lacos_status lacos_encode_tokens(lacos_model* model, const char* text, size_t length,
                                            const lacos_encode_options* options, int32_t* ids,
                                            float* out, size_t capacity, size_t* count) {
  return lacos::capi::Call(
      [&] { lacos::capi::EncodeTokens(model, text, length, options, ids, out, capacity, count); });
}
