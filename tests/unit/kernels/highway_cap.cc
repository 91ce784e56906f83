// Lets a test process behave like an older CPU: LACOS_TEST_HIGHWAY=scalar|avx2 names the only
// Highway target that may be used.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "lacos/kernels/cpu/hwy_targets.h"

// This header has to come after hwy_targets.h.
#include <hwy/highway.h>

namespace lacos {
namespace {

class HighwayCap : public ::testing::Environment {
 public:
  void SetUp() override {
    const char* value = std::getenv("LACOS_TEST_HIGHWAY");
    const std::string target = value == nullptr ? "" : value;
    if (target == "scalar") hwy::SetSupportedTargetsForTest(HWY_SCALAR);
    if (target == "avx2") hwy::SetSupportedTargetsForTest(HWY_AVX2);
  }
};

[[maybe_unused]] const ::testing::Environment* const kHighwayCap =
    ::testing::AddGlobalTestEnvironment(new HighwayCap);

}  // namespace
}  // namespace lacos
