// The floating-point environment in which all results are computed, whatever the host program has
// set.
#pragma once

#include <cfenv>

namespace lacos {

// The host's floating-point environment is set aside: rounding, flush-to-zero, denormals-are-zero
// and traps are the defaults until the end of the scope. New threads inherit them.
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
