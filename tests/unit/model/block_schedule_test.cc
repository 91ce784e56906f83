// The order in which passes use blocks: upwards, then downwards to the lowest trained block, then
// from the start.
#include "lacos/model/block_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lacos {
namespace {

using ::testing::ElementsAre;
using enum BlockPhase;

// The layers of the `steps` uses that follow `use`.
std::vector<int64_t> LayersAfter(const BlockSchedule& schedule, BlockUse use, int steps) {
  std::vector<int64_t> layers;
  for (int i = 0; i < steps; ++i) {
    use = schedule.After(use);
    layers.push_back(use.layer);
  }
  return layers;
}

TEST(BlockSchedule, AForwardIsFollowedByTheNextPass) {
  const BlockSchedule schedule{.layers = 3};
  EXPECT_THAT(LayersAfter(schedule, {0, kForward}, 5), ElementsAre(1, 2, 0, 1, 2));
}

TEST(BlockSchedule, AKeptForwardGoesDownAgainToTheLowestTrainedBlock) {
  const BlockSchedule schedule{.layers = 4, .lowest = 1};
  EXPECT_THAT(LayersAfter(schedule, {1, kForwardKept}, 8), ElementsAre(2, 3, 3, 2, 1, 0, 1, 2));
  EXPECT_EQ(schedule.After({3, kForwardKept}), (BlockUse{3, kBackward}));
  EXPECT_EQ(schedule.After({1, kBackward}), (BlockUse{0, kForward}));
}

TEST(BlockSchedule, PassesBeginAboveTheBlocksWhoseStatesAreCached) {
  const BlockSchedule schedule{.layers = 4, .first = 2, .lowest = 2};
  EXPECT_THAT(LayersAfter(schedule, {2, kForwardKept}, 6), ElementsAre(3, 3, 2, 2, 3, 2));
  // Texts that the cache does not have run through the blocks below.
  EXPECT_EQ(schedule.After({0, kForward}), (BlockUse{1, kForward}));
}

TEST(BlockSchedule, WithoutATrainedBlockNoBackwardUsesOne) {
  const BlockSchedule schedule{.layers = 2, .lowest = 2};
  EXPECT_EQ(schedule.After({1, kForwardKept}), (BlockUse{0, kForward}));
}

TEST(BlockSchedule, ABlockStaysWhereTheDirectionTurns) {
  const BlockSchedule schedule{.layers = 3};
  EXPECT_TRUE(schedule.TurnsAfter({2, kForwardKept}));
  EXPECT_TRUE(schedule.TurnsAfter({0, kBackward}));
  for (const BlockUse& use :
       {BlockUse{2, kForward}, BlockUse{0, kForwardKept}, BlockUse{1, kBackward}}) {
    EXPECT_FALSE(schedule.TurnsAfter(use)) << use.layer;
  }
  // The next pass begins with a different block from the one where the backward ended.
  EXPECT_FALSE((BlockSchedule{.layers = 3, .lowest = 1}.TurnsAfter({1, kBackward})));
}

TEST(BlockSchedule, ABackwardMultipliesForwardFirstWhereItRecomputes) {
  const BlockSchedule schedule{.layers = 3, .recomputed = 1};
  const auto forward = Orientation::kForward, backward = Orientation::kBackward;
  EXPECT_THAT(schedule.Orientations({0, BlockPhase::kForward}), ElementsAre(forward));
  EXPECT_THAT(schedule.Orientations({0, kForwardKept}), ElementsAre(forward));
  EXPECT_THAT(schedule.Orientations({0, kBackward}), ElementsAre(forward, backward));
  EXPECT_THAT(schedule.Orientations({1, kBackward}), ElementsAre(backward));
}

TEST(BlockSchedule, ComingBlocksAreThoseToFetchInTheOrderOfTheirUse) {
  const BlockSchedule schedule{.layers = 4};
  EXPECT_THAT(schedule.Coming({0, kForward}, 2), ElementsAre(1, 2));
  EXPECT_THAT(schedule.Coming({3, kForward}, 2), ElementsAre(0, 1));
  EXPECT_THAT(schedule.Coming({2, kForwardKept}, 3), ElementsAre(3, 2, 1));
  EXPECT_THAT(schedule.Coming({3, kForwardKept}, 2), ElementsAre(2, 1));
  EXPECT_THAT(schedule.Coming({1, kBackward}, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(schedule.Coming({0, kForward}, 100), ElementsAre(1, 2, 3, 0));
}

TEST(BlockSchedule, AModelThatUsesOneBlockAloneFetchesThatOne) {
  for (const BlockSchedule& schedule :
       {BlockSchedule{}, BlockSchedule{.layers = 3, .first = 2, .lowest = 2},
        BlockSchedule{.layers = 3, .first = 2, .lowest = 3}}) {
    for (const BlockPhase phase : {kForward, kForwardKept, kBackward}) {
      EXPECT_THAT(schedule.Coming({schedule.layers - 1, phase}, 1),
                  ElementsAre(schedule.layers - 1));
    }
  }
}

}  // namespace
}  // namespace lacos
