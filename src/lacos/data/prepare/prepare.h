// Public test sets as people download them, turned into one checked evaluation suite.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/data/prepare/suite_writer.h"
#include "lacos/data/suite.h"
#include "lacos/io/output.h"

namespace lacos {

struct PrepareOptions {
  std::string from;               // a folder, which is searched to any depth, or one file
  std::string to;                 // the suite's folder
  std::vector<std::string> only;  // the tasks to prepare; empty for all
  bool allow_incomplete = false;  // whether to go on if sets are absent
  bool allow_changed_texts =
      false;  // takes texts that are not the published ones; counts and scores are checked
  // Its progress counts files, members of archives included, and names the next one; how many there
  // are is not known. run.json names the raw files (archives as a whole) that gave something.
  OutputOptions writing;
};

struct PrepareReport {
  std::vector<SuiteSet> sets;
  std::vector<AbsentSet> absent;
  std::vector<PrepareNote> notes;
  int64_t files = 0;            // files that were seen, members of archives included
  int64_t skipped_members = 0;  // links and devices in archives
  bool written = false;         // false if sets are absent and that was not allowed
};

// Reads every file below `from` that has a name of a known format, checks the sets that result, and
// writes them to `to` with suite.json and lacos.json. Throws UserError for damaged files, for wrong
// counts, scores or texts, for one set with two different contents, and if nothing was found. If
// sets are absent, the report says so and nothing is written.
PrepareReport PrepareSuite(const PrepareOptions& options);

// The tasks of all sets ("sts", "retrieval", ...), in the order in which reports list them.
const std::vector<std::string>& SuiteTaskNames();

}  // namespace lacos
