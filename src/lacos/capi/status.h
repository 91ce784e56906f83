// The exception boundary: turns exceptions of the C++ code into statuses and messages for C.
#pragma once

#include <pthread.h>

#include <stdexcept>
#include <string>

#include "lacos.h"
#include "lacos/runtime/default_floating_point.h"

namespace lacos::capi {

// An error with a status of its own. UserError and the standard exceptions have fixed ones.
class CallError : public std::runtime_error {
 public:
  CallError(lacos_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  lacos_status status() const { return status_; }

 private:
  lacos_status status_;
};

// Throws CallError(LACOS_INVALID_ARGUMENT) unless `condition` holds. `message` has the form
// "[where] what was found; what was expected; what to do".
void Require(bool condition, const char* message);

// Records the message of the exception that is being handled and returns its status. Call it inside
// a catch block.
lacos_status FailWithCurrentException() noexcept;

// Disables cancellation of the thread while it exists. A cancelled thread would unwind through
// noexcept functions, and the compute thread would keep its job.
class NoCancellation {
 public:
  NoCancellation() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &saved_); }
  ~NoCancellation() { pthread_setcancelstate(saved_, nullptr); }
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;

 private:
  int saved_ = 0;
};

// Runs the body of one C function.
template <class Body>
lacos_status Call(Body&& body) noexcept {
  const NoCancellation no_cancellation;
  const DefaultFloatingPoint floating_point;
  try {
    body();
    return LACOS_OK;
  } catch (...) {
    return FailWithCurrentException();
  }
}

// Copies a caller's structure into the one that this library knows; fields that an older caller
// lacks become 0. Throws CallError if struct_size is impossible or if a field that only a newer
// library knows is set.
void CopyStruct(const void* source, size_t source_size, void* target, size_t target_size,
                size_t least_size, const char* name);

// `source` may be NULL, which means all defaults. `least_size` is the size of the structure in its
// first version.
template <class Struct>
Struct ReadStruct(const Struct* source, size_t least_size, const char* name) {
  Struct result{};
  if (source != nullptr)
    CopyStruct(source, source->struct_size, &result, sizeof result, least_size, name);
  return result;
}

}  // namespace lacos::capi
