// The floating-point environment in which all results are computed, whatever the host program has
// set.
#pragma once

#include <cfenv>

namespace lacos {

// Sets the host's floating-point environment aside: rounding, flush-to-zero, denormals-are-zero and
// traps have their defaults until the end of the scope. New threads inherit them.
class DefaultFloatingPoint {
 public:
  DefaultFloatingPoint() noexcept {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatingPoint() { std::fesetenv(&saved_); }
  DefaultFloatingPoint(const DefaultFloatingPoint&) = delete;
  DefaultFloatingPoint& operator=(const DefaultFloatingPoint&) = delete;

 private:
  std::fenv_t saved_;
};

}  // namespace lacos
