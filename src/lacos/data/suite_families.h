// The published test sets that stand behind the names in `lacos eval --suite` and in a sweep's
// recipe.
#pragma once

#include <string>
#include <vector>

namespace lacos {

// The sets of one task that have a common name.
struct SuiteFamily {
  const char* name;
  const char* task;  // the task, as in TaskName
  std::vector<std::string> sets;
};

const std::vector<SuiteFamily>& SuiteFamilies();
// The names of all families, and "all".
const std::vector<std::string>& SuiteNames();

}  // namespace lacos
