// run.json: how an output folder was made, so that it can be understood and made again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "flags/common.h"
#include "lacos/io/json.h"
#include "lacos/record/inputs.h"

namespace lacos::cli {

// {"lacos_version", "build", "command", "arguments", "working_directory", "flags", "seed",
// "machine", "environment"}. "arguments" are those of the command line, --config expanded, but for
// where the output goes and how it is shown: two runs of one command have equal records, whatever
// their folders are called. "working_directory" is relative to `output`, so that relative paths
// among the arguments keep their meaning where folders are moved together; it is left out where
// there is no output (""). No time stands in it.
Json CommandRecord(const GlobalOptions& globals, const std::string& output);

// Both as functions that give the text when all else is written: the above with the inputs that
// `add` names and, where something was computed, the kernels.
struct RecordOptions {
  std::function<void(RunInputs&)> add;
  std::function<KernelInfo()> kernels = {};
  int64_t hashed_bytes = RunInputs::kHashedBytes;
};
std::function<std::string()> RunRecord(const GlobalOptions& globals, const std::string& output,
                                       RecordOptions options);
std::function<std::string()> RunRecord(const GlobalOptions& globals, const std::string& output,
                                       std::function<void(RunInputs&)> add);
// Of an output that is a single file: for FILE.run.json beside it.
std::function<std::string()> FileRunRecord(const GlobalOptions& globals, const std::string& file,
                                           RecordOptions options);

}  // namespace lacos::cli
