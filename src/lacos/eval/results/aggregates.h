// Averages of tables, under the conventions that published tables use, each with its name: the same
// vectors get other numbers under another convention.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/eval/tasks/tasks.h"

namespace lacos {

// One number made from several results.
struct Aggregate {
  std::string group;       // "STS12", "sts-en", "STS17"
  std::string convention;  // below
  std::string measure;     // "spearman", ...
  double value = 0;        // x 100
  int64_t sets = 0, n = 0;
  std::vector<double> resamples;  // as TaskResult::resamples; empty where a part has none
};

// English STS. For each of STS12 to STS16 (as far as `results` have them):
//   all    one Spearman over the pairs of all its sub-sets together (SimCSE's evaluation; most published
//   tables) mean   the mean of the sub-sets' Spearman; wmean: weighted by their pairs (SentEval)
// STSBenchmark and SICK-R have one set; SICK-R's 9,927 pairs (train, trial and test: MTEB) are
// convention "mteb" and its 4,927 test pairs the others. Then "sts-en" for each convention: the
// mean over the seven, only where all seven are there.
std::vector<Aggregate> AggregateEnglishSts(const std::vector<TaskResult>& results,
                                           const BootstrapOptions& bootstrap);

// For each name among the results that has several sub-sets: the mean of their main measure under
// "mean" and, for sets with languages, "in-language" and "out-of-language", as BLOOM knows all
// their languages or not. Sets that are not usually averaged are left out.
std::vector<Aggregate> AggregateByName(const std::vector<TaskResult>& results);

// The interval of an aggregate or a result; NaN without resamples.
Interval IntervalOf(const std::vector<double>& resamples, double confidence);

}  // namespace lacos
