// The part of run.json about the program and its command line, and the library's options for an
// output with that record.
#pragma once

#include <string>

#include "flags/common.h"
#include "lacos/io/json.h"
#include "lacos/io/output.h"

namespace lacos::cli {

// The keys are {"lacos_version", "build", "command", "arguments", "working_directory", "flags",
// "seed", "machine", "environment"}. "arguments" has the command line with --config expanded,
// without the flags that say where the output goes and how it is shown. Together with the absence
// of times, this makes the records of two runs of one command equal, whatever the names of their
// folders are. "working_directory" is relative to `output`, so that relative paths among the
// arguments stay valid when folders are moved together; it is left out if there is no output ("").
Json CommandRecord(const GlobalOptions& globals, const std::string& output);

// The options of a command's output: its record, and a check that ends the work at the next safe
// place after a signal. `output` is a folder or, for OutputKind::kFile, a file with the record next
// to it.
OutputOptions MakeOutputOptions(const GlobalOptions& globals, const std::string& output,
                                bool overwrite, OutputKind kind = OutputKind::kFolder);

}  // namespace lacos::cli
