// The arena puts the tensors of one step on a stack of chunks, which the next step uses again.
#include "lacos/tensor/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace lacos {
namespace {

// A source of chunks that remembers their sizes.
class ArenaTest : public testing::Test {
 protected:
  Arena Make(size_t chunk_bytes) {
    return Arena(
        [this](size_t bytes) {
          chunks_.push_back(bytes);
          const size_t whole = (bytes + 63) / 64 * 64;
          auto* data = static_cast<std::byte*>(std::aligned_alloc(64, whole));
          return Buffer(data, bytes, [](std::byte* p, size_t) { std::free(p); });
        },
        chunk_bytes);
  }
  std::vector<size_t> chunks_;
};

// The bytes that one tensor of 64 bytes takes, including the gap behind it under AddressSanitizer.
size_t BytesOfOne(Arena& arena) {
  const Arena::Mark before = arena.Position();
  arena.Allocate(DType::kU8, {64});
  const size_t bytes = arena.Position().used - before.used;
  arena.Release(before);
  return bytes;
}

TEST_F(ArenaTest, TensorsAreAlignedAndDoNotOverlap) {
  Arena arena = Make(4096);
  std::vector<TensorView> tensors;
  for (const int64_t n : {1, 63, 64, 65, 7}) tensors.push_back(arena.Allocate(DType::kF32, {n, 2}));
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensors[i].data) % 64, 0u) << i;
    if (i > 0) {
      EXPECT_GE(tensors[i].data, tensors[i - 1].data + tensors[i - 1].Bytes()) << i;
    }
  }
  EXPECT_EQ(tensors[1].shape, (Shape{63, 2}));
  EXPECT_EQ(tensors[1].dtype, DType::kF32);
  EXPECT_EQ(chunks_, std::vector<size_t>{4096});
}

TEST_F(ArenaTest, AnEmptyTensorHasAnAddressOfItsOwn) {
  Arena arena = Make(4096);
  const TensorView empty = arena.Allocate(DType::kF32, {0, 5});
  EXPECT_TRUE(empty);
  EXPECT_NE(arena.Allocate(DType::kF32, {1}).data, empty.data);
}

TEST_F(ArenaTest, ReleasedMemoryIsGivenOutAgain) {
  Arena arena = Make(4096);
  const TensorView kept = arena.Allocate(DType::kF32, {16});
  const Arena::Mark mark = arena.Position();
  const TensorView first = arena.Allocate(DType::kF32, {16});
  arena.Release(mark);
  EXPECT_EQ(arena.Allocate(DType::kBF16, {32}).data, first.data);
  EXPECT_GT(first.data, kept.data);
}

TEST_F(ArenaTest, ScopesReleaseWhatWasAllocatedWithinThem) {
  Arena arena = Make(4096);
  arena.Allocate(DType::kF32, {16});
  const size_t outside = arena.Position().used;
  {
    const ArenaScope outer(arena);
    arena.Allocate(DType::kF32, {16});
    const size_t within = arena.Position().used;
    {
      const ArenaScope inner(arena);
      arena.Allocate(DType::kF32, {16});
      EXPECT_GT(arena.Position().used, within);
    }
    EXPECT_EQ(arena.Position().used, within);
  }
  EXPECT_EQ(arena.Position().used, outside);
}

TEST_F(ArenaTest, ChunksAreKeptForTheNextStep) {
  Arena arena = Make(1024);
  std::vector<std::byte*> first_step;
  for (int step = 0; step < 3; ++step) {
    const ArenaScope scope(arena);
    for (size_t i = 0; i < 5; ++i) {
      std::byte* data = arena.Allocate(DType::kU8, {800}).data;
      if (step == 0) first_step.push_back(data);
      EXPECT_EQ(data, first_step[i]) << "step " << step;
    }
  }
  EXPECT_EQ(chunks_, std::vector<size_t>(5, 1024));
}

