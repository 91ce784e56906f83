// ParallelFor visits every index once and passes exceptions on to its caller.
#include "lacos/base/parallel.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace lacos {
namespace {

TEST(ParallelFor, VisitsEveryIndexOnce) {
  for (const int64_t n : {0, 1, 2, 1000}) {
    std::vector<int> visits(static_cast<size_t>(n), 0);
    ParallelFor(n, [&](int64_t i) { ++visits[static_cast<size_t>(i)]; });
    EXPECT_EQ(visits, std::vector<int>(static_cast<size_t>(n), 1));
  }
}

TEST(ParallelFor, RethrowsAnExceptionAfterAllCallsEnded) {
  std::vector<int> visits(100, 0);
  const auto run = [&] {
    ParallelFor(100, [&](int64_t i) {
      ++visits[static_cast<size_t>(i)];
      if (i % 7 == 3) throw std::runtime_error("call failed");
    });
  };
  EXPECT_THROW(run(), std::runtime_error);
  EXPECT_EQ(visits, std::vector<int>(100, 1));
}

}  // namespace
}  // namespace lacos
