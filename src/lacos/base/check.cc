#include "lacos/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace lacos::internal {

void CheckFailed(const char* file, int line, const char* condition, const char* message) {
  // This is the one place in the library that prints, because a bug in lacos ends the process on
  // the next line.
  std::fprintf(stderr, "lacos: internal error at %s:%d: %s (%s)\n", file, line, message, condition);
  std::abort();
}

}  // namespace lacos::internal