TEST_F(ArenaTest, ATensorLargerThanAChunkGetsOneOfItsSize) {
  Arena arena = Make(1024);
  arena.Allocate(DType::kU8, {10});
  arena.Allocate(DType::kU8, {5000});
  ASSERT_EQ(chunks_.size(), 2u);
  EXPECT_GE(chunks_[1], 5000u);
  EXPECT_LT(chunks_[1], 5000u + 256);
}

TEST_F(ArenaTest, TheHighWaterMarkIsTheMostThatWasInUseAtOneTime) {
  Arena arena = Make(1 << 20);
  const size_t one = BytesOfOne(arena);
  const Arena::Mark start = arena.Position();
  for (int i = 0; i < 3; ++i) arena.Allocate(DType::kU8, {64});
  arena.Release(start);
  EXPECT_EQ(arena.HighWaterBytes(), 3 * one);
  for (int i = 0; i < 2; ++i) arena.Allocate(DType::kU8, {64});
  EXPECT_EQ(arena.HighWaterBytes(), 3 * one);
  for (int i = 0; i < 2; ++i) arena.Allocate(DType::kU8, {64});
  EXPECT_EQ(arena.HighWaterBytes(), 4 * one);
}

// The planner reads the high-water mark of a dry run and reserves that many bytes. The run
// itself then needs no other chunk, although in the dry run the unused end of a chunk may have
// moved tensors.
TEST_F(ArenaTest, WhatTheHighWaterMarkSaysIsRoomForTheSameTensorsInOnePiece) {
  const auto step = [](Arena& arena) {
    for (const int64_t n : {700, 500, 900, 100}) arena.Allocate(DType::kU8, {n});
  };
  Arena dry = Make(1024);
  step(dry);
  EXPECT_GT(chunks_.size(), 1u);
  chunks_.clear();
  Arena arena = Make(1024);
  arena.Reserve(dry.HighWaterBytes());
  step(arena);
  EXPECT_EQ(chunks_, std::vector<size_t>{dry.HighWaterBytes()});
  EXPECT_EQ(arena.HighWaterBytes(), dry.HighWaterBytes());
}

TEST_F(ArenaTest, RoomIsMadeBeforeTheFirstAllocation) {
  Arena arena = Make(1024);
  arena.Allocate(DType::kU8, {1});
  EXPECT_DEATH(arena.Reserve(100), "before the first allocation");
}

// These addresses are not memory of this process. Poisoning them would end it
// under AddressSanitizer.
TEST(ArenaOfDeviceMemory, TouchesNeitherTheMemoryNorItsShadow) {
  size_t freed = 0;
  {
    auto* const device = reinterpret_cast<std::byte*>(uintptr_t{1} << 62);
    Arena arena(
        [&](size_t bytes) {
          return Buffer(
              device, bytes, [&](std::byte*, size_t size) { freed += size; }, MemoryKind::kDevice);
        },
        4096);
    const Arena::Mark start = arena.Position();
    const TensorView first = arena.Allocate(DType::kU8, {64});
    const TensorView second = arena.Allocate(DType::kU8, {64});
    EXPECT_EQ(first.data, device);
    EXPECT_GE(second.data, first.data + 64);
    arena.Release(start);
    EXPECT_EQ(arena.Allocate(DType::kU8, {64}).data, device);
  }
  EXPECT_EQ(freed, 4096u);
}

#if defined(__SANITIZE_ADDRESS__)
TEST_F(ArenaTest, BytesBetweenTwoTensorsMayNotBeTouched) {
  Arena arena = Make(4096);
  const Arena::Mark start = arena.Position();
  const TensorView first = arena.Allocate(DType::kU8, {64});
  const TensorView second = arena.Allocate(DType::kU8, {64});
  EXPECT_FALSE(__asan_address_is_poisoned(first.data + 63));
  EXPECT_TRUE(__asan_address_is_poisoned(first.data + 64));
  EXPECT_FALSE(__asan_address_is_poisoned(second.data));
  arena.Release(start);
  EXPECT_FALSE(__asan_address_is_poisoned(first.data + 64));
}
#endif

}  // namespace
}  // namespace lacos
