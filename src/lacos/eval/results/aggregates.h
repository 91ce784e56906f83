// Averages over several sets, under the conventions of published tables. Each carries the name of
// its convention, because the same vectors get other numbers under another one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/eval/tasks/tasks.h"

namespace lacos {

// One number that is made from several results.
struct Aggregate {
  std::string group;       // such as "STS12", "sts-en" or "STS17"
  std::string convention;  // as listed below
  std::string measure;     // such as "spearman"
  double value = 0;        // times 100
  int64_t sets = 0, n = 0;
  std::vector<double> resamples;  // as TaskResult::resamples; empty where a part has none
};

// The averages of English STS. For each of STS12 to STS16 that `results` have, the conventions are:
//   all    one Spearman over the pairs of all sub-sets together (SimCSE and most published tables)
//   mean   the mean of the sub-sets' Spearman (SentEval)
//   wmean  the mean of the sub-sets' Spearman, weighted by their numbers of pairs (SentEval)
// STSBenchmark and SICK-R have one set. The convention "mteb" scores all 9,927 pairs of SICK-R
// (train, trial and test); the others score its 4,927 test pairs. For each convention "sts-en" is
// the mean over the seven tasks, if all seven are there.
std::vector<Aggregate> AggregateEnglishSts(const std::vector<TaskResult>& results,
                                           const BootstrapOptions& bootstrap);

// The means of the main measure for each name with several sub-sets. The convention "mean" is over
// all of them. For sets with languages, "in-language" is over those with languages that BLOOM was
// trained on, and "out-of-language" over the others. Sets that are not usually averaged are left
// out.
std::vector<Aggregate> AggregateByName(const std::vector<TaskResult>& results);

// The interval of an aggregate or a result; NaN if there are no resamples.
Interval IntervalOf(const std::vector<double>& resamples, double confidence);

}  // namespace lacos
