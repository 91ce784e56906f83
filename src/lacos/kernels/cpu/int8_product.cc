#include "lacos/kernels/cpu/int8_product.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <hwy/cache_control.h>

#include "lacos/base/checked_math.h"
#include "lacos/base/process.h"
#include "lacos/kernels/cpu/hwy_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/int8_product.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, as Highway asks.
#include "lacos/kernels/cpu/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

using VI = hn::Vec<DI>;

// Rows x 2 vectors of sums: with more than 8 of the 16 registers of AVX2 g++ spills, since every product
// needs one too.
constexpr size_t kGroup = 4;
constexpr size_t kPanel = 2 * kLanes;
// Depth of one pass: a panel (16 KB) stays in the first-level cache, 192 rows (192 KB) in the second.
constexpr size_t kPassPairs = 256;
// Depth of one pass of the product with stored codes: 12 rows (24 KB) stay in the first-level cache.
constexpr size_t kDotPass = 1024;
// Columns whose codes (256 KB at depth 4096) stay in the second-level cache from pass to pass.
constexpr size_t kDotColumns = 64;

int64_t Int8PanelColumnsImpl() { return kPanel; }
int64_t Int8RowGroupImpl() { return kGroup; }

#if HWY_TARGET == HWY_SCALAR

// c [kGroup, kPanel] = (or +=) a b over `pairs` pairs of the depth.
void Int8Block(size_t pairs, const int16_t* a, size_t a_stride, const int8_t* b, bool first,
               const float* scale, float* c, size_t c_stride) {
  for (size_t i = 0; i < kGroup; ++i) {
    for (size_t n = 0; n < kPanel; ++n) {
      int32_t sum = 0;
      float* out = c + i * c_stride + n;
      if (!first) std::memcpy(&sum, out, sizeof(sum));
      for (size_t k = 0; k < 2 * pairs; ++k) sum += a[i * a_stride + k] * b[(k / 2 * kPanel + n) * 2 + k % 2];
      if (scale != nullptr) {
        *out = static_cast<float>(sum) * scale[i];
      } else {
        std::memcpy(out, &sum, sizeof(sum));
      }
    }
  }
}

#else

using DI16 = hn::Repartition<int16_t, DF>;
using DI8 = hn::Rebind<int8_t, DI16>;
using VI16 = hn::Vec<DI16>;

// Two 16-bit numbers of a row in every lane pair.
HWY_INLINE VI16 BroadcastPair(const int16_t* a) {
  int32_t pair;
  std::memcpy(&pair, a, sizeof(pair));
  return hn::BitCast(DI16(), hn::Set(DI(), pair));
}

// The sums of one row over a panel: scalars, since g++ keeps an array of vectors in memory.
struct Int8RowSums {
  VI left, right;          // columns 0 to kLanes - 1, and the rest
  VI left_odd, right_odd;  // used only where the instruction set adds a pair's products to two places

  HWY_INLINE void Begin(bool first, const float* c) {
    const DF d;
    const DI di;
    left = first ? hn::Zero(di) : hn::BitCast(di, hn::LoadU(d, c));
    right = first ? hn::Zero(di) : hn::BitCast(di, hn::LoadU(d, c + kLanes));
    left_odd = right_odd = hn::Zero(di);
  }
  HWY_INLINE void Add(const int16_t* a, VI16 b0, VI16 b1) {
    const VI16 factor = BroadcastPair(a);
    left = hn::ReorderWidenMulAccumulate(DI(), factor, b0, left, left_odd);
    right = hn::ReorderWidenMulAccumulate(DI(), factor, b1, right, right_odd);
  }
  // Integers while more of the depth follows, else floats times the row's scale.
  HWY_INLINE void End(const float* scale, float* c) const {
    const VI l = hn::RearrangeToOddPlusEven(left, left_odd), r = hn::RearrangeToOddPlusEven(right, right_odd);
    const DF d;
    if (scale == nullptr) {
      hn::StoreU(hn::BitCast(d, l), d, c);
      hn::StoreU(hn::BitCast(d, r), d, c + kLanes);
    } else {
      const VF s = hn::Set(d, *scale);
      hn::StoreU(hn::Mul(hn::ConvertTo(d, l), s), d, c);
      hn::StoreU(hn::Mul(hn::ConvertTo(d, r), s), d, c + kLanes);
    }
  }
};

