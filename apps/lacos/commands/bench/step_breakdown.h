// A table of where measured time went: the backend's ops, named host work and the rest. Its rows
// sum to the total.
#pragma once

#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/kernels/timed_backend.h"

namespace lacos::cli {

// A piece of host work with a timer of its own.
struct HostPart {
  std::string name, title;  // the name is for JSON, the title for people
  double seconds = 0;
};

struct StepBreakdown {
  double seconds = 0;  // wall-clock time of the whole measurement
  OpTimes ops;
  std::vector<HostPart> host;
  double ceiling_gflops = 0;  // measured ceiling of the frozen products' arithmetic

  // The time that neither `ops` nor `host` accounts for: host code between them.
  double RestSeconds() const;
};

// {"seconds", "parts": [{"part", "seconds", "share", "calls"}], "verbs": [...], "products": [...]}.
// The parts' seconds sum to "seconds", their shares to 1.
Json BreakdownJson(const StepBreakdown& breakdown);
// Two tables: the parts, and the frozen products by matrix with their share of the ceiling.
std::string BreakdownText(const StepBreakdown& breakdown);

}  // namespace lacos::cli
