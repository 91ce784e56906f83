// Text layouts and token ids, known to device and host, and their use by the dry backend.
#include <gtest/gtest.h>

#include <algorithm>

#include "lacos/kernels/dry_backend.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

TEST(TextLayout, KnowsTextsTokensAndTheLongestText) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const std::vector<int32_t> offsets = {0, 3, 3, 10, 12};
  const TextLayout layout = wb.Layout(offsets);
  EXPECT_EQ(layout.texts, 4);
  EXPECT_EQ(layout.tokens, 12);
  EXPECT_EQ(layout.longest, 7);
  EXPECT_EQ(wb.ReadInts(layout.offsets), offsets);
  EXPECT_TRUE(std::equal(offsets.begin(), offsets.end(), layout.host_offsets.begin(),
                         layout.host_offsets.end()));
}

TEST(TextLayout, OfNoTextsHasNoTokens) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TextLayout layout = wb.Layout({0});
  EXPECT_EQ(layout.texts, 0);
  EXPECT_EQ(layout.tokens, 0);
  EXPECT_EQ(layout.longest, 0);
}

TEST(TokenIds, AreTheSameOnTheDeviceAndOnTheHost) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const std::vector<int32_t> ids = {5, 0, 5, 7};
  const TokenIds both = wb.Ids(ids);
  EXPECT_EQ(wb.ReadInts(both.ids), ids);
  EXPECT_TRUE(std::equal(ids.begin(), ids.end(), both.host_ids.begin(), both.host_ids.end()));
}

// The longest text, wherever it is, determines the memory of attention; uploads are not read.
TEST(DryCpuBackend, CountsAttentionByTheLongestTextOfTheLayout) {
  const auto backend = MakeCpuBackend({.compute = Compute::kF32});
  const auto need = [&](const std::vector<int32_t>& offsets) {
    Workbench dry(backend->MakeDry());
    const int64_t tokens = offsets.back();
    dry.backend().AlibiAttention(dry.Make(Role::kActivation, {tokens, 3 * 64}), dry.Layout(offsets),
                                 2, {}, dry.Make(Role::kActivation, {tokens, 64}));
    return dry.backend().WorkspaceBytes();
  };
  const size_t level = need({0, 100, 200, 300});
  EXPECT_GT(level, 0u);
  EXPECT_EQ(need({0, 10, 110, 300 - 90}), level) << "the longest text has 100 tokens again";
  EXPECT_GT(need({0, 20, 280, 300}), level);
  EXPECT_EQ(need({0, 260, 280, 300}), need({0, 20, 280, 300}));
}

TEST(DryCpuBackend, OffsetsThatOnlyTheHostReadsSuffice) {
  const auto backend = MakeCpuBackend({.compute = Compute::kF32});
  Workbench dry(backend->MakeDry());
  const std::vector<int32_t> offsets = {0, 50};
  const TextLayout layout{
      .offsets = {}, .host_offsets = offsets, .texts = 1, .tokens = 50, .longest = 50};
  dry.backend().AlibiAttentionBackward(dry.Make(Role::kActivation, {50, 3 * 64}), layout, 2, {},
                                       dry.Make(Role::kGradient, {50, 64}),
                                       dry.Make(Role::kGradient, {50, 3 * 64}));
  EXPECT_GT(dry.backend().WorkspaceBytes(), 0u);
}

}  // namespace
}  // namespace lacos::testing