// c [kGroup, kPanel] = (or +=) a b over `pairs` pairs of the depth. Between passes c holds integers; the last
// pass gives `scale`, one factor a row.
HWY_INLINE void Int8Block(size_t pairs, const int16_t* a, size_t a_stride, const int8_t* b, bool first,
                          const float* scale, float* c, size_t c_stride) {
  const DI8 d8;
  const DI16 d16;
  Int8RowSums r0, r1, r2, r3;
  r0.Begin(first, c);
  r1.Begin(first, c + c_stride);
  r2.Begin(first, c + 2 * c_stride);
  r3.Begin(first, c + 3 * c_stride);
  for (size_t k = 0; k < pairs; ++k) {
    const VI16 b0 = hn::PromoteTo(d16, hn::LoadU(d8, b + (k * 2 + 0) * 2 * kLanes));
    const VI16 b1 = hn::PromoteTo(d16, hn::LoadU(d8, b + (k * 2 + 1) * 2 * kLanes));
    r0.Add(a + 2 * k, b0, b1);
    r1.Add(a + a_stride + 2 * k, b0, b1);
    r2.Add(a + 2 * a_stride + 2 * k, b0, b1);
    r3.Add(a + 3 * a_stride + 2 * k, b0, b1);
  }
  r0.End(scale, c);
  r1.End(scale == nullptr ? nullptr : scale + 1, c + c_stride);
  r2.End(scale == nullptr ? nullptr : scale + 2, c + 2 * c_stride);
  r3.End(scale == nullptr ? nullptr : scale + 3, c + 3 * c_stride);
}

#endif

#if HWY_TARGET != HWY_SCALAR

// The sums of four rows with one stored row of codes, lane by lane. One stored row at a time: g++ folds each
// load of a left row into its multiply-add, so a second one would load every left row again, and loads are
// the limit.
struct Int8DotGroup {
  VI s0, s1, s2, s3;
  VI t0, t1, t2, t3;  // as left_odd in Int8RowSums

  HWY_INLINE void Begin() { s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = hn::Zero(DI()); }
  HWY_INLINE void Add(const int16_t* a, size_t stride, VI16 w) {
    const DI di;
    const DI16 d16;
    s0 = hn::ReorderWidenMulAccumulate(di, hn::LoadU(d16, a), w, s0, t0);
    s1 = hn::ReorderWidenMulAccumulate(di, hn::LoadU(d16, a + stride), w, s1, t1);
    s2 = hn::ReorderWidenMulAccumulate(di, hn::LoadU(d16, a + 2 * stride), w, s2, t2);
    s3 = hn::ReorderWidenMulAccumulate(di, hn::LoadU(d16, a + 3 * stride), w, s3, t3);
  }
  HWY_INLINE void Store(int32_t* lanes) const {
    const DI di;
    hn::StoreU(hn::RearrangeToOddPlusEven(s0, t0), di, lanes);
    hn::StoreU(hn::RearrangeToOddPlusEven(s1, t1), di, lanes + kLanes);
    hn::StoreU(hn::RearrangeToOddPlusEven(s2, t2), di, lanes + 2 * kLanes);
    hn::StoreU(hn::RearrangeToOddPlusEven(s3, t3), di, lanes + 3 * kLanes);
  }
};

// lanes [kGroups * kGroup, kLanes]: sums of rows of a with b over `depth`, a multiple of 2 * kLanes.
template <size_t kGroups>
HWY_NOINLINE void Int8DotLanes(size_t depth, const int16_t* a, size_t a_stride, const int8_t* b,
                               int32_t* lanes) {
  const DI8 d8;
  const DI16 d16;
  Int8DotGroup g0, g1, g2;
  g0.Begin();
  g1.Begin();
  g2.Begin();
  for (size_t k = 0; k < depth; k += 2 * kLanes) {
    const VI16 w = hn::PromoteTo(d16, hn::LoadU(d8, b + k));
    g0.Add(a + k, a_stride, w);
    if constexpr (kGroups > 1) g1.Add(a + kGroup * a_stride + k, a_stride, w);
    if constexpr (kGroups > 2) g2.Add(a + 2 * kGroup * a_stride + k, a_stride, w);
  }
  g0.Store(lanes);
  if constexpr (kGroups > 1) g1.Store(lanes + kGroup * kLanes);
  if constexpr (kGroups > 2) g2.Store(lanes + 2 * kGroup * kLanes);
}

#endif

#if HWY_TARGET != HWY_SCALAR

