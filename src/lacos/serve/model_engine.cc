#include "lacos/serve/model_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <tuple>

#include "lacos/base/error.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/prompt_pooling.h"

namespace lacos::serve {
namespace {

// Texts that can be computed in one pass: pooled in one way, or not pooled.
struct PassKey {
  bool tokens = false;
  Pooling pooling = Pooling::kMean;
  int64_t skipped = 0;
  auto operator<=>(const PassKey&) const = default;
};

PassKey KeyOf(const EngineText& text) {
  if (text.output == TextOutput::kTokens) return {.tokens = true};
  return {.tokens = false, .pooling = text.pooling, .skipped = text.skipped};
}

std::string_view BytesOf(std::span<const int32_t> ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size_bytes()};
}

void RequireFinite(std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value)) {
      throw UserError(fmt::format(
          "[text] its vector has the value {}; expected finite numbers; check the weights of the "
          "model and of its adapter",
          value));
    }
  }
}

// Restores the encoder's options at the end, since a batch may be computed in the pause of another.
class OptionsScope {
 public:
  explicit OptionsScope(Encoder& encoder) : encoder_(encoder), options_(encoder.options()) {}
  ~OptionsScope() { encoder_.options() = options_; }
  OptionsScope(const OptionsScope&) = delete;
  OptionsScope& operator=(const OptionsScope&) = delete;

 private:
  Encoder& encoder_;
  const EncoderOptions options_;
};

}  // namespace

ModelEngine::ModelEngine(Encoder& encoder) : encoder_(encoder) {
  const bool is_streamed = encoder.options().streaming != WeightStreaming::kNone;
  const bool is_on_device = encoder.model().backend().Memory().kind == MemoryKind::kDevice;
  if (!is_streamed && !is_on_device) pauses_ = encoder.model().config().layers - 1;
}

int64_t ModelEngine::width() const { return encoder_.model().config().hidden_size; }

// Computes the texts of the group, which have one PassKey, are different and ordered by adapter.
void ModelEngine::ComputeGroup(std::span<const EngineText> texts, std::span<const size_t> group,
                               std::vector<std::vector<float>>& out) {
  BloomModel& model = encoder_.model();
  Backend& backend = model.backend();
  const auto d = static_cast<size_t>(width());
  PackedTexts batch;
  std::vector<int32_t> adapters;
  for (const size_t i : group) {
    batch.Add(texts[i].ids, texts[i].adapter);
    adapters.push_back(texts[i].adapter);
  }
  // Without a list all texts have the only adapter, which may then change biases.
  const bool is_only = model.adapters() == 1 && !model.CanMixAdapters();
  batch.adapters = is_only ? std::vector<int32_t>() : std::move(adapters);

  const PassKey key = KeyOf(texts[group.front()]);
  const ArenaScope scope(encoder_.arena());
  const int64_t rows = key.tokens ? batch.Tokens() : batch.Texts();
  const TensorView result = encoder_.arena().Allocate(backend.Types().residual, {rows, width()});
  if (key.tokens) {
    encoder_.HiddenStates(batch, result);
    const std::vector<float> host = DownloadFloats(backend, result);
    for (size_t n = 0; n < group.size(); ++n) {
      const auto begin = host.begin() + static_cast<std::ptrdiff_t>(batch.offsets[n] * d),
                 end = host.begin() + static_cast<std::ptrdiff_t>(batch.offsets[n + 1] * d);
      out[group[n]].assign(begin, end);
      RequireFinite(out[group[n]]);
    }
    return;
  }
  encoder_.options().pooling = key.pooling;
  if (key.skipped > 0) {
    PoolAfterPrompt(encoder_, batch, key.skipped, result);
  } else {
    encoder_.Forward(batch, result);
  }
  const auto copy = [&](bool normalized) {
    const std::vector<float> host = DownloadFloats(backend, result);
    for (size_t n = 0; n < group.size(); ++n) {
      if ((texts[group[n]].output == TextOutput::kNormalized) != normalized) continue;
      out[group[n]].assign(host.begin() + static_cast<std::ptrdiff_t>(n * d),
                           host.begin() + static_cast<std::ptrdiff_t>((n + 1) * d));
      RequireFinite(out[group[n]]);
    }
  };
  const auto wants = [&](TextOutput output) {
    return std::any_of(group.begin(), group.end(),
                       [&](size_t i) { return texts[i].output == output; });
  };
  const PhaseScope phase(backend, StepPhase::kVectors);
  if (wants(TextOutput::kPooled)) copy(/*normalized=*/false);
  if (!wants(TextOutput::kNormalized)) return;
  backend.L2Normalize(result, {}, result);
  copy(/*normalized=*/true);
}

std::vector<std::vector<float>> ModelEngine::Compute(std::span<const EngineText> texts,
                                                     int64_t& computed,
                                                     const std::function<void()>& pause) {
  const OptionsScope options(encoder_);
  encoder_.options().after_block = pause && pauses() > 0 ? &pause : nullptr;
  std::vector<std::vector<float>> out(texts.size());
  std::map<PassKey, std::vector<size_t>> groups;
  for (size_t i = 0; i < texts.size(); ++i) groups[KeyOf(texts[i])].push_back(i);
  computed = 0;
  for (auto& [key, group] : groups) {
    // Rows of one adapter lie together. Equal texts follow each other, and the first is computed.
    const auto order = [&](size_t i) {
      return std::tuple(texts[i].adapter, BytesOf(texts[i].ids), texts[i].output);
    };
    std::stable_sort(group.begin(), group.end(),
                     [&](size_t a, size_t b) { return order(a) < order(b); });
    std::vector<size_t> distinct;
    std::vector<std::pair<size_t, size_t>> copies;  // a text, and the equal one before it
    for (const size_t i : group) {
      if (!distinct.empty() && order(distinct.back()) == order(i)) {
        copies.emplace_back(i, distinct.back());
      } else {
        distinct.push_back(i);
        computed += static_cast<int64_t>(texts[i].ids.size());
      }
    }
    ComputeGroup(texts, distinct, out);
    for (const auto& [to, from] : copies) out[to] = out[from];
  }
  return out;
}

}  // namespace lacos::serve
