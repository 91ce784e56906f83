// The output folder of a training run: the record of its settings, and the final files, which are
// written together at the end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/train/trainer.h"

namespace lacos {

// Every setting, hash and version that must be equal in a resumed run, by name.
Json RunSettings(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
                 const ScoredPairs& dev, const Backend& backend, int64_t total_steps);

// Removes metrics.jsonl and the TensorBoard files from the output of a run that starts again at
// step 0.
void ForgetRecords(const std::string& output);
// The contents of run.json: the program's own record plus inputs, kernels, settings and data. It is
// meant for readers, for the report and for repeating the run.
Json MakeRunFile(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
                 const ScoredPairs& dev, const Backend& backend, const Json& settings);

// Whether the folder holds a finished run.
bool RunFinished(const std::string& output);
// The report of the finished run in the folder. Only the number of steps is filled in. Throws
// UserError when a file differs from what lacos.json records.
TrainReport FinishedReport(const std::string& output);

// Writes the sentence-transformers folder inside the output and moves its files into place.
// adapter_config.json comes last, because without it nothing takes the folder for a model.
// Unless options.run.no_text_hashes is set, a file with hashes of the training texts is added. It
// includes the hashes that came with the adapter from which training continued.
void ExportRun(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
               const LoraAdapter& adapter,
               const std::vector<std::pair<std::string, std::string>>& scores);

}  // namespace lacos
