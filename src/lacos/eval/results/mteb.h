// Results in the files that MTEB's leaderboard and its tools read.
#pragma once

#include <map>
#include <string>

#include "lacos/eval/results/results.h"

namespace lacos {

// File name ("STS12.json") and content for each set that MTEB has under the same texts and
// convention: STS12 to STS16, STSBenchmark, SICK-R (all 9,927 pairs), STS17,
// STSBenchmarkMultilingualSTS (stsb-multi-mt), Tatoeba. Scores are shares from 0 to 1, as MTEB's.
// Undefined ones are left out with their set.
std::map<std::string, Json> MtebResults(const EvaluationResults& results);

}  // namespace lacos
