// Dropout masks are pure functions of a row's key, the site and the channel: they follow a text
// wherever its rows are.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "lacos/kernels/make_backend.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

TensorView Keys(Workbench& wb, const std::vector<int64_t>& keys) {
  const TensorView view = wb.Make(DType::kI64, {static_cast<int64_t>(keys.size())});
  wb.backend().Upload(std::as_bytes(std::span(keys)), view);
  return view;
}

// The result of dropout on ones [rows, cols], which shows the elements that survive.
std::vector<double> Mask(const std::vector<int64_t>& keys, int64_t cols, uint32_t site,
                         double rate) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const Shape shape = {static_cast<int64_t>(keys.size()), cols};
  const TensorView x = wb.From(Role::kResidual, shape, std::vector<float>(shape.Elements(), 1.0f));
  wb.backend().Dropout(x, {.token_keys = Keys(wb, keys), .site = site, .rate = rate}, x);
  return wb.Read(x);
}

TEST(Dropout, ARowsMaskDependsOnItsKeyAndNotOnItsPlace) {
  const int64_t cols = 33;
  const std::vector<int64_t> keys = {11, -22, int64_t{1} << 40, 44};
  const std::vector<double> together = Mask(keys, cols, 5, 0.5);
  for (size_t row = 0; row < keys.size(); ++row) {
    const std::vector<double> alone = Mask({keys[row]}, cols, 5, 0.5);
    for (int64_t c = 0; c < cols; ++c) EXPECT_EQ(together[row * cols + c], alone[c]);
  }
  std::set<std::vector<double>> distinct;
  for (size_t row = 0; row < keys.size(); ++row) {
    distinct.insert({together.begin() + row * cols, together.begin() + (row + 1) * cols});
  }
  EXPECT_EQ(distinct.size(), keys.size());
  EXPECT_NE(Mask({11}, cols, 5, 0.5), Mask({11}, cols, 6, 0.5)) << "the site counts";
}

TEST(Dropout, DropsByTheSpecifiedPhiloxWord) {
  const int64_t key = static_cast<int64_t>(0xFEDCBA9876543210ull);
  const std::vector<double> mask = Mask({key}, 10, 42, 0.25);
  for (uint32_t c = 0; c < 10; ++c) {
    const uint32_t word = Philox({c / 4, 42, 0x76543210u, 0xFEDCBA98u}, {0, 0})[c % 4];
    EXPECT_EQ(mask[c], word < 0x40000000u ? 0.0 : 1.0 / 0.75) << c;
  }
}

TEST(Dropout, DropsTheAskedForShare) {
  std::vector<int64_t> keys;
  for (int64_t i = 0; i < 400; ++i)
    keys.push_back(static_cast<int64_t>(Mix64(1, static_cast<uint64_t>(i))));
  for (const double rate : {0.05, 0.1, 0.5, 0.9}) {
    const std::vector<double> mask = Mask(keys, 250, 1, rate);
    double dropped = 0;
    for (const double v : mask) dropped += v == 0 ? 1 : 0;
    const auto n = static_cast<double>(mask.size());
    // The tolerance is six standard deviations of a binomial share. The keys are fixed, so this
    // passes always or never.
    EXPECT_NEAR(dropped / n, rate, 6 * std::sqrt(rate * (1 - rate) / n));
  }
}

TEST(Dropout, WithoutKeysOrRateChangesNothing) {
  EXPECT_EQ(Mask({1, 2}, 3, 0, 0.0), std::vector<double>(6, 1.0));
}

// If values are one-hot in the key's position, the output of attention is the dropped-out
// probabilities themselves.
TEST(AttentionDropout, IsKeyedByQueryHeadAndKeyPosition) {
  const int64_t tokens = 4, dim = 4;
  const int heads = 2;
  std::vector<float> qkv(tokens * heads * 3 * dim, 0.0f);
  for (int64_t t = 0; t < tokens; ++t) {
    for (int h = 0; h < heads; ++h) qkv[t * heads * 3 * dim + (h * 3 + 2) * dim + t] = 1.0f;
  }
  const std::vector<int64_t> keys = {5, 6, 7, 8};
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TensorView x = wb.From(Role::kActivation, {tokens, heads * 3 * dim}, qkv);
  const TensorView plain = wb.Make(Role::kActivation, {tokens, heads * dim});
  const TensorView dropped = wb.Make(Role::kActivation, {tokens, heads * dim});
  const TextLayout layout = wb.Layout({0, 4});
  wb.backend().AlibiAttention(x, layout, heads, {}, plain);
  wb.backend().AlibiAttention(x, layout, heads,
                              {.token_keys = Keys(wb, keys), .site = 9, .rate = 0.5}, dropped);
  const std::vector<double> p = wb.Read(plain), q = wb.Read(dropped);
  for (int64_t i = 0; i < tokens; ++i) {
    for (int h = 0; h < heads; ++h) {
      for (int64_t j = 0; j <= i; ++j) {
        const auto channel = static_cast<uint32_t>(h * 65536 + j);
        const uint32_t word =
            Philox({channel / 4, 9, static_cast<uint32_t>(keys[i]), 0}, {0, 0})[channel % 4];
        const double factor = word < 0x80000000u ? 0.0 : 2.0;
        EXPECT_DOUBLE_EQ(q[i * heads * dim + h * dim + j],
                         factor * p[i * heads * dim + h * dim + j]);
      }
    }
  }
}

}  // namespace
}  // namespace lacos::testing
