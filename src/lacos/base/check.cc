#include "lacos/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace lacos::internal {

void CheckFailed(const char* file, int line, const char* condition, const char* message) {
  // The one place in the library that prints: the process ends on the next line because of a bug in
  // lacos.
  std::fprintf(stderr, "lacos: internal error at %s:%d: %s (%s)\n", file, line, message, condition);
  std::abort();
}

}  // namespace lacos::internal
