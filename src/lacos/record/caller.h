// The part of run.json about the program or library itself: how it was built, and where it ran.
#pragma once

#include <string>

#include "lacos/io/json.h"

namespace lacos {

// {"compiler", "type", "commit" (null if unknown)}.
Json BuildRecord();

// The environment variables of oneDNN, OpenMP and lacos, sorted by name. They may change how a run
// computes. They are only written down: the library follows none of them but those that
// base/parallel.h names.
Json EnvironmentRecord();

// The working directory as seen from the folder `output`, so that relative paths in a record stay
// valid when folders are moved together.
std::string WorkingDirectoryFrom(const std::string& output);

}  // namespace lacos
