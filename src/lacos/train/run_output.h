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
                 const Backend& backend, int64_t total_steps);

// Makes the folder; with `clear`, removes what an earlier run left in it.
void PrepareOutput(const std::string& output, bool clear);
// run.json: the program's own record with inputs, kernels, settings and data, for people, for the report and
// for repeating the run.
Json MakeRunFile(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
                 const ScoredPairs& dev, const Backend& backend, const Json& settings);
void WriteRunFile(const std::string& output, const Json& run);
// What may make this run's result another one than that of an earlier run.json: inputs, version, kernels.
std::vector<std::string> DifferencesFromRun(const Json& before, const Json& run);

// Whether the folder holds a finished run, and what that run reported.
bool RunFinished(const std::string& output);
TrainReport FinishedReport(const std::string& output);

// Writes the sentence-transformers folder beside the output and moves its files into place, the manifest
// last.
void ExportRun(const TrainOptions& options, const LoadedModel& loaded, const LoraAdapter& adapter,
               const std::vector<std::pair<std::string, std::string>>& scores);

}  // namespace lacos