// The blocks of 128 bits added to one.
template <class V>
HWY_INLINE void StoreSumOfBlocks(V v, int32_t* sums) {
  using D = hn::DFromV<V>;
  if constexpr (hn::MaxLanes(D()) > 4) {
    const hn::Half<D> half;
    StoreSumOfBlocks(hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)), sums);
  } else {
    hn::StoreU(v, D(), sums);
  }
}

// sums [4]: those of four rows of lanes [4, kLanes], transposed and added.
HWY_INLINE void SumFourRows(const int32_t* lanes, int32_t* sums) {
  const DI di;
  const hn::Repartition<int64_t, DI> d64;
  const auto halves = [&](const int32_t* x) HWY_ATTR {
    const VI even = hn::Load(di, x), odd = hn::Load(di, x + kLanes);
    return hn::BitCast(d64, hn::Add(hn::InterleaveLower(di, even, odd), hn::InterleaveUpper(di, even, odd)));
  };
  const auto lower = halves(lanes), upper = halves(lanes + 2 * kLanes);
  StoreSumOfBlocks(hn::Add(hn::BitCast(di, hn::InterleaveLower(d64, lower, upper)),
                           hn::BitCast(di, hn::InterleaveUpper(d64, lower, upper))),
                   sums);
}

#endif

// Rows [0, kGroups * kGroup) of the product with every column, over one pass of the depth.
template <size_t kGroups>
void Int8DotRows(const int16_t* a, size_t a_stride, const float* scale, const int8_t* codes, int64_t stride,
                 size_t columns, size_t depth, bool first, float* sums, size_t sums_stride) {
  constexpr size_t kRows = kGroups * kGroup;
  for (size_t column = 0; column < columns; ++column) {
    const int8_t* b = codes + static_cast<int64_t>(column) * stride;
    float* out = sums + column;
    int32_t c[kRows] = {};
#if HWY_TARGET == HWY_SCALAR
    const size_t whole = 0;
#else
    const size_t whole = depth - depth % (2 * kLanes);
    // Codes come from memory, in pieces too short for the CPU to foresee: ask for the row after the next.
    const int8_t* ahead = b + (column + 2 < columns ? 2 : 0) * stride;
    for (size_t k = 0; k < depth; k += 64) hwy::Prefetch(ahead + k);
    HWY_ALIGN int32_t lanes[kRows * kLanes];
    Int8DotLanes<kGroups>(whole, a, a_stride, b, lanes);
    for (size_t row = 0; row < kRows; row += 4) SumFourRows(lanes + row * kLanes, c + row);
#endif
    for (size_t i = 0; i < kRows && !first; ++i) {
      int32_t earlier = 0;
      std::memcpy(&earlier, out + i * sums_stride, sizeof(earlier));
      c[i] += earlier;
    }
    for (size_t k = whole; k < depth; ++k) {
      for (size_t i = 0; i < kRows; ++i) c[i] += a[i * a_stride + k] * b[k];
    }
    for (size_t i = 0; i < kRows; ++i) {
      if (scale == nullptr) {
        std::memcpy(out + i * sums_stride, c + i, sizeof(*c));
      } else {
        out[i * sums_stride] = static_cast<float>(c[i]) * scale[i];
      }
    }
  }
}

void Int8DotProductImpl(const int16_t* left, const float* row_scale, int64_t rows, const int8_t* codes,
                        int64_t stride, int64_t columns, int64_t depth, float* sums) {
  const auto width = static_cast<size_t>(columns), all = static_cast<size_t>(depth);
  const auto left_stride = static_cast<size_t>(Int8LeftStride(depth));
  const auto count = static_cast<size_t>(rows);
  // What the CPU reads ahead of a pass beyond its piece of a row is still in the second-level cache at the
  // next.
  for (size_t column = 0; column < width; column += kDotColumns) {
    const size_t some_columns = std::min(kDotColumns, width - column);
    for (size_t pass = 0; pass < all; pass += kDotPass) {
      const size_t some = std::min(kDotPass, all - pass);
      for (size_t row = 0; row < count;) {
        const size_t groups = std::min<size_t>(3, (count - row) / kGroup);
        const auto run = groups == 3 ? Int8DotRows<3> : groups == 2 ? Int8DotRows<2> : Int8DotRows<1>;
        run(left + row * left_stride + pass, left_stride, pass + some == all ? row_scale + row : nullptr,
            codes + static_cast<int64_t>(column) * stride + pass, stride, some_columns, some, pass == 0,
            sums + row * width + column, width);
        row += groups * kGroup;
      }
    }
  }
}

