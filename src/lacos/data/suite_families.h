// Which published test sets the names stand for that `lacos eval --suite` and a sweep's recipe
// take.
#pragma once

#include <string>
#include <vector>

namespace lacos {

// Sets of one task under one name.
struct SuiteFamily {
  const char* name;
  const char* task;  // TaskName's
  std::vector<std::string> sets;
};

const std::vector<SuiteFamily>& SuiteFamilies();
// Their names, and "all".
const std::vector<std::string>& SuiteNames();

}  // namespace lacos
