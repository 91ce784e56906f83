// The settings of a training run, each listed once. Command-line flags, sweep recipes, run.json,
// model cards, the table in the docs and the fuzzers' dictionary are all derived from this list.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/base/compute.h"
#include "lacos/base/pooling.h"
#include "lacos/data/batcher.h"
#include "lacos/data/labels.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/io/json.h"
#include "lacos/train/kinds.h"
#include "lacos/train/losses/loss_kind.h"
#include "lacos/train/setting_info.h"

namespace lacos {

// The default values are those of `lacos train`. A setting that the model or `preset` may decide is
// std::nullopt until `Resolve` fills it in.
struct TrainSettings {
  std::optional<TrainPreset> preset;
  int64_t eval_every = 0, patience = 0;
  std::string split = "train", delimiter, quoting;
  bool replace_invalid = false, hard_negatives = false;
  LabelScheme label_scheme = LabelScheme::kAuto;
  double data_fraction = 1;
  Mix mix = Mix::kProportional;
  int64_t batch_size = 128;
  std::optional<int64_t> max_length;
  std::optional<bool> strip;
  std::optional<Pooling> pooling;
  std::optional<bool> normalize;
  double epochs = 1;
  int64_t max_steps = 0;
  LossKind loss = LossKind::kMnr;
  double scale = 20;
  bool symmetric = false;
  double margin = 5, score_max = 0;
  std::vector<int64_t> matryoshka;
  int64_t lora_rank = 8;
  double lora_alpha = 16, lora_dropout = 0;
  std::vector<std::string> lora_target = {"query_key_value"};
  std::string lora_layers;
  bool train_biases = false;
  std::optional<double> dropout;
  OptimizerKind optimizer = OptimizerKind::kAdam8;
  std::optional<double> learning_rate;
  double weight_decay = 0, max_grad_norm = 1;
  ScheduleKind schedule = ScheduleKind::kLinear;
  double warmup_ratio = 0.1;
  int64_t warmup_steps = -1;
  int64_t memory_budget = 0;
  StrategyChoice gradient_strategy = StrategyChoice::kAuto;
  int64_t chunk_tokens = 0;
  bool stream_layers = false;
  std::string cache_layers;
  int64_t cache_layers_limit = 20'000'000'000;
  Compute compute = Compute::kBF16;
  uint64_t seed = 42;

  // Calls visit(const SettingInfo&, field&) for each setting, in the order of --help.
  template <class Visit>
  void ForEachField(const Visit& visit) {
    VisitFields(*this, visit);
  }
  template <class Visit>
  void ForEachField(const Visit& visit) const {
    VisitFields(*this, visit);
  }

  bool operator==(const TrainSettings&) const = default;

