// The boundary of the C++ interface: inside it, the floating-point environment is the default one;
// outside, exceptions are those of include/lacos/error.h.
#pragma once

#include "lacos.h"
#include "lacos/error.h"
#include "lacos/runtime/default_floating_point.h"

namespace lacos::v0 {

// Thrown by a check between pieces of work after a progress function returned false.
struct StopWork {};

// Throws the public exception for the one that is being handled. Call it inside a catch block.
[[noreturn]] void ThrowPublic();

// Throws the exception for the status of a function of lacos.h, unless it is LACOS_OK.
void RequireOk(lacos_status status);

// Runs the body of one function of the interface.
template <class Body>
auto Call(const Body& body) {
  const DefaultFloatingPoint floating_point;
  try {
    return body();
  } catch (...) {
    ThrowPublic();
  }
}

}  // namespace lacos::v0
