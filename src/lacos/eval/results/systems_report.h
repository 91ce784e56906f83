// A page about several evaluations: scores beside size, memory and time.
#pragma once

#include <string>

#include "lacos/eval/results/systems.h"

namespace lacos {

// The page: systems, scores against parameters, memory and encoding time with the Pareto front,
// averages, sets, languages, and differences from the first system.
std::string SystemsReportHtml(const SystemsComparison& comparison);

}  // namespace lacos
