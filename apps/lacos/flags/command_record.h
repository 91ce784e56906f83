// What run.json says of the program and its command line, and with it what the library is told of
// an output.
#pragma once

#include <string>

#include "flags/common.h"
#include "lacos/io/json.h"
#include "lacos/io/output.h"

namespace lacos::cli {

// {"lacos_version", "build", "command", "arguments", "working_directory", "flags", "seed",
// "machine", "environment"}. "arguments" are those of the command line, --config expanded, but for
// where the output goes and how it is shown: two runs of one command have equal records, whatever
// their folders are called. "working_directory" is relative to `output`, so that relative paths
// among the arguments keep their meaning where folders are moved together; it is left out where
// there is no output (""). No time stands in it.
Json CommandRecord(const GlobalOptions& globals, const std::string& output);

// The options of a command's output: its record, and an end at the next safe place after a signal.
// `output` is a folder or, where `kind` says so, a file, whose record lies beside it.
OutputOptions MakeOutputOptions(const GlobalOptions& globals, const std::string& output,
                                bool overwrite, OutputKind kind = OutputKind::kFolder);

}  // namespace lacos::cli
