// Runs the program once with at most one fault injected, one child at a time and never longer than
// its limit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lacos {

struct Fault {
  std::string kinds;   // as in fault_injection.c; empty: no injection at all
  std::string folder;  // calls below it count
  uint64_t at = 0;     // from 1; 0 = counts only
  std::string action;  // an errno as a number, "short", "kill-before", "kill-after", "interrupt"
  bool persist = false;
};

struct ChildResult {
  int status = -1;  // exit status, or 128 + signal
  bool timed_out = false;
  uint64_t calls = 0, faults = 0;  // counted, and failed
  std::string out, err;
};

// `arguments` follow the program's name. Killed by SIGKILL after `limit_seconds`.
ChildResult RunChild(const std::vector<std::string>& arguments, const Fault& fault = {},
                     double limit_seconds = 30);

// Whether the outcome is one clear message "lacos: error: [where] ..." and status 1 (2 for a
// command line).
bool IsClearError(const ChildResult& result);

// What became of the faults of one kind; printed as a row of a table.
class OutcomeTable {
 public:
  explicit OutcomeTable(std::string title) : title_(std::move(title)) {}
  // kUnchecked: the program cannot know (files that lacos did not write have no hashes).
  enum Outcome { kClearError, kEqual, kUnchecked, kOther };
  // `what` describes the fault for the list of those that went wrong.
  void Add(const std::string& kind, Outcome outcome, const std::string& what);
  // Prints the table; returns the descriptions of what was neither.
  std::vector<std::string> Print() const;

 private:
  struct Row {
    std::string kind;
    int counts[4] = {0, 0, 0, 0};
  };
  std::string title_;
  std::vector<Row> rows_;
  std::vector<std::string> others_;
};

// Whether LACOS_FAULTS_FULL asks for every fault instead of a sample.
bool FullRun();
// The faults to try of `count`: all in a full run or when there are at most `most`, else `most` of
// them: the first, the last and others spread between with the offsets of a fixed seed.
std::vector<uint64_t> FaultsToTry(uint64_t count, uint64_t most);

}  // namespace lacos