// The block at the right edge of a tile: through a buffer, since it has fewer columns than a panel.
void Int8EdgeBlock(size_t pairs, const int16_t* a, size_t a_stride, const int8_t* b, bool first,
                   const float* scale, size_t columns, float* c, size_t c_stride) {
  HWY_ALIGN float full[kGroup * kPanel] = {};
  for (size_t i = 0; i < kGroup && !first; ++i)
    std::memcpy(full + i * kPanel, c + i * c_stride, columns * sizeof(float));
  Int8Block(pairs, a, a_stride, b, first, scale, full, kPanel);
  for (size_t i = 0; i < kGroup; ++i)
    std::memcpy(c + i * c_stride, full + i * kPanel, columns * sizeof(float));
}

void Int8ProductImpl(const int16_t* left, const float* row_scale, int64_t rows, const int8_t* packed,
                     int64_t columns, int64_t depth, float* sums) {
  const auto all_pairs = static_cast<size_t>(PairedDepth(depth) / 2);
  const auto width = static_cast<size_t>(columns);
  const auto left_stride = static_cast<size_t>(Int8LeftStride(depth));
  for (size_t pass = 0; pass < all_pairs; pass += kPassPairs) {
    const size_t pairs = std::min(kPassPairs, all_pairs - pass);
    const bool last = pass + pairs == all_pairs;
    for (size_t column = 0; column < width; column += kPanel) {
      const int8_t* b = packed + (column * all_pairs + pass * kPanel) * 2;
      for (size_t row = 0; row < static_cast<size_t>(rows); row += kGroup) {
        const int16_t* a = left + row * left_stride + 2 * pass;
        const float* scale = last ? row_scale + row : nullptr;
        float* c = sums + row * width + column;
        if (column + kPanel <= width) {
          Int8Block(pairs, a, left_stride, b, pass == 0, scale, c, width);
        } else {
          Int8EdgeBlock(pairs, a, left_stride, b, pass == 0, scale, width - column, c, width);
        }
      }
    }
  }
}

template <class Code>
using DCodes = hn::Rebind<Code, DI>;

template <class Code>
HWY_INLINE void StoreInt8Codes(hn::Vec<DCodes<Code>> v, Code* codes, Full) {
  hn::StoreU(v, DCodes<Code>(), codes);
}
template <class Code>
HWY_INLINE void StoreInt8Codes(hn::Vec<DCodes<Code>> v, Code* codes, size_t count) {
  HWY_ALIGN Code lanes[kLanes];
  hn::Store(v, DCodes<Code>(), lanes);
  std::memcpy(codes, lanes, count * sizeof(Code));
}

template <class Code>
HWY_INLINE float QuantizeInt8Codes(ConstFloats x, const float* column_scale, int64_t n, Code* codes) {
  const DI di;
  const ConstFloats scales = FloatsOf(column_scale);
  const auto value = [&](size_t i, auto count) HWY_ATTR {
    const VF v = Load(x, i, count);
    return column_scale == nullptr ? v : hn::Mul(v, Load(scales, i, count));
  };
  // Magnitudes compare like integers, and NaN is above infinity.
  VI most = hn::Zero(di);
  ForVectors(static_cast<size_t>(n), [&](size_t i, auto count) HWY_ATTR {
    most = hn::Max(most, hn::BitCast(di, hn::Abs(value(i, count))));
  });
  const int32_t bits = hn::GetLane(hn::MaxOfLanes(di, most));
  float absmax;
  std::memcpy(&absmax, &bits, sizeof(absmax));
  const float factor = 127.0f / absmax;
  if (!std::isfinite(absmax) || !std::isfinite(factor)) {
    std::memset(codes, 0, static_cast<size_t>(n) * sizeof(Code));
    return std::isfinite(absmax) ? 0.0f : std::numeric_limits<float>::quiet_NaN();
  }
  const VF f = hn::Set(DF(), factor);
  ForVectors(static_cast<size_t>(n), [&](size_t i, auto count) HWY_ATTR {
    const auto code = hn::DemoteTo(DCodes<Code>(), hn::NearestInt(hn::Mul(value(i, count), f)));
    StoreInt8Codes<Code>(code, codes + i, count);
  });
  return absmax / 127.0f;
}

