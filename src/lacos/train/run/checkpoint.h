// The checkpoints of a run: folders OUTPUT/checkpoints/step-NNNNNN, each complete and verified, and
// a file `latest` that names one of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lacos/formats/lora_adapter.h"
#include "lacos/io/json.h"
#include "lacos/io/manifest.h"
#include "lacos/train/optimizer.h"

namespace lacos {

// Everything other than tensors that a resumed run needs.
struct RunProgress {
  int64_t step = 0;       // number of steps so far, bad ones included
  int64_t bad_steps = 0;  // steps without an update, because something was not finite
  int64_t tokens = 0;     // tokens in all steps so far
  double loss_first = 0, loss_last = 0;
  int64_t evaluations_without_improvement = 0;
  // of {"step", "spearman", "pearson"}, in order; undefined scores are NaN here, null in files
  Json evaluations = Json::Array();
  int64_t best_step = -1;  // step of the best evaluation; -1 if there is none yet
};

// Saves values and optimizer state of the optimizer's tensors, the adapter in PEFT's form, the best
// adapter so far, the progress and the settings. Reads all of it back, then lets `latest` name it
// and removes all but the newest `keep` checkpoints. Returns the folder. If it throws, earlier
// checkpoints and `latest` are unchanged.
std::string SaveCheckpoint(const std::string& output, Backend& backend, const Optimizer& optimizer,
                           const LoraAdapter& adapter, const std::optional<LoraAdapter>& best,
                           const RunProgress& progress, const Json& settings,
                           const std::string& base_name, int64_t keep);

// The newest checkpoint that agrees with its manifest, or nothing. Damaged ones are skipped, and
// each adds a line to `messages`.
std::optional<std::string> FindCheckpoint(const std::string& output,
                                          std::vector<std::string>& messages);

// The step-NNNNNN folders of a run, newest first, in whatever state they are.
std::vector<std::filesystem::path> CheckpointFolders(const std::string& output);
// A checkpoint and the differences from its manifest.
struct CheckedCheckpoint {
  std::string folder;
  std::vector<VerifyProblem> problems;
};
std::vector<CheckedCheckpoint> CheckCheckpoints(const std::string& output);

// The checkpoint that the file `latest` names, or nothing; and writing that file.
std::string LatestCheckpoint(const std::string& output);
void PointLatestAt(const std::string& output, const std::string& name);
// Keeps the checkpoint that `latest` names and those before it, `keep` in all, and removes the
// rest. Later ones are left from a run that could not use them and went on from an earlier one.
void PruneCheckpoints(const std::string& output, int64_t keep);

struct LoadedRun {
  std::string note;  // what a user should hear about the change of device; empty without one
  RunProgress progress;
  std::optional<LoraAdapter> best;
};
// Restores the optimizer's tensors. Throws UserError listing every setting and input that differs
// from `settings`.
LoadedRun LoadCheckpoint(const std::string& folder, Backend& backend, Optimizer& optimizer,
                         const BloomConfig& config, const Json& settings);

}  // namespace lacos
