// Learning rates of the schedules at given steps.
#include "lacos/train/schedule.h"

#include <gtest/gtest.h>

namespace lacos {
namespace {

TEST(Schedule, WarmsUpFromZeroThenFallsLinearlyToZero) {
  const Schedule schedule{
      .kind = ScheduleKind::kLinear, .peak = 1, .warmup_steps = 4, .total_steps = 12};
  EXPECT_EQ(schedule.At(0), 0);
  EXPECT_EQ(schedule.At(2), 0.5);
  EXPECT_EQ(schedule.At(4), 1);
  EXPECT_EQ(schedule.At(8), 0.5);
  EXPECT_EQ(schedule.At(12), 0);
  EXPECT_EQ(schedule.At(40), 0);
}

TEST(Schedule, ConstantStaysAndCosineIsHalfInTheMiddle) {
  EXPECT_EQ((Schedule{.kind = ScheduleKind::kConstant, .peak = 2, .total_steps = 10}).At(9), 2);
  EXPECT_NEAR((Schedule{.kind = ScheduleKind::kCosine, .peak = 2, .total_steps = 10}).At(5), 1,
              1e-15);
  EXPECT_NEAR((Schedule{.kind = ScheduleKind::kCosine, .peak = 2, .total_steps = 10}).At(10), 0,
              1e-15);
}

}  // namespace
}  // namespace lacos