 private:
  template <class Settings, class Visit>
  static void VisitFields(Settings& s, const Visit& visit);
};

// The descriptions of all settings in TrainSettings and RunOptions.
const std::vector<SettingInfo>& AllSettings();
// The description of the setting called `name`, which must exist.
const SettingInfo& SettingNamed(std::string_view name);

// The name and the value of every setting that decides the result, in the form that run.json and
// the model card show.
std::vector<std::pair<std::string, std::string>> Recipe(const TrainSettings& settings);

// Looks up a setting in the "settings" of a run.json, first under its name, then under its key
// (SettingRecord::key). Returns nothing when the file has neither. `name` must be a setting's name.
std::optional<Json> FindRecorded(const Json& recorded, std::string_view name);

// A value as readable text: "8", "yes", "mnr", "query_key_value, dense". The elements of a list are
// joined with `between`.
std::string SettingText(bool value);
std::string SettingText(int64_t value);
std::string SettingText(uint64_t value);
std::string SettingText(double value);
std::string SettingText(const std::string& value);
std::string SettingText(const std::vector<std::string>& value, std::string_view between = ", ");
std::string SettingText(const std::vector<int64_t>& value, std::string_view between = ", ");
template <NamedEnum E>
std::string SettingText(E value) {
  return std::string(Name(value));
}
template <class T>
std::string SettingText(const std::optional<T>& value) {
  return value ? SettingText(*value) : "default";
}

template <class Settings, class Visit>
void TrainSettings::VisitFields(Settings& s, const Visit& visit) {
  using enum SettingEffect;
  using Group = SettingGroup;
  constexpr double kInt32 = std::numeric_limits<int32_t>::max();
  static constexpr std::string_view kQuotings[] = {"none", "csv"};
  constexpr std::string_view kFolderElseNo = "what the folder says, else no";

  visit(SettingInfo{.name = "eval_every",
                    .help = "Steps between dev scores; 0 = after each epoch",
                    .unit = "N",
                    .low = 0,
                    .group = Group::kEvaluation,
                    .record = {18, "evaluate every"}},
        s.eval_every);
  visit(SettingInfo{.name = "patience",
                    .help = "Stop after so many dev scores without improvement; 0 = never",
                    .unit = "N",
                    .low = 0,
                    .group = Group::kEvaluation,
                    .record = {19, "patience"}},
        s.patience);

  visit(SettingInfo{.name = "preset",
                    .help = "Give the settings that are not given the defaults of an earlier "
                            "version"},
        s.preset);
  visit(SettingInfo{.name = "split",
                    .help = "Rows that are used of a file with a column 'split'",
                    .unit = "NAME"},
        s.split);
  visit(SettingInfo{.name = "delimiter",
                    .help = "Character between the columns of a table, or 'tab'",
                    .unit = "C",
                    .default_text = "tab for .tsv, comma for .csv"},
        s.delimiter);
  visit(SettingInfo{.name = "quoting",
                    .help = "Whether cells may be quoted as in RFC 4180",
                    .words = kQuotings,
                    .default_text = "csv for .csv, none for .tsv"},
        s.quoting);
  visit(SettingInfo{.name = "replace_invalid",
                    .help = "Use U+FFFD for invalid UTF-8 instead of stopping"},
        s.replace_invalid);
  visit(SettingInfo{.name = "hard_negatives",
                    .help = "Make the contradictions of an anchor its negatives, beside those of "
                            "the batch",
                    .record = {25, "hard negatives", "contradictions of the anchor",
                               [](const TrainSettings& t) { return t.hard_negatives; }},
                    .sweep_place = 11},
        s.hard_negatives);
  visit(
      SettingInfo{
          .name = "label_scheme",
          .help = "What the labels 0 and 1 of pairs mean where the file does not tell: nli "
                  "(0 = entailment) or paraphrase (1 = the same meaning)",
          .record = {28, "label scheme", "{}",
                     [](const TrainSettings& t) { return t.label_scheme != LabelScheme::kAuto; }},
          .sweep_place = 12},
      s.label_scheme);
  visit(
      SettingInfo{.name = "data_fraction",
                  .help = "Share of each file's examples that is used, drawn by `seed`; a smaller "
                          "share lies inside a larger one",
                  .unit = "X",
                  .low = 1e-9,
                  .high = 1,
                  .record = {23, "data fraction", "{}",
                             [](const TrainSettings& t) { return t.data_fraction != 1; }},
                  .sweep_place = 6},
      s.data_fraction);
  visit(
      SettingInfo{
          .name = "mix", .help = "How batches are drawn from several files", .record = {17, "mix"}},
      s.mix);
  visit(SettingInfo{.name = "batch_size",
                    .help = "Examples (pairs) in a batch",
                    .unit = "N",
                    .low = 2,
                    .high = 1 << 20,
                    .record = {3, "batch size"},
                    .sweep_place = 24},
        s.batch_size);
  visit(SettingInfo{.name = "max_length",
                    .help = "Tokens of a text that are used; longer texts lose their end, or with "
                            "truncation_side left their beginning, and are counted",
                    .unit = "N",
                    .low = 1,
                    .high = kInt32,
                    .default_text = "what the folder says, else 75",
                    .record = {5, "max length", "{} tokens"},
                    .sweep_place = 21},
        s.max_length);
  visit(SettingInfo{.name = "strip",
                    .help = "Strip whitespace at both ends of a text",
                    .default_text = kFolderElseNo,
                    .help_no = "Keep whitespace at both ends of a text",
                    .record = {8, "strip"},
                    .sweep_place = 20},
        s.strip);
  visit(SettingInfo{.name = "pooling",
                    .help = "How the vectors of a text's tokens become one",
                    .default_text = "what the folder says, else weighted_mean",
                    .record = {6, "pooling"},
                    .sweep_place = 18},
        s.pooling);
  visit(SettingInfo{.name = "normalize",
                    .help = "Scale every vector to length 1",
                    .default_text = kFolderElseNo,
                    .help_no = "Leave vectors as they are",
                    .record = {7, "normalize"},
                    .sweep_place = 19},
        s.normalize);
  visit(SettingInfo{.name = "epochs",
                    .help = "Passes over the data; may be a fraction",
                    .unit = "N",
                    .low = 1e-6,
                    .high = 1e6,
                    .record = {4, "epochs", "{}",
                               [](const TrainSettings& t) { return t.max_steps <= 0; }},
                    .sweep_place = 22},
        s.epochs);
  visit(SettingInfo{.name = "max_steps",
                    .help = "Stop after so many steps instead, the schedule's horizon; 0 = by "
                            "`epochs`",
                    .unit = "N",
                    .low = 0,
                    .record = {4, "epochs", "{} steps",
                               [](const TrainSettings& t) { return t.max_steps > 0; }},
                    .sweep_place = 23},
        s.max_steps);

  visit(SettingInfo{.name = "loss",
                    .help = "Objective: multiple-negatives ranking, or one of the baselines",
                    .group = Group::kObjective,
                    .record = {1, "objective"},
                    .sweep_place = 7},
        s.loss);
  visit(SettingInfo{.name = "scale",
                    .help = "Factor on similarities (mnr, cosent, angle)",
                    .unit = "X",
                    .low = 1e-6,
                    .high = 1e6,
                    .group = Group::kObjective,
                    .record = {2, "scale"},
                    .sweep_place = 8},
        s.scale);
  visit(SettingInfo{.name = "symmetric",
                    .help = "mnr: also rank anchors for each positive; the mean of both",
                    .group = Group::kObjective,
                    .record = {24, "symmetric", "{}",
                               [](const TrainSettings& t) { return t.symmetric; }},
                    .sweep_place = 10},
        s.symmetric);
  visit(SettingInfo{.name = "margin",
                    .help = "triplet: Euclidean margin",
                    .unit = "X",
                    .low = 0,
                    .high = 1e6,
                    .group = Group::kObjective,
                    .record = {26, "margin", "{}",
                               [](const TrainSettings& t) { return t.loss == LossKind::kTriplet; }},
                    .sweep_place = 9},
        s.margin);
  visit(
      SettingInfo{
          .name = "score_max",
          .help = "Gold score that means 'the same' (cosine, cosent, angle); 0 = 1 when all lie "
                  "in -1..1, else 5 or the largest",
          .unit = "X",
          .low = 0,
          .high = 1e9,
          .group = Group::kObjective},
      s.score_max);
  visit(SettingInfo{.name = "matryoshka",
                    .help = "Train these leading dimensions of the vectors too, beside the whole: "
                            "256,128",
                    .unit = "D,...",
                    .low = 1,
                    .high = kInt32,
                    .group = Group::kObjective,
                    .record = {27, "Matryoshka dimensions", "{}",
                               [](const TrainSettings& t) { return !t.matryoshka.empty(); }}},
        s.matryoshka);

  constexpr auto kLora = [](const TrainSettings& t) { return !t.train_biases; };
  visit(SettingInfo{.name = "lora_rank",
                    .help = "Rank of the low-rank updates",
                    .unit = "R",
                    .low = 1,
                    .high = 65536,
                    .group = Group::kAdapter,
                    .record = {21, "LoRA", "rank {}", kLora},
                    .sweep_place = 13},
        s.lora_rank);
  visit(SettingInfo{.name = "lora_alpha",
                    .help = "The update is scaled by alpha / rank",
                    .unit = "X",
                    .low = 1e-6,
                    .high = 1e6,
                    .group = Group::kAdapter,
                    .record = {21, "LoRA", "alpha {}", kLora},
                    .sweep_place = 14},
        s.lora_alpha);
  visit(SettingInfo{.name = "lora_dropout",
                    .help = "Dropout on the input of the updates",
                    .unit = "P",
                    .low = 0,
                    .high = 0.99,
                    .group = Group::kAdapter,
                    .record = {21, "LoRA", "dropout {}", kLora}},
        s.lora_dropout);
  visit(SettingInfo{.name = "lora_target",
                    .help = "Matrices that get an update: "
                            "query_key_value,dense,dense_h_to_4h,dense_4h_to_h",
                    .unit = "NAME,...",
                    .words = kLoraTargets,
                    .group = Group::kAdapter,
                    .record = {21, "LoRA", "on {}", kLora},
                    .sweep_place = 15},
        s.lora_target);
  visit(SettingInfo{.name = "lora_layers",
                    .help = "Only the layers A to B, counted from 0",
                    .unit = "A-B",
                    .default_text = "all",
                    .group = Group::kAdapter,
                    .record = {22, "LoRA layers", "{}",
                               [](const TrainSettings& t) {
                                 return !t.train_biases && !t.lora_layers.empty();
                               }}},
        s.lora_layers);
  visit(SettingInfo{.name = "train_biases",
                    .help = "BitFit: train every bias instead of low-rank updates",
                    .group = Group::kAdapter,
                    .record = {20, "trained", "biases (BitFit)",
                               [](const TrainSettings& t) { return t.train_biases; }},
                    .sweep_place = 16},
        s.train_biases);
  visit(SettingInfo{.name = "dropout",
                    .help = "Dropout on the embedding output, attention probabilities and both "
                            "residual branches",
                    .unit = "P",
                    .low = 0,
                    .high = 0.99,
                    .default_text = "0; 0.1 for unlabelled text",
                    .group = Group::kAdapter,
                    .record = {14, "dropout"},
                    .sweep_place = 17},
        s.dropout);

  visit(SettingInfo{.name = "optimizer",
                    .help = "Adam with block-wise 8-bit or with f32 moments",
                    .group = Group::kOptimizer,
                    .record = {9, "optimizer"},
                    .sweep_place = 25},
        s.optimizer);
  visit(SettingInfo{.name = "learning_rate",
                    .help = "Learning rate after warmup",
                    .unit = "X",
                    .low = 0,
                    .high = 1e3,
                    .default_text = "0.8 / the model's hidden size",
                    .group = Group::kOptimizer,
                    .record = {10, "learning rate"},
                    .sweep_place = 27},
        s.learning_rate);
  visit(SettingInfo{.name = "weight_decay",
                    .help = "Decoupled weight decay",
                    .unit = "X",
                    .low = 0,
                    .high = 1e3,
                    .group = Group::kOptimizer,
                    .record = {12, "weight decay"},
                    .sweep_place = 28},
        s.weight_decay);
  visit(SettingInfo{.name = "max_grad_norm",
                    .help = "Gradients are clipped to this norm; 0 = never",
                    .unit = "X",
                    .low = 0,
                    .high = 1e9,
                    .group = Group::kOptimizer,
                    .record = {13, "max gradient norm"},
                    .sweep_place = 30},
        s.max_grad_norm);
  visit(SettingInfo{.name = "schedule",
                    .help = "How the learning rate changes after warmup",
                    .group = Group::kOptimizer,
                    .record = {11, "schedule"},
                    .sweep_place = 26},
        s.schedule);
  visit(SettingInfo{.name = "warmup_ratio",
                    .help = "Share of the steps with rising learning rate",
                    .unit = "X",
                    .low = 0,
                    .high = 1,
                    .group = Group::kOptimizer,
                    // The record keeps the spelling of lacos 0.1, whose runs can be resumed.
                    .record = {11, "schedule", "warm-up {} of the steps",
                               [](const TrainSettings& t) { return t.warmup_steps < 0; }},
                    .sweep_place = 29},
        s.warmup_ratio);
  visit(SettingInfo{.name = "warmup_steps",
                    .help = "Steps with rising learning rate, instead of the ratio",
                    .unit = "N",
                    .low = 0,
                    .default_text = "by `warmup_ratio`",
                    .group = Group::kOptimizer,
                    .record = {11, "schedule", "warm-up {} steps",
                               [](const TrainSettings& t) { return t.warmup_steps >= 0; }}},
        s.warmup_steps);

  visit(SettingInfo{.name = "memory_budget",
                    .help = "Hard limit of the predicted peak memory",
                    .unit = "SIZE",
                    .default_text = "80 % of free memory",
                    .group = Group::kMemory,
                    .effect = kPlan},
        s.memory_budget);
  visit(
      SettingInfo{.name = "gradient_strategy",
                  .help = "Keep activations, recompute them, or encode in chunks (GradCache); the "
                          "same bytes result",
                  .group = Group::kMemory,
                  .effect = kPlan},
      s.gradient_strategy);
  visit(SettingInfo{.name = "chunk_tokens",
                    .help = "Tokens in a chunk of gradcache; 0 = 2048",
                    .unit = "N",
                    .low = 0,
                    .high = kInt32,
                    .group = Group::kMemory,
                    .effect = kPlan},
        s.chunk_tokens);
  visit(SettingInfo{.name = "stream_layers",
                    .help = "Keep one layer of the base in memory at a time (two where the base "
                            "takes more than half of free memory): read ahead, given back after "
                            "use; the same bytes result",
                    .group = Group::kMemory,
                    .effect = kPlan},
        s.stream_layers);
  visit(SettingInfo{.name = "cache_layers",
                    .help = "Keep the states below the lowest trained layer (`lora_layers`) on "
                            "disk, for later epochs and runs: 4 bytes times the hidden size a "
                            "token; the same bytes result",
                    .unit = "DIR",
                    .group = Group::kMemory,
                    .effect = kPlan},
        s.cache_layers);
  visit(SettingInfo{.name = "cache_layers_limit",
                    .help = "Nothing is added to `cache_layers` beyond this size",
                    .unit = "SIZE",
                    .group = Group::kMemory,
                    .effect = kPlan},
        s.cache_layers_limit);

  visit(
      SettingInfo{.name = "compute",
                  .help = "Arithmetic of products with frozen weights; where the CPU lacks it, it "
                          "is emulated exactly, and 'lacos info' says so. int8 also rounds the "
                          "inputs, to 8 bit a token",
                  .group = Group::kEveryCommand,
                  .record = {15, "compute"},
                  .sweep_place = 4},
      s.compute);
  visit(SettingInfo{.name = "seed",
                    .help = "Seed of everything random",
                    .unit = "N",
                    .low = 0,
                    .group = Group::kEveryCommand,
                    .record = {16, "seed"}},
        s.seed);
}

}  // namespace lacos
