// Assertions for lacos's own bugs. They print file:line and abort, in release builds too.
#pragma once

namespace lacos::internal {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              const char* message);

}  // namespace lacos::internal

// Aborts with file:line unless `condition` holds. `message` is a string literal that says what
// should have held.
#define LACOS_CHECK(condition, message)                                        \
  do {                                                                         \
    if (!(condition)) [[unlikely]]                                             \
      ::lacos::internal::CheckFailed(__FILE__, __LINE__, #condition, message); \
  } while (false)
