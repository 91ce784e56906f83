// Attention of the CUDA backend in the emulator: a text has the same bytes in every batch, whatever the
// kernels that its length and the width of its heads lead to.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "unit/kernels/op_cases.h"

namespace lacos::testing {
namespace {

constexpr int kHeads = 1;

// Texts of fixed lengths with fixed values: each text's values depend on its number alone.
struct Texts {
  std::vector<int32_t> lengths;
  int64_t dim = 0;

  std::vector<float> Values(int text, int64_t columns, uint64_t seed) const {
    return NormalValues(lengths[text] * columns, seed + 100 * static_cast<uint64_t>(text));
  }
};

struct Results {
  std::vector<std::byte> y, dqkv;
  bool operator==(const Results&) const = default;
};

// Runs a batch of some texts and returns each one's bytes. One value of one text can be replaced.
std::vector<Results> Attend(Compute compute, const Texts& texts, const std::vector<int>& batch,
                            double rate, std::optional<int> bad = {},
                            float poison = std::numeric_limits<float>::quiet_NaN()) {
  Workbench wb(MakeEmulatedCudaBackend({.compute = compute}));
  const int64_t out = kHeads * texts.dim, in = 3 * out;
  std::vector<float> qkv, dy;
  std::vector<int32_t> offsets = {0};
  std::vector<int64_t> keys;
  for (const int text : batch) {
    std::vector<float> values = texts.Values(text, in, 1);
    if (bad == text) values[values.size() / 2] = poison;
    qkv.insert(qkv.end(), values.begin(), values.end());
    const std::vector<float> gradient = texts.Values(text, out, 2);
    dy.insert(dy.end(), gradient.begin(), gradient.end());
    for (int32_t i = 0; i < texts.lengths[text]; ++i)
      keys.push_back(static_cast<int64_t>(Mix64(static_cast<uint64_t>(text), i)));
    offsets.push_back(offsets.back() + texts.lengths[text]);
  }
  const int64_t tokens = offsets.back();
  const TensorView x = wb.From(Role::kActivation, {tokens, in}, qkv);
  const TensorView g = wb.From(Role::kGradient, {tokens, out}, dy);
  const TensorView y = wb.Make(Role::kActivation, {tokens, out});
  const TensorView dx = wb.Make(Role::kGradient, {tokens, in});
  const TensorView token_keys = wb.Make(DType::kI64, {tokens});
  wb.backend().Upload(std::as_bytes(std::span<const int64_t>(keys)), token_keys);
  DropoutSpec dropout;
  if (rate > 0) dropout = {.token_keys = token_keys, .site = 3, .rate = rate};
  const TextLayout layout = wb.Layout(offsets);
  wb.backend().AlibiAttention(x, layout, kHeads, dropout, y);
  wb.backend().AlibiAttentionBackward(x, layout, kHeads, dropout, g, dx);
  std::vector<Results> results;
  for (size_t n = 0; n < batch.size(); ++n) {
    results.push_back({wb.Bytes(y.Rows(offsets[n], offsets[n + 1])),
                       wb.Bytes(dx.Rows(offsets[n], offsets[n + 1]))});
  }
  return results;
}

class CudaAttention : public ::testing::TestWithParam<std::tuple<Compute, int64_t>> {};

TEST_P(CudaAttention, OfATextIsTheSameInEveryBatch) {
  const auto [compute, dim] = GetParam();
  // 32 and 33, 64 and 65, 128 and 129 tokens go to different kernels.
  const Texts texts{{1, 16, 32, 33, 0, 64, 65, 128, 129, 17}, dim};
  const std::vector<Results> all = Attend(compute, texts, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 0.1);
  for (const std::vector<int>& batch :
       {std::vector<int>{8, 2, 7}, {9}, {6, 0, 5}, {3, 3, 1}, {8}}) {
    const std::vector<Results> some = Attend(compute, texts, batch, 0.1);
    for (size_t n = 0; n < batch.size(); ++n)
      EXPECT_TRUE(some[n] == all[batch[n]]) << "text " << batch[n];
  }
}

TEST_P(CudaAttention, KeepsNaNAndInfinityInTheirText) {
  const auto [compute, dim] = GetParam();
  const Texts texts{{20, 5, 70, 3, 131}, dim};
  const std::vector<int> batch = {0, 1, 2, 3, 4};
  const std::vector<Results> right = Attend(compute, texts, batch, 0);
  for (const int bad : {1, 2, 4}) {
    const float poison =
        bad == 2 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    const std::vector<Results> results = Attend(compute, texts, batch, 0, bad, poison);
    for (const int text : batch) EXPECT_EQ(results[text] == right[text], text != bad);
  }
}

TEST(CudaAttentionOfLongTexts, OfATextOf2048TokensIsTheSameInEveryBatch) {
  const Texts texts{{2048, 3}, 32};
  const std::vector<Results> alone = Attend(Compute::kBF16, texts, {0}, 0),
                             both = Attend(Compute::kBF16, texts, {1, 0}, 0);
  EXPECT_TRUE(alone[0] == both[1]);
}

INSTANTIATE_TEST_SUITE_P(Widths, CudaAttention,
                         ::testing::Combine(::testing::Values(Compute::kF32, Compute::kBF16),
                                            ::testing::Values(24, 32, 64, 80, 96, 128)),
                         [](const ::testing::TestParamInfo<CudaAttention::ParamType>& info) {
                           return std::string(NameOf(std::get<0>(info.param))) + "Width" +
                                  std::to_string(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace lacos::testing