float QuantizeTo16Impl(ConstFloats x, const float* column_scale, int64_t n, int16_t* codes) {
  codes[PairedDepth(n) - 1] = 0;
  return QuantizeInt8Codes(x, column_scale, n, codes);
}
float QuantizeTo8Impl(ConstFloats x, const float* column_scale, int64_t n, int8_t* codes) {
  return QuantizeInt8Codes(x, column_scale, n, codes);
}

void ScaleInt8SumsImpl(float scale, int64_t columns, float* sums) {
  const VF s = hn::Set(DF(), scale);
  ForVectors(static_cast<size_t>(columns), [&](size_t i, auto count) HWY_ATTR {
    const VF v =
        hn::ConvertTo(DF(), hn::BitCast(DI(), Load(FloatsOf(static_cast<const float*>(sums)), i, count)));
    Store(hn::Mul(v, s), FloatsOf(sums), i, count);
  });
}

void PackInt8ColumnsImpl(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                         int8_t* packed) {
  const auto width = static_cast<size_t>(columns);
  const size_t panel_bytes = kPanel * static_cast<size_t>(PairedDepth(depth));
  for (int64_t k = 0; k < depth; k += 2) {
    const int8_t* even = codes + k * stride;
    const bool paired = k + 1 < depth;
    int8_t* out = packed + k * static_cast<int64_t>(kPanel);
    for (size_t column = 0; column < width; column += kPanel, out += panel_bytes) {
      const size_t count = std::min(kPanel, width - column);
      for (size_t c = 0; c < count; ++c) {
        out[2 * c] = even[column + c];
        out[2 * c + 1] = paired ? even[stride + static_cast<int64_t>(column + c)] : int8_t{0};
      }
      if (count < kPanel) std::memset(out + 2 * count, 0, 2 * (kPanel - count));
    }
  }
}

