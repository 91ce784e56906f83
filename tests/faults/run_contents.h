// What a command leaves, as bytes that two equal runs must share: times, rates and memory left out.
#pragma once

#include <map>
#include <string>

namespace lacos {

// By path relative to `output`. metrics.jsonl, run.json, a sweep's results and TensorBoard's files
// are reduced to what is the same in every run of the same settings; TensorBoard's become one
// entry, "events".
std::map<std::string, std::string> RunContents(const std::string& output);

// The files in which the two differ, for messages; empty when they are equal.
std::string Difference(const std::map<std::string, std::string>& expected,
                       const std::map<std::string, std::string>& found);

}  // namespace lacos
