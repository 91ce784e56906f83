// Where measured time went, as a table that sums to its total: the backend's ops, named host work,
// the rest.
#pragma once

#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/kernels/timed_backend.h"

namespace lacos::cli {

// Host work that was timed by itself.
struct HostPart {
  std::string name, title;  // for JSON, for people
  double seconds = 0;
};

struct StepBreakdown {
  double seconds = 0;  // what was measured around everything
  OpTimes ops;
  std::vector<HostPart> host;
  double ceiling_gflops = 0;  // of the frozen products' mode

  // What neither ops nor `host` account for: host code between them.
  double RestSeconds() const;
};

// {"seconds", "parts": [{"part", "seconds", "share", "calls"}], "ops": [...], "products": [...]}.
// The parts' seconds sum to "seconds", their shares to 1.
Json BreakdownJson(const StepBreakdown& breakdown);
// Two tables: the parts, and the frozen products by matrix with their share of the ceiling.
std::string BreakdownText(const StepBreakdown& breakdown);

}  // namespace lacos::cli
