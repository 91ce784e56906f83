// Checkpoints of a run: OUTPUT/checkpoints/step-NNNNNN, each complete and verified, and a file
// `latest` that names one.
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

// Everything besides tensors that a resumed run needs.
struct RunProgress {
  int64_t step = 0;       // steps done, bad ones included
  int64_t bad_steps = 0;  // of them, those without an update: something was not finite
  int64_t tokens = 0;     // of all steps so far
  double loss_first = 0, loss_last = 0;
  int64_t evaluations_without_improvement = 0;
  // of {"step", "spearman", "pearson"}, in order; undefined scores are NaN here, null in files
  Json evaluations = Json::Array();
  int64_t best_step = -1;  // of the best evaluation, -1 = none yet
};

// Saves values and optimizer state of `optimizer`'s tensors, the adapter in PEFT's form, the best
// adapter so far, the progress and the settings; reads all of it back; then points `latest` at it
// and removes all but the newest `keep`. Returns the folder. When it throws, earlier checkpoints
// and `latest` are as they were.
std::string SaveCheckpoint(const std::string& output, Backend& backend, const Optimizer& optimizer,
                           const LoraAdapter& adapter, const std::optional<LoraAdapter>& best,
                           const RunProgress& progress, const Json& settings,
                           const std::string& base_name, int64_t keep);

// The newest checkpoint whose manifest verifies, or nothing. Damaged ones are passed over; each
// adds a line to `messages`.
std::optional<std::string> FindCheckpoint(const std::string& output,
                                          std::vector<std::string>& messages);

// step-NNNNNN folders of a run, newest first, whatever state they are in.
std::vector<std::filesystem::path> CheckpointFolders(const std::string& output);
// Each of them with what its manifest says is wrong with it.
struct CheckedCheckpoint {
  std::string folder;
  std::vector<VerifyProblem> problems;
};
std::vector<CheckedCheckpoint> CheckCheckpoints(const std::string& output);

// What the file `latest` names, or nothing; and making it name a checkpoint, or none.
std::string LatestCheckpoint(const std::string& output);
void PointLatestAt(const std::string& output, const std::string& name);
// Removes all but the `keep` checkpoints that end with the one `latest` names: later ones are of a
// run that could not use them and went on from an earlier one.
void PruneCheckpoints(const std::string& output, int64_t keep);

struct LoadedRun {
  RunProgress progress;
  std::optional<LoraAdapter> best;
};
// Restores tensors into `optimizer`. Throws UserError listing every setting and input that differs
// from `settings`.
LoadedRun LoadCheckpoint(const std::string& folder, Backend& backend, Optimizer& optimizer,
                         const BloomConfig& config, const Json& settings);

}  // namespace lacos
