// The output of a command in a form that must be equal for two equal runs: without times, rates and
// memory sizes.
#pragma once

#include <map>
#include <string>

namespace lacos {

// The contents of all files by their path relative to `output`. metrics.jsonl, run.json, a sweep's
// results and TensorBoard files are reduced to the parts that are the same in every run with the
// same settings. The TensorBoard files become one entry, "events".
std::map<std::string, std::string> RunContents(const std::string& output);

// Names the files in which two runs differ, for messages. Empty when the runs are equal.
std::string Difference(const std::map<std::string, std::string>& expected,
                       const std::map<std::string, std::string>& found);

}  // namespace lacos
