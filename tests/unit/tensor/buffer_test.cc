// Buffers free their memory exactly once, whichever owner is the last.
#include "lacos/tensor/buffer.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

namespace lacos {
namespace {

class BufferTest : public testing::Test {
 protected:
  using Freed = std::vector<std::pair<std::byte*, size_t>>;
  Buffer Make(std::byte* data, size_t size) {
    return Buffer(data, size, [this](std::byte* p, size_t n) { freed_.emplace_back(p, n); });
  }
  std::array<std::byte, 8> a_{}, b_{};
  Freed freed_;
};

TEST_F(BufferTest, FreesItsAddressAndSizeAtItsEnd) {
  {
    const Buffer buffer = Make(a_.data(), 8);
    EXPECT_EQ(buffer.data(), a_.data());
    EXPECT_EQ(buffer.size(), 8u);
    EXPECT_TRUE(freed_.empty());
  }
  EXPECT_EQ(freed_, (Freed{{a_.data(), 8}}));
}

TEST_F(BufferTest, AMovedBufferFreesOnceAndLeavesNothingBehind) {
  {
    Buffer first = Make(a_.data(), 8);
    const Buffer second = std::move(first);
    EXPECT_EQ(first.data(), nullptr);  // NOLINT(bugprone-use-after-move): this is tested
    EXPECT_EQ(first.size(), 0u);
    EXPECT_EQ(second.data(), a_.data());
    EXPECT_EQ(second.size(), 8u);
  }
  EXPECT_EQ(freed_.size(), 1u);
}

TEST_F(BufferTest, AssignmentFreesWhatWasHeldBefore) {
  {
    Buffer buffer = Make(a_.data(), 8);
    buffer = Make(b_.data(), 4);
    EXPECT_EQ(freed_, (Freed{{a_.data(), 8}}));
    EXPECT_EQ(buffer.size(), 4u);
  }
  EXPECT_EQ(freed_, (Freed{{a_.data(), 8}, {b_.data(), 4}}));
}

TEST_F(BufferTest, AssignmentToItselfChangesNothing) {
  Buffer buffer = Make(a_.data(), 8);
  Buffer& same = buffer;
  buffer = std::move(same);
  EXPECT_EQ(buffer.data(), a_.data());
  EXPECT_TRUE(freed_.empty());
}

TEST_F(BufferTest, TheKindOfMemoryMovesWithIt) {
  EXPECT_EQ(Make(nullptr, 0).kind(), MemoryKind::kHost);
  Buffer device(a_.data(), 8, {}, MemoryKind::kDevice);
  Buffer moved(std::move(device));
  EXPECT_EQ(moved.kind(), MemoryKind::kDevice);
  Buffer assigned;
  EXPECT_EQ(assigned.kind(), MemoryKind::kHost);
  assigned = std::move(moved);
  EXPECT_EQ(assigned.kind(), MemoryKind::kDevice);
}

TEST_F(BufferTest, AnEmptyBufferFreesNothing) {
  {
    const Buffer buffer;
    EXPECT_EQ(buffer.data(), nullptr);
    EXPECT_EQ(buffer.size(), 0u);
    const Buffer absent = Make(nullptr, 0);
  }
  EXPECT_TRUE(freed_.empty());
}

}  // namespace
}  // namespace lacos
