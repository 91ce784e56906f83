// The checkpoints of a training run, as `train --resume` and `verify` read them.
#include <cstring>
#include <filesystem>
#include <vector>

#include "files.h"
#include "lacos/base/error.h"
#include "lacos/train/run/checkpoint.h"
#include "lacos/train/run/metrics_log.h"
#include "targets.h"
#include "unit/train/tiny_training.h"

namespace lacos::fuzz {
namespace {

constexpr std::string_view kNames[] = {"checkpoints/step-000002/progress.json",
                                       "checkpoints/step-000002/state.safetensors",
                                       "checkpoints/step-000002/lacos.json",
                                       "checkpoints/step-000002/adapter_config.json",
                                       "checkpoints/step-000002/adapter_model.safetensors",
                                       "checkpoints/step-000002/best/adapter_config.json",
                                       "checkpoints/step-000002/best/adapter_model.safetensors",
                                       "checkpoints/step-000001/lacos.json",
                                       "checkpoints/latest",
                                       "metrics.jsonl"};

// The two tensors that are trained by the run in the seeds.
struct Training : TinyTraining {
  Training() : TinyTraining({Shape{2, 3}, Shape{2}}, OptimizerKind::kAdam, 0) {}
};

lacos::Json Settings() {
  return lacos::Json::Parse(R"({"seed":1,"files":[{"rows":2}]})", "settings");
}

// Checks that a run that was read can be saved again and then reads back with the same bytes.
void RequireSavedAgain(const std::string& output, Training& training, const LoadedRun& run,
                       const BloomConfig& config) {
  if (!run.best) return;
  const std::string folder =
      SaveCheckpoint(output, training.backend(), training.optimizer(), *run.best, run.best,
                     run.progress, Settings(), "base", 1);
  std::vector<std::string> messages;
  Require(FindCheckpoint(output, messages) == folder,
          "the newest checkpoint is the one that was saved last");
  Require(LatestCheckpoint(output) == std::filesystem::path(folder).filename().string(),
          "`latest` names what was saved last");
  Training other;
  const LoadedRun again =
      LoadCheckpoint(folder, other.backend(), other.optimizer(), config, Settings());
  Require(again.progress.step == run.progress.step &&
              again.progress.bad_steps == run.progress.bad_steps &&
              again.progress.tokens == run.progress.tokens &&
              again.progress.evaluations.Dump() == run.progress.evaluations.Dump(),
          "a run's progress reads back as it was");
  for (size_t i = 0; i < training.optimizer().tensors().size(); ++i) {
    const TensorView &a = training.optimizer().tensors()[i].value,
                     &b = other.optimizer().tensors()[i].value;
    Require(std::memcmp(a.data, b.data, a.Bytes()) == 0, "a tensor reads back as it was");
  }
}

}  // namespace

void RunState(Input input) {
  const std::string output = MakeFolder(Text(input), kNames);
  if (std::filesystem::exists(output + "/metrics.jsonl")) {
    try {
      KeepMetricsUpTo(output + "/metrics.jsonl", 1);
    } catch (const UserError&) {
    }
  }
  std::vector<std::string> messages;
  const size_t folders = CheckCheckpoints(output).size();
  FindCheckpoint(output, messages);
  Require(messages.size() <= folders, "each damaged checkpoint is named once");
  LatestCheckpoint(output);
  PruneCheckpoints(output, 1);
  const BloomConfig config = ParseBloomConfig(
      lacos::Json::Parse(
          R"({"model_type":"bloom","hidden_size":4,"n_head":2,"n_layer":1,"vocab_size":5})",
          "config"),
      "config");
  for (const auto& folder : CheckpointFolders(output)) {
    Training training;
    const LoadedRun run = LoadCheckpoint(folder.string(), training.backend(), training.optimizer(),
                                         config, Settings());
    RequireSavedAgain(output, training, run, config);
  }
}

}  // namespace lacos::fuzz
