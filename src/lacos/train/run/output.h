// The output folder of a run: its settings on record, its final files together at the end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/train/trainer.h"

namespace lacos {

// Every setting, hash and version that a resumed run must share, by name.
Json RunSettings(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
                 const ScoredPairs& dev, const Backend& backend, int64_t total_steps);

// Removes metrics.jsonl and TensorBoard's files of a run that starts again at step 0.
void ForgetRecords(const std::string& output);
// run.json: the program's own record with inputs, kernels, settings and data, for people, for the
// report and for repeating the run.
Json MakeRunFile(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
                 const ScoredPairs& dev, const Backend& backend, const Json& settings);

// Whether the folder holds a finished run, and what that run reported (UserError when its files are
// damaged).
bool RunFinished(const std::string& output);
TrainReport FinishedReport(const std::string& output);

// Writes the sentence-transformers folder inside the output and moves its files into place:
// adapter_config.json last, without which nothing takes the folder for a model.
// With hashes of the training texts beside them (also of those of the adapter that training went on
// from), unless options.run.no_text_hashes is set.
void ExportRun(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
               const LoraAdapter& adapter,
               const std::vector<std::pair<std::string, std::string>>& scores);

}  // namespace lacos
