// The results of an evaluation: their form in files, and the comparison of two systems.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lacos/eval/results/aggregates.h"
#include "lacos/eval/tasks/tasks.h"
#include "lacos/io/json.h"

namespace lacos {

// A pair about which the model and people disagree strongly.
struct WorstPair {
  std::string set, first, second;
  double gold = 0, similarity = 0;
  // The rank by similarity minus the rank by gold score, as a share of all ranks: from -1 to 1.
  double rank_difference = 0;
};

struct EvaluationResults {
  // A description of what was measured (model, adapter, settings, machine), which is kept as it is.
  Json system = Json::Object();
  std::vector<TaskResult> sets;
  std::vector<Aggregate> aggregates;
  std::vector<WorstPair> worst;  // evaluation_report.h
  BootstrapOptions bootstrap;    // how the resamples were drawn
};

// Texts for people. A score is "66.18" or "undefined". An interval is "65.19 to 67.11", with "*"
// after it if undefined resamples were left out, or "-". A measure is "ndcg at 10".
std::string FormatScore(double value);
std::string FormatInterval(const Interval& interval);
std::string FormatMeasure(const std::string& name);
// Texts for differences: an interval is "+0.12 to +1.40", and p is "0.0010".
std::string FormatDifferenceInterval(const Interval& interval);
std::string FormatP(double p);
// A cell of a .csv file, quoted if necessary (RFC 4180).
std::string CsvCell(const std::string& text);
// [low, high], or null.
Json IntervalJson(const Interval& interval);
// Sets "interval" to IntervalJson, and "undefined_resamples" to the share of these.
void SetInterval(const Interval& interval, Json& json);
// Sets what belongs to a set's measures: what SetInterval sets, "notes", "truncated", "empty" and
// "overlap", and "similarity", "identical_ids" and "keeps_identical_ids" where the task has them.
void SetDetails(const TaskResult& result, double confidence, Json& json);
// The similarity of the first set that compares vectors; nothing if there is none. It is the same for
// all sets but bitext, which always has cosines.
std::optional<Similarity> SimilarityOf(const EvaluationResults& results);
// A sentence for each set and average that is undefined on some resamples.
std::vector<std::string> UndefinedResamples(const EvaluationResults& results, double confidence);

// Resamples every set and computes the aggregates.
void Summarize(EvaluationResults& results, const BootstrapOptions& bootstrap);

// {"system", "sets": [{"task", "name", "subset", "split", "languages", "n", "measures": {...},
// "interval": [low, high], "undefined_resamples", "notes", "similarity", "identical_ids",
// "keeps_identical_ids", "truncated", "empty", "overlap"}], "aggregates":
// [{"group", "convention", "measure", "value", "interval", "undefined_resamples", "sets", "n"}],
// "confidence", "resamples", "seed", "worst_pairs"}. Undefined numbers are null.
Json ResultsJson(const EvaluationResults& results, double confidence);
// One line for each set and measure, then one for each aggregate:
// task,name,subset,split,languages,n,convention,measure,value,low,high.
std::string ResultsCsv(const EvaluationResults& results, double confidence);
// The items of each set as one JSON line, which a comparison needs besides the results.
std::string ItemsJsonl(const EvaluationResults& results);

// Reads results.json and items.jsonl of a folder that `lacos eval --output` wrote. Resamples and
// aggregates are computed anew. Throws UserError for damaged files.
EvaluationResults ReadResults(const std::string& folder, const BootstrapOptions& bootstrap);
// How the intervals in the folder were computed. Throws UserError for damaged files.
BootstrapOptions ReadBootstrapOptions(const std::string& folder);

struct Comparison {
  std::string label, convention, measure;  // a set or an aggregate; `convention` is empty for a set
  int64_t n = 0;
  double a = 0, b = 0;
  PairedDifference difference;  // the difference a - b
};
// Compares everything that both systems have with the same items. Sets that only one of them has,
// or that differ in items or gold values, are named in `apart`.
std::vector<Comparison> CompareResults(const EvaluationResults& a, const EvaluationResults& b,
                                       double confidence, std::vector<std::string>& apart);

}  // namespace lacos
