// The results of an evaluation: what is kept of them in files, and how two systems compare.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/eval/results/aggregates.h"
#include "lacos/eval/tasks/tasks.h"
#include "lacos/io/json.h"

namespace lacos {

// A pair on which model and people disagree much.
struct WorstPair {
  std::string set, first, second;
  double gold = 0, cosine = 0;
  // rank by cosine less rank by gold score, as a share of all ranks: -1 to 1
  double rank_difference = 0;
};

struct EvaluationResults {
  // what was measured: model, adapter, settings, machine; kept as it is
  Json system = Json::Object();
  std::vector<TaskResult> sets;
  std::vector<Aggregate> aggregates;
  std::vector<WorstPair> worst;  // evaluation_report.h
  BootstrapOptions bootstrap;    // of the resamples
};

// How people read them: "66.18" or "undefined"; "65.19 to 67.11", "*" behind it where undefined
// resamples were left out, or "-"; "ndcg at 10".
std::string FormatScore(double value);
std::string FormatInterval(const Interval& interval);
std::string FormatMeasure(const std::string& name);
// "+0.12 to +1.40", as above; "0.0010".
std::string FormatDifferenceInterval(const Interval& interval);
std::string FormatP(double p);
// A cell of a .csv file, quoted where it must be (RFC 4180).
std::string CsvCell(const std::string& text);
// [low, high], or null.
Json IntervalJson(const Interval& interval);
// "interval": IntervalJson, and "undefined_resamples": their share.
void SetInterval(const Interval& interval, Json& json);
// A sentence for each set and average of which some resamples have no value.
std::vector<std::string> UndefinedResamples(const EvaluationResults& results, double confidence);

// Resamples every set and makes the aggregates.
void Summarize(EvaluationResults& results, const BootstrapOptions& bootstrap);

// {"system", "sets": [{"task", "name", "subset", "split", "languages", "n", "measures": {...},
// "interval": [low, high], "undefined_resamples", "truncated", "empty", "overlap"}], "aggregates":
// [{"group", "convention", "measure", "value", "interval", "undefined_resamples", "sets", "n"}],
// "confidence", "resamples", "seed", "worst_pairs"}. Numbers that do not exist are null.
Json ResultsJson(const EvaluationResults& results, double confidence);
// One line a set and measure, then one an aggregate:
// task,name,subset,split,languages,n,convention,measure,value,low,high.
std::string ResultsCsv(const EvaluationResults& results, double confidence);
// What `--compare` needs besides: one JSON line a set with its items.
std::string ItemsJsonl(const EvaluationResults& results);

// Reads results.json and items.jsonl of a folder that `lacos eval --output` wrote; resampled and
// aggregated anew. Throws UserError.
EvaluationResults ReadResults(const std::string& folder, const BootstrapOptions& bootstrap);
// How the folder's own intervals were made. Throws UserError.
BootstrapOptions ReadBootstrapOptions(const std::string& folder);

struct Comparison {
  std::string label, convention, measure;  // a set or an aggregate; `convention` is empty for a set
  int64_t n = 0;
  double a = 0, b = 0;
  PairedDifference difference;  // of a - b
};
// For everything that both have with the same items; what only one has, or has with other items or
// gold, is named in `apart`.
std::vector<Comparison> CompareResults(const EvaluationResults& a, const EvaluationResults& b,
                                       double confidence, std::vector<std::string>& apart);

}  // namespace lacos
