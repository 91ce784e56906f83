// Whether the tests of the emulated GPU run in their long form, `make test-cuda-emulated`.
#pragma once

#include <cstdlib>
#include <string_view>

namespace lacos::testing {

inline bool IsLongForm() {
  const char* const form = std::getenv("LACOS_CUDA_TESTS");
  return form != nullptr && std::string_view(form) == "long";
}

}  // namespace lacos::testing
