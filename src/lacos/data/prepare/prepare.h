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
  std::string from;               // a folder that is searched to any depth, or one file
  std::string to;                 // the suite's folder
  std::vector<std::string> only;  // tasks; empty: all
  bool allow_incomplete = false;  // goes on where sets are absent
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
  int64_t files = 0;            // seen, members of archives included
  int64_t skipped_members = 0;  // links and devices in archives
  bool written = false;         // false: sets are absent and that was not allowed
};

// Reads every file below `from` that some known format has the name of, checks what it makes and
// writes `to` with its suite.json and lacos.json. UserError for damaged files, wrong counts, scores
// or texts, for one set with two contents, and where nothing was found. With absent sets the report
// says so and nothing is written.
PrepareReport PrepareSuite(const PrepareOptions& options);

// "sts", "retrieval", ...: the tasks that sets have, in the order of reports.
const std::vector<std::string>& SuiteTaskNames();

}  // namespace lacos
