// The message of the UserError that a call throws.
#pragma once

#include <functional>
#include <string>

#include "lacos/base/error.h"

namespace lacos::testing {

// Returns "no error" if it throws none.
inline std::string MessageOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace lacos::testing
