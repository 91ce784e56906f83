// Locates published data and models that are too large for the repository.
#pragma once

#include <cstdlib>
#include <string>

#include "test_paths.h"

namespace lacos {

// The path of a file in the folder that the environment variable LACOS_SHARED names (default:
// shared/ beside the repository). Tests that use such a file skip themselves when it is absent.
inline std::string SharedFile(const std::string& path) {
  const char* folder = std::getenv("LACOS_SHARED");
  return (folder != nullptr ? std::string(folder) : LACOS_SOURCE_DIR "/../shared") + "/" + path;
}

}  // namespace lacos