// Pairs are units of 16 bits: packing rows transposes [column, pair] to [pair, column].
void PackInt8RowsImpl(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth, int8_t* packed) {
  const auto width = static_cast<size_t>(columns);
  const auto whole_pairs = static_cast<size_t>(depth / 2);
  const auto all_pairs = static_cast<size_t>(PairedDepth(depth) / 2);
  for (size_t first = 0; first < width; first += kPanel) {
    int8_t* panel = packed + first * all_pairs * 2;
    const size_t count = std::min(kPanel, width - first);
    size_t column = 0;
#if HWY_TARGET != HWY_SCALAR
    const hn::FixedTag<uint16_t, 8> d16;
    const hn::FixedTag<uint32_t, 4> d32;
    const hn::FixedTag<uint64_t, 2> d64;
    for (; column + 8 <= count; column += 8) {
      const int8_t* rows = codes + static_cast<int64_t>(first + column) * stride;
      size_t pair = 0;
      for (; pair + 8 <= whole_pairs; pair += 8) {
        const auto row = [&](int64_t r) HWY_ATTR {
          return hn::LoadU(
              d16, reinterpret_cast<const uint16_t*>(rows + r * stride + 2 * static_cast<int64_t>(pair)));
        };
        const auto store = [&](size_t p, auto units) HWY_ATTR {
          hn::StoreU(hn::BitCast(d16, units), d16,
                     reinterpret_cast<uint16_t*>(panel + ((pair + p) * kPanel + column) * 2));
        };
        const auto half = [&](int64_t r, bool upper) HWY_ATTR {
          return hn::BitCast(d32, upper ? hn::InterleaveUpper(d16, row(r), row(r + 1))
                                        : hn::InterleaveLower(d16, row(r), row(r + 1)));
        };
        for (const bool upper : {false, true}) {
          const auto r01 = half(0, upper), r23 = half(2, upper), r45 = half(4, upper), r67 = half(6, upper);
          const auto a0 = hn::BitCast(d64, hn::InterleaveLower(d32, r01, r23));
          const auto a1 = hn::BitCast(d64, hn::InterleaveUpper(d32, r01, r23));
          const auto b0 = hn::BitCast(d64, hn::InterleaveLower(d32, r45, r67));
          const auto b1 = hn::BitCast(d64, hn::InterleaveUpper(d32, r45, r67));
          const size_t p = upper ? 4 : 0;
          store(p + 0, hn::InterleaveLower(d64, a0, b0));
          store(p + 1, hn::InterleaveUpper(d64, a0, b0));
          store(p + 2, hn::InterleaveLower(d64, a1, b1));
          store(p + 3, hn::InterleaveUpper(d64, a1, b1));
        }
      }
      for (size_t c = 0; c < 8; ++c) {
        for (size_t p = pair; p < whole_pairs; ++p)
          std::memcpy(panel + (p * kPanel + column + c) * 2, rows + static_cast<int64_t>(c) * stride + 2 * p,
                      2);
      }
    }
#endif
    for (; column < count; ++column) {
      const int8_t* row = codes + static_cast<int64_t>(first + column) * stride;
      for (size_t p = 0; p < whole_pairs; ++p) std::memcpy(panel + (p * kPanel + column) * 2, row + 2 * p, 2);
    }
    for (size_t p = 0; p < all_pairs && count < kPanel; ++p)
      std::memset(panel + (p * kPanel + count) * 2, 0, 2 * (kPanel - count));
    for (size_t c = 0; c < count && whole_pairs < all_pairs; ++c) {
      panel[(whole_pairs * kPanel + c) * 2] = codes[static_cast<int64_t>(first + c) * stride + depth - 1];
      panel[(whole_pairs * kPanel + c) * 2 + 1] = 0;
    }
  }
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(Int8PanelColumnsImpl);
HWY_EXPORT(Int8RowGroupImpl);
HWY_EXPORT(PackInt8RowsImpl);
HWY_EXPORT(PackInt8ColumnsImpl);
HWY_EXPORT(QuantizeTo16Impl);
HWY_EXPORT(QuantizeTo8Impl);
HWY_EXPORT(ScaleInt8SumsImpl);
HWY_EXPORT(Int8ProductImpl);
HWY_EXPORT(Int8DotProductImpl);

int64_t Int8PanelColumns() { return HWY_DYNAMIC_DISPATCH(Int8PanelColumnsImpl)(); }
int64_t Int8RowGroup() { return HWY_DYNAMIC_DISPATCH(Int8RowGroupImpl)(); }

size_t Int8PackedBytes(int64_t columns, int64_t depth) {
  return static_cast<size_t>(RoundUp(columns, Int8PanelColumns()) * PairedDepth(depth));
}

void PackInt8Rows(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth, int8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackInt8RowsImpl)(codes, stride, columns, depth, packed);
}
void PackInt8Columns(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth, int8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackInt8ColumnsImpl)(codes, stride, columns, depth, packed);
}
float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int16_t* codes) {
  return HWY_DYNAMIC_DISPATCH(QuantizeTo16Impl)(x, column_scale, n, codes);
}
float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int8_t* codes) {
  return HWY_DYNAMIC_DISPATCH(QuantizeTo8Impl)(x, column_scale, n, codes);
}
void ScaleInt8Sums(float scale, int64_t columns, float* sums) {
  HWY_DYNAMIC_DISPATCH(ScaleInt8SumsImpl)(scale, columns, sums);
}
void Int8Product(const int16_t* left, const float* row_scale, int64_t rows, const int8_t* packed,
                 int64_t columns, int64_t depth, float* sums) {
  HWY_DYNAMIC_DISPATCH(Int8ProductImpl)(left, row_scale, rows, packed, columns, depth, sums);
}

void Int8DotProduct(const int16_t* left, const float* row_scale, int64_t rows, const int8_t* codes,
                    int64_t stride, int64_t columns, int64_t depth, float* sums) {
  HWY_DYNAMIC_DISPATCH(Int8DotProductImpl)(left, row_scale, rows, codes, stride, columns, depth, sums);
}

double MeasureInt8MultiplyAdd() {
  // One panel and one group of rows: everything in the first-level cache.
  constexpr int64_t kDepth = 512, kCalls = 20000, kRuns = 20;  // 0.2 s: the clock has to rise first
  const int64_t rows = Int8RowGroup(), columns = Int8PanelColumns();
  std::vector<int16_t> left(static_cast<size_t>(rows * Int8LeftStride(kDepth)), 3);
  std::vector<int8_t> packed(Int8PackedBytes(columns, kDepth), 5);
  const std::vector<float> scale(static_cast<size_t>(rows), 1.0f);
  std::vector<float> sums(static_cast<size_t>(rows * columns));
  double best = std::numeric_limits<double>::infinity();
  for (int64_t run = 0; run < kRuns; ++run) {
    const Stopwatch watch;
    for (int64_t call = 0; call < kCalls; ++call)
      Int8Product(left.data(), scale.data(), rows, packed.data(), columns, kDepth, sums.data());
    best = std::min(best, watch.Seconds());
  }
  return 2.0 * static_cast<double>(rows * columns * kDepth * kCalls) / best / 1e9;
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
