// `lacos data inspect`: how a file of training data would be read.
#pragma once

#include <CLI/CLI.hpp>

#include "flags/common.h"

namespace lacos::cli {

void AddInspect(CLI::App& data, GlobalOptions& globals);

}  // namespace lacos::cli
