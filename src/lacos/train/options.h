// The options of a training run: its inputs, its settings, its output, and options that only serve
// measurements.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lacos/data/examples.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/model_folder.h"
#include "lacos/io/output.h"
#include "lacos/kernels/device.h"
#include "lacos/train/losses/loss.h"
#include "lacos/train/optimizer.h"
#include "lacos/train/settings.h"

namespace lacos {

struct OpTimes;  // kernels/timed_backend.h

// Where a run's results go and which of them are kept. None of these options changes a trained
// value.
struct RunOptions {
  std::string output;
  int64_t save_every = 0, keep = 2, max_bad_steps = 0;
  bool no_text_hashes = false;
  bool resume = false;
  // Only `overwrite` and `record` matter here: TrainObserver reports progress, and the
  // `should_stop` of Train ends a run.
  OutputOptions writing;
  // Names and values for run.json, the model card and the resume check. If empty, the Recipe of the
  // settings is used.
  std::vector<std::pair<std::string, std::string>> recipe;
  // What run.json calls input files, by path; see RunInputs::SetNames.
  std::map<std::string, std::string> names;
  // run.json of the run that this one repeats; differences are reported as warnings
  std::string repeats;

  // Visits the settings among these options, as TrainSettings::ForEachField does.
  template <class Visit>
  void ForEachField(const Visit& visit) {
    VisitFields(*this, visit);
  }
  template <class Visit>
  void ForEachField(const Visit& visit) const {
    VisitFields(*this, visit);
  }

 private:
  template <class Options, class Visit>
  static void VisitFields(Options& o, const Visit& visit);
};

// Options that only serve measurements.
struct RunProbe {
  OpTimes* op_times = nullptr;  // receives the times of the backend's ops; null for none
  bool cold = false;            // whether to stream as if the base were larger than memory
};

struct TrainOptions {
  std::string model, base, adapter;  // `adapter`: go on from it
  // For PlanRun only: a base without weights, which replaces `model`.
  std::shared_ptr<BaseWeights> shape;
  std::vector<std::string> train_files;
  std::string dev_file;
  Device device;  // where to compute; the CPU unless said otherwise
  TrainSettings settings;
  RunOptions run;
  RunProbe probe;
};

// The settings with all open values filled in, from the model's folder or else from lacos's
// defaults. The whole width comes first among Matryoshka dimensions. Throws UserError if
// lora_layers are not layers of the model.
TrainSettings Resolve(TrainSettings settings, const EmbeddingSettings& folder,
                      const BloomConfig& config);

// The tokens of a text that are used if neither the setting nor the model's folder says it.
inline constexpr int64_t kDefaultMaxLength = 75;

// Values of settings that depend on the preset or on the model.
struct TrainDefaults {
  Pooling pooling = Pooling::kWeightedMean;  // if the folder says nothing
  double learning_rate = 0;
};
TrainDefaults DefaultsOf(std::optional<TrainPreset> preset, int64_t hidden_size);

// The default learning rate is this over the hidden size: the best rate of Adam falls in proportion
// to the width (Yang et al., "Tensor Programs V", arXiv 2203.03466, 2022). 0.8 gives 2e-4 for the
// 4,096 of bloom-7b1, which is LLM2Vec's rate for LoRA on models of that width. docs/results.md has
// a study at a width of 256.
inline constexpr double kLearningRateTimesWidth = 0.8;

// The options with settings that are resolved for `model` or `shape`. Options without open values
// stay as they are.
TrainOptions Resolve(TrainOptions options);
// run.recipe, or the settings' own recipe if that is empty.
std::vector<std::pair<std::string, std::string>> RecipeOf(const TrainOptions& options);

// Resolved settings in the form that each part of training takes. AdapterOf throws UserError for
// lora_layers that are not a range.
ExampleOptions ExamplesOf(const TrainSettings& settings);
BatchOptions BatchesOf(const TrainSettings& settings);
LossOptions ObjectiveOf(const TrainSettings& settings);
LoraSettings AdapterOf(const TrainSettings& settings);
OptimizerOptions OptimizerOf(const TrainSettings& settings);

template <class Options, class Visit>
void RunOptions::VisitFields(Options& o, const Visit& visit) {
  constexpr auto kGroup = SettingGroup::kCheckpoints;
  constexpr auto kEffect = SettingEffect::kRun;
  visit(SettingInfo{.name = "save_every",
                    .help = "Steps between checkpoints; 0 = only when interrupted",
                    .unit = "N",
                    .low = 0,
                    .group = kGroup,
                    .effect = kEffect},
        o.save_every);
  visit(SettingInfo{.name = "keep",
                    .help = "Checkpoints that are kept",
                    .unit = "N",
                    .low = 1,
                    .high = 1 << 20,
                    .group = kGroup,
                    .effect = kEffect},
        o.keep);
  visit(SettingInfo{.name = "max_bad_steps",
                    .help = "Steps in all that may be passed over, without update, because their "
                            "loss or a gradient is not finite; one more stops the run",
                    .unit = "N",
                    .low = 0,
                    .group = kGroup,
                    .effect = kEffect},
        o.max_bad_steps);
  visit(SettingInfo{.name = "no_text_hashes",
                    .help = "Keep no hashes of the training texts in `output`; `lacos eval` then "
                            "cannot tell which test texts were trained on",
                    .group = kGroup,
                    .effect = kEffect},
        o.no_text_hashes);
  visit(SettingInfo{.name = "resume",
                    .help = "Go on from the newest valid checkpoint in `output`",
                    .group = kGroup,
                    .effect = kEffect},
        o.resume);
}

}  // namespace lacos
