#include "lacos/train/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/data/rows.h"
#include "lacos/train/losses/make_loss.h"

namespace lacos {
namespace {

struct LayerRange {
  int64_t first = 0, last = -1;  // inclusive; -1 for the top layer
};

// The range in a text such as "2-5" or "3"; nothing for other texts. An empty text means all
// layers.
std::optional<LayerRange> ParseLayers(const std::string& text) {
  if (text.empty()) return LayerRange{};
  LayerRange range{.first = -1};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, range.first);
  if (error != std::errc()) return std::nullopt;
  if (at == end) {
    range.last = range.first;
  } else {
    if (*at != '-') return std::nullopt;
    const auto rest = std::from_chars(at + 1, end, range.last);
    if (rest.ec != std::errc() || rest.ptr != end) return std::nullopt;
  }
  if (range.first < 0 || range.last < range.first) return std::nullopt;
  return range;
}

LayerRange LayersOf(const std::string& text) {
  const auto range = ParseLayers(text);
  if (range) return *range;
  throw UserError(
      fmt::format("[`lora_layers`] found '{}'; expected A-B with 0 <= A <= B; correct it", text));
}

}  // namespace

double DefaultLearningRate(int64_t hidden_size) {
  // Two digits, so that a reader can compare the rates of models.
  const double rate = kLearningRateTimesWidth / static_cast<double>(hidden_size);
  const double scale = std::pow(10.0, 1 - std::floor(std::log10(rate)));
  return std::round(rate * scale) / scale;
}

TrainDefaults DefaultsOf(std::optional<TrainPreset> preset, int64_t hidden_size) {
  if (preset == TrainPreset::kNli2023) return {.pooling = Pooling::kMean, .learning_rate = 2e-4};
  return {.pooling = Pooling::kWeightedMean, .learning_rate = DefaultLearningRate(hidden_size)};
}

TrainSettings Resolve(TrainSettings settings, const EmbeddingSettings& folder,
                      const BloomConfig& config) {
  const auto choose = [](auto& value, const auto& of_folder, auto otherwise) {
    if (!value) value = of_folder.value_or(otherwise);
  };
  choose(settings.max_length, folder.max_length, kDefaultMaxLength);
  choose(settings.strip, folder.strip, false);
  const TrainDefaults defaults = DefaultsOf(settings.preset, config.hidden_size);
  choose(settings.pooling, folder.pooling, defaults.pooling);
  settings.learning_rate = settings.learning_rate.value_or(defaults.learning_rate);
  choose(settings.normalize, folder.normalize, false);
  std::vector<int64_t>& dimensions = settings.matryoshka;
  if (!dimensions.empty() &&
      std::ranges::find(dimensions, config.hidden_size) == dimensions.end()) {
    dimensions.insert(dimensions.begin(), config.hidden_size);
  }
  const auto range = ParseLayers(settings.lora_layers);
  if (!range || range->last >= config.layers) {
    throw UserError(
        fmt::format("[`lora_layers`] found '{}'; expected A-B with 0 <= A <= B <= {}; this model "
                    "has {} layers",
                    settings.lora_layers, config.layers - 1, config.layers));
  }
  return settings;
}

TrainOptions Resolve(TrainOptions options) {
  const TrainSettings& settings = options.settings;
  if (settings.max_length && settings.strip && settings.pooling && settings.normalize &&
      settings.learning_rate) {
    return options;
  }
  ModelFolder folder;
  if (options.shape == nullptr)
    folder = OpenModelFolder(options.model, options.base, options.adapter);
  const auto base = options.shape ? options.shape : BaseWeights::Open(folder.base_path);
  options.settings = Resolve(options.settings, folder.settings, base->config());
  return options;
}

std::vector<std::pair<std::string, std::string>> RecipeOf(const TrainOptions& options) {
  return options.run.recipe.empty() ? Recipe(options.settings) : options.run.recipe;
}

ExampleOptions ExamplesOf(const TrainSettings& settings) {
  return {.table = MakeTableOptions(settings.delimiter, settings.quoting, settings.replace_invalid),
          .split = settings.split,
          .hard_negatives = settings.hard_negatives,
          .labelled = DescribeLoss(settings.loss).inputs.NeedsLabels(),
          .label_scheme = settings.label_scheme};
}

BatchOptions BatchesOf(const TrainSettings& settings) {
  return {.batch_size = settings.batch_size, .seed = settings.seed, .mix = settings.mix};
}

LossOptions ObjectiveOf(const TrainSettings& settings) {
  return {.kind = settings.loss,
          .scale = settings.scale,
          .symmetric = settings.symmetric,
          .margin = settings.margin,
          .matryoshka = settings.matryoshka,
          .seed = settings.seed};
}

LoraSettings AdapterOf(const TrainSettings& settings) {
  const LayerRange range = LayersOf(settings.lora_layers);
  return {.rank = settings.lora_rank,
          .alpha = settings.lora_alpha,
          .dropout = settings.lora_dropout,
          .targets = settings.lora_target,
          .first_layer = range.first,
          .last_layer = range.last,
          .train_biases = settings.train_biases};
}

OptimizerOptions OptimizerOf(const TrainSettings& settings) {
  return {.kind = settings.optimizer, .weight_decay = settings.weight_decay};
}

}  // namespace lacos
