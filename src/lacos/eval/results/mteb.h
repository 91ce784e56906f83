// Results in the files that MTEB's leaderboard and its tools read.
#pragma once

#include <map>
#include <string>

#include "lacos/eval/results/results.h"

namespace lacos {

// File names ("STS12.json") and contents for the sets that MTEB scores on the same texts under the
// same convention: STS12 to STS16, STSBenchmark, SICK-R (all 9,927 pairs), STS17,
// STSBenchmarkMultilingualSTS (stsb-multi-mt) and Tatoeba. Scores are from 0 to 1, as in MTEB. Sets
// with undefined scores are left out.
std::map<std::string, Json> MtebResults(const EvaluationResults& results);

}  // namespace lacos
