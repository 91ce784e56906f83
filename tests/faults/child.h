// Runs the program as a child process, with at most one kind of fault injected and a time limit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lacos {

struct Fault {
  std::string kinds;   // kinds of calls, see fault_injection.c; empty = no injection at all
  std::string folder;  // only calls on files below this folder count
  uint64_t at = 0;     // number of the call that fails, from 1; 0 = only count calls
  std::string action;  // an errno as a number, "short", "kill-before", "kill-after", "interrupt"
  bool persist = false;
};

struct ChildResult {
  int status = -1;  // exit status, or 128 + signal
  bool timed_out = false;
  uint64_t calls = 0, faults = 0;  // number of counted calls, and of injected faults
  std::string out, err;
};

// Runs the program with these arguments. It is killed by SIGKILL after `limit_seconds`.
ChildResult RunChild(const std::vector<std::string>& arguments, const Fault& fault = {},
                     double limit_seconds = 30);

// Whether the child ended with one clear message "lacos: error: [where] ..." and status 1 (or 2,
// for errors of the command line).
bool IsClearError(const ChildResult& result);

// Counts the outcomes of faults. Each kind of fault is a row of the printed table.
class OutcomeTable {
 public:
  explicit OutcomeTable(std::string title) : title_(std::move(title)) {}
  // kUnchecked: another result that the program cannot recognize as wrong, because files that lacos
  // did not write have no hashes. kOther: a wrong outcome.
  enum Outcome { kClearError, kEqual, kUnchecked, kOther };
  // `what` describes the fault. It is listed when the outcome is wrong.
  void Add(const std::string& kind, Outcome outcome, const std::string& what);
  // Prints the table. Returns the descriptions of the faults with a wrong outcome.
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

// Whether the environment variable LACOS_FAULTS_FULL requests every fault instead of a sample.
bool FullRun();
// Selects which of the calls 1 to `count` get a fault: all of them in a full run or when there are
// at most `most`, otherwise `most` of them, namely the first, the last and some between them at
// pseudorandom offsets from a fixed seed.
std::vector<uint64_t> FaultsToTry(uint64_t count, uint64_t most);

}  // namespace lacos
