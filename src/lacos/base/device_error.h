// The error of a device that fails while it computes.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/base/error.h"

namespace lacos {

// Thrown by a backend if a call of its device fails in mid-run. Most callers treat it as any other
// UserError; a server goes on after it.
class DeviceError : public UserError {
 public:
  enum class Cause : uint8_t {
    kOutOfMemory,  // the device goes on, and less at once may succeed
    kFailed,       // the process may not be able to use the device again
  };
  // `found` is the first part of the message, `[where] what was found`; `advice` is the rest.
  DeviceError(Cause cause, const std::string& found, const std::string& advice)
      : UserError(found + "; " + advice), cause_(cause), found_(found) {}

  Cause cause() const { return cause_; }
  const std::string& found() const { return found_; }

 private:
  Cause cause_;
  std::string found_;
};

}  // namespace lacos
