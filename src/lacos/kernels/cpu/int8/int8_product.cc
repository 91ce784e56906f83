#include "lacos/kernels/cpu/int8/int8_product.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "lacos/base/checked_math.h"
#include "lacos/base/process.h"
#include "lacos/kernels/cpu/hwy_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/int8/int8_product.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/int8/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

// Columns that a group of rows computes together: two vectors.
constexpr size_t kPanel = 2 * kLanes;
// Rows that a group has where each product is multiplied. Their sums (12 vectors), two vectors of
// weights, one of the row and one product fill the 16 registers of AVX2.
constexpr size_t kTallGroup = 6;
// Pairs of the depth that one pass covers. A panel (16 KB, whether of 8 or 16 bit) and a group of
// rows (6 or 8 KB) stay in the first-level cache, 128 rows in the second-level cache.
template <bool kHalved>
constexpr size_t kPassPairs = kHalved ? 512 : 2048 / kLanes;

int64_t Int8PanelColumnsImpl() { return kPanel; }

// The values that the sums of a block start from, for each row of the group and each column of the
// panel: zeros, or the negative surpluses if multiplications are halved. Sums may wrap around
// before they are complete.
struct Int8Start {
  const int32_t* rows;
  const int32_t* columns;
};
constexpr int32_t kNoRows[kTallGroup] = {};
constexpr int32_t kNoColumns[kPanel] = {};

// The form in which a block reads a panel: as packed if multiplications are halved, otherwise a
// copy in 16 bit, which all rows of a tile use. Widening in the loop would be 2 of its 26
// instructions for vectors.
template <bool kHalved>
using PanelCode = std::conditional_t<kHalved, int8_t, int16_t>;

#if HWY_TARGET == HWY_SCALAR

void WidenPanel(const int8_t* b, size_t pairs, int16_t* wide) {
  std::copy_n(b, pairs * kPanel * 2, wide);
}

// c [kRows, kPanel] = (or +=) a b over `pairs` pairs of the depth.
template <bool kHalved, size_t kRows>
void Int8Block(size_t pairs, const int16_t* a, size_t a_stride, const PanelCode<kHalved>* b,
               bool first, const Int8Start& /*start*/, const float* scale, float* c,
               size_t c_stride) {
  static_assert(!kHalved);
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t n = 0; n < kPanel; ++n) {
      int32_t sum = 0;
      float* out = c + i * c_stride + n;
      if (!first) std::memcpy(&sum, out, sizeof(sum));
      for (size_t k = 0; k < 2 * pairs; ++k)
        sum += a[i * a_stride + k] * b[(k / 2 * kPanel + n) * 2 + k % 2];
      if (scale != nullptr) {
        *out = static_cast<float>(sum) * scale[i];
      } else {
        std::memcpy(out, &sum, sizeof(sum));
      }
    }
  }
}

#else

void WidenPanel(const int8_t* b, size_t pairs, int16_t* wide) {
  for (size_t i = 0; i < pairs * kPanel * 2; i += kHalf)
    hn::StoreU(hn::PromoteTo(DI16(), hn::LoadU(DI8(), b + i)), DI16(), wide + i);
}

// The next two 16-bit numbers of a row, repeated in every 32-bit lane.
HWY_INLINE VI16 BroadcastPair(const int16_t* a) {
  int32_t pair;
  std::memcpy(&pair, a, sizeof(pair));
  return hn::BitCast(DI16(), hn::Set(DI(), pair));
}

// The sums of one row over a panel. They are members and not an array, because g++ keeps an array
// of vectors in memory.
struct Int8RowSums {
  VI left, right;  // sums of columns 0 to kLanes - 1, and of the rest
  // Used only by instruction sets that add the two products of a pair to different vectors.
  VI left_odd, right_odd;

  HWY_INLINE void Begin(bool first, const float* c, int32_t row, VI columns_left,
                        VI columns_right) {
    const DF d;
    const DI di;
    const VI start = hn::Set(di, row);
    left = hn::Add(start, columns_left);
    right = hn::Add(start, columns_right);
    if (!first) {
      left = hn::Add(left, hn::BitCast(di, hn::LoadU(d, c)));
      right = hn::Add(right, hn::BitCast(di, hn::LoadU(d, c + kLanes)));
    }
    left_odd = right_odd = hn::Zero(di);
  }
  // Multiplies a pair of the depth.
  HWY_INLINE void Add(const int16_t* a, VI16 b0, VI16 b1) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
    // These are the instructions of the lines below, written as assembly because g++ 12 runs out of
    // registers: with 4 rows it kept one sum in memory and copied the others, 33 instructions for 8
    // products instead of 26. The matmuls became 1.05 to 1.09 times as fast (Zen 5, AVX2).
    const auto& pair = *reinterpret_cast<const int16_t(*)[2]>(a);
    VI16 factor, product;
    asm("vpbroadcastd %[pair], %[factor]\n\t"
        "vpmaddwd %[b0], %[factor], %[product]\n\t"
        "vpmaddwd %[b1], %[factor], %[factor]\n\t"
        "vpaddd %[product], %[left], %[left]\n\t"
        "vpaddd %[factor], %[right], %[right]"
        : [left] "+v"(left.raw), [right] "+v"(right.raw), [factor] "=&v"(factor.raw),
          [product] "=&v"(product.raw)
        : [pair] "m"(pair), [b0] "v"(b0.raw), [b1] "v"(b1.raw));
#else
    const VI16 factor = BroadcastPair(a);
    left = hn::ReorderWidenMulAccumulate(DI(), factor, b0, left, left_odd);
    right = hn::ReorderWidenMulAccumulate(DI(), factor, b1, right, right_odd);
#endif
  }
  // Multiplies two pairs of the depth. With codes b and d of a column and codes a_b and a_d of the
  // row: (a_b + d) (a_d + b) = a_b b + a_d d + a_b a_d + b d, where a_b a_d depends on the row
  // alone and b d on the column alone.
  HWY_INLINE void AddHalved(const int16_t* a, VI16 b0, VI16 b1, VI16 d0, VI16 d1) {
    const VI16 at_b = BroadcastPair(a), at_d = BroadcastPair(a + 2);
    left =
        hn::ReorderWidenMulAccumulate(DI(), hn::Add(at_b, d0), hn::Add(at_d, b0), left, left_odd);
    Pin(left);
    right =
        hn::ReorderWidenMulAccumulate(DI(), hn::Add(at_b, d1), hn::Add(at_d, b1), right, right_odd);
    Pin(right);
  }
  // Stores integers if more of the depth follows (no scale), else floats times the row's scale.
  HWY_INLINE void End(const float* scale, float* c) const {
    const VI l = hn::RearrangeToOddPlusEven(left, left_odd),
             r = hn::RearrangeToOddPlusEven(right, right_odd);
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

// c [kRows, kPanel] = (or +=) a b over `pairs` pairs of the depth. Between passes c holds
// integers; the last pass passes `scale`, one factor for each row.
template <bool kHalved, size_t kRows>
HWY_INLINE void Int8Block(size_t pairs, const int16_t* a, size_t a_stride,
                          const PanelCode<kHalved>* b, bool first, const Int8Start& start,
                          const float* scale, float* c, size_t c_stride) {
  const DI16 d16;
  const VI columns_left = hn::LoadU(DI(), start.columns),
           columns_right = hn::LoadU(DI(), start.columns + kLanes);
  // Vector v of the panel.
  const auto codes = [&](size_t v) HWY_ATTR {
    if constexpr (kHalved) {
      return hn::PromoteTo(d16, hn::LoadU(DI8(), b + v * kHalf));
    } else {
      return hn::LoadU(d16, b + v * kHalf);
    }
  };
  Int8RowSums r[kRows];
#pragma GCC unroll 6
  for (size_t i = 0; i < kRows; ++i)
    r[i].Begin(first, c + i * c_stride, start.rows[i], columns_left, columns_right);
  size_t k = 0;
  if constexpr (kHalved) {
    for (; k + 2 <= pairs; k += 2) {
      const VI16 b0 = codes(2 * k), b1 = codes(2 * k + 1), d0 = codes(2 * k + 2),
                 d1 = codes(2 * k + 3);
#pragma GCC unroll 6
      for (size_t i = 0; i < kRows; ++i) r[i].AddHalved(a + i * a_stride + 2 * k, b0, b1, d0, d1);
    }
  }
  for (; k < pairs; ++k) {
    const VI16 b0 = codes(2 * k), b1 = codes(2 * k + 1);
#pragma GCC unroll 6
    for (size_t i = 0; i < kRows; ++i) r[i].Add(a + i * a_stride + 2 * k, b0, b1);
  }
#pragma GCC unroll 6
  for (size_t i = 0; i < kRows; ++i)
    r[i].End(scale == nullptr ? nullptr : scale + i, c + i * c_stride);
}

// Computes the surpluses of a panel's columns into columns [kPanel].
void PanelSurplus(const int8_t* b, size_t pairs, int32_t* columns) {
  const DI di;
  const DI8 d8;
  const DI16 d16;
  for (size_t side = 0; side < 2; ++side) {
    VI sums = hn::Zero(di), odd = hn::Zero(di);
    const int8_t* lanes = b + side * kHalf;
    for (size_t k = 0; k + 2 <= pairs; k += 2, lanes += 4 * kPanel) {
      const VI16 v = hn::PromoteTo(d16, hn::LoadU(d8, lanes));
      const VI16 next = hn::PromoteTo(d16, hn::LoadU(d8, lanes + 2 * kPanel));
      sums = hn::ReorderWidenMulAccumulate(di, v, next, sums, odd);
    }
    hn::StoreU(hn::Neg(hn::RearrangeToOddPlusEven(sums, odd)), di, columns + side * kLanes);
  }
}

#endif

// Computes the block at the right edge of a tile, which has fewer columns than a panel: in a
// buffer, from which it is copied.
template <bool kHalved, size_t kRows>
void Int8EdgeBlock(size_t pairs, const int16_t* a, size_t a_stride, const PanelCode<kHalved>* b,
                   bool first, const Int8Start& start, const float* scale, size_t columns, float* c,
                   size_t c_stride) {
  HWY_ALIGN float full[kRows * kPanel] = {};
  for (size_t i = 0; i < kRows && !first; ++i)
    std::memcpy(full + i * kPanel, c + i * c_stride, columns * sizeof(float));
  Int8Block<kHalved, kRows>(pairs, a, a_stride, b, first, start, scale, full, kPanel);
  for (size_t i = 0; i < kRows; ++i)
    std::memcpy(c + i * c_stride, full + i * kPanel, columns * sizeof(float));
}

template <bool kHalved>
void Int8ProductOf(const Int8Rows& left, const int8_t* packed, int64_t columns, int64_t depth,
                   float* sums) {
  const auto all_pairs = static_cast<size_t>(PairedDepth(depth) / 2);
  const auto width = static_cast<size_t>(columns), column_bytes = Int8ColumnBytes(depth);
  const auto left_stride = static_cast<size_t>(Int8LeftStride(depth));
  HWY_ALIGN int16_t wide[kHalved ? 1 : kPassPairs<kHalved> * kPanel * 2];
  for (size_t pass = 0; pass < all_pairs; pass += kPassPairs<kHalved>) {
    const size_t pairs = std::min(kPassPairs<kHalved>, all_pairs - pass);
    const bool first = pass == 0, last = pass + pairs == all_pairs;
    for (size_t column = 0; column < width; column += kPanel) {
      const int8_t* panel = packed + column * column_bytes;
      const PanelCode<kHalved>* b;
      if constexpr (kHalved) {
        b = panel + pass * kPanel * 2;
      } else {
        WidenPanel(panel + pass * kPanel * 2, pairs, wide);
        b = wide;
      }
      int32_t columns_surplus[kPanel] = {};
      if (kHalved && first)
        std::memcpy(columns_surplus, panel + all_pairs * kPanel * 2, sizeof(columns_surplus));
      const auto multiply = [&]<size_t kRows>(size_t row) HWY_ATTR {
        const int16_t* a = left.codes + row * left_stride + 2 * pass;
        const Int8Start start{kHalved && first ? left.surplus + row : kNoRows, columns_surplus};
        const float* scale = last ? left.scale + row : nullptr;
        float* c = sums + row * width + column;
        if (column + kPanel <= width) {
          Int8Block<kHalved, kRows>(pairs, a, left_stride, b, first, start, scale, c, width);
        } else {
          Int8EdgeBlock<kHalved, kRows>(pairs, a, left_stride, b, first, start, scale,
                                        width - column, c, width);
        }
      };
      const auto rows = static_cast<size_t>(left.rows);
      for (size_t row = 0; row < rows;) {
        // Groups of 4 rows complete a number of rows that is not a multiple of 6.
        if (kHalved || rows - row == kGroup || rows - row == 2 * kGroup) {
          multiply.template operator()<kGroup>(row);
          row += kGroup;
        } else {
          multiply.template operator()<kTallGroup>(row);
          row += kTallGroup;
        }
      }
    }
  }
}

void Int8ProductImpl(Int8Multiply multiply, const Int8Rows& left, const int8_t* packed,
                     int64_t columns, int64_t depth, float* sums) {
  const auto run = Halves(multiply) ? Int8ProductOf<kCanHalve> : Int8ProductOf<false>;
  run(left, packed, columns, depth, sums);
}

// Adds `pairs` pairs of products to the sums of a tall group, whose numbers stay in registers.
#if HWY_TARGET == HWY_SCALAR
void Int8InRegisters(int64_t pairs, const int16_t* a, int32_t* c) {
  for (int64_t k = 0; k < 2 * pairs; ++k) *c += a[k % 2] * a[k % 2];
}
constexpr int64_t kSumsInRegisters = 1;
#else
void Int8InRegisters(int64_t pairs, const int16_t* a, int32_t* c) {
  const VI16 factor = BroadcastPair(a);
  VI sums[2 * kTallGroup];
#pragma GCC unroll 12
  for (VI& sum : sums) sum = hn::Zero(DI());
  for (int64_t k = 0; k < pairs; ++k) {
#pragma GCC unroll 12
    for (VI& sum : sums) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
      VI product;
      asm volatile("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0"
                   : "+v"(sum.raw), "=&v"(product.raw)
                   : "v"(factor.raw));
#else
      VI odd = sum;
      sum = hn::ReorderWidenMulAccumulate(DI(), factor, factor, sum, odd);
#endif
    }
  }
#pragma GCC unroll 12
  for (const VI& sum : sums) hn::StoreU(hn::Add(sum, hn::LoadU(DI(), c)), DI(), c);
}
constexpr int64_t kSumsInRegisters = 2 * kTallGroup * kLanes;
#endif

// Returns the number of products.
int64_t Int8LoopImpl(Int8Multiply multiply, int64_t pairs, const int16_t* left,
                     const int8_t* packed, float* c) {
  if constexpr (kCanHalve) {
    if (Halves(multiply)) {
      Int8Block<true, kGroup>(static_cast<size_t>(pairs), left,
                              static_cast<size_t>(Int8LeftStride(2 * pairs)), packed, true,
                              {kNoRows, kNoColumns}, nullptr, c, kPanel);
      return 2 * pairs * int64_t{kGroup * kPanel};
    }
  }
  Int8InRegisters(pairs, left, reinterpret_cast<int32_t*>(c));
  return 2 * pairs * kSumsInRegisters;
}

void PackInt8ColumnsImpl(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                         int8_t* packed) {
  const auto width = static_cast<size_t>(columns);
  const size_t panel_bytes = kPanel * Int8ColumnBytes(depth);
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

// Treats a pair of codes as one unit of 16 bits, and transposes [column, pair] to [pair, column].
void PackInt8RowsImpl(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                      int8_t* packed) {
  const auto width = static_cast<size_t>(columns);
  const auto whole_pairs = static_cast<size_t>(depth / 2);
  const auto all_pairs = static_cast<size_t>(PairedDepth(depth) / 2);
  for (size_t first = 0; first < width; first += kPanel) {
    int8_t* panel = packed + first * Int8ColumnBytes(depth);
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
          return hn::LoadU(d16, reinterpret_cast<const uint16_t*>(rows + r * stride +
                                                                  2 * static_cast<int64_t>(pair)));
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
          const auto r01 = half(0, upper), r23 = half(2, upper), r45 = half(4, upper),
                     r67 = half(6, upper);
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
          std::memcpy(panel + (p * kPanel + column + c) * 2,
                      rows + static_cast<int64_t>(c) * stride + 2 * p, 2);
      }
    }
#endif
    for (; column < count; ++column) {
      const int8_t* row = codes + static_cast<int64_t>(first + column) * stride;
      for (size_t p = 0; p < whole_pairs; ++p)
        std::memcpy(panel + (p * kPanel + column) * 2, row + 2 * p, 2);
    }
    for (size_t p = 0; p < all_pairs && count < kPanel; ++p)
      std::memset(panel + (p * kPanel + count) * 2, 0, 2 * (kPanel - count));
    for (size_t c = 0; c < count && whole_pairs < all_pairs; ++c) {
      panel[(whole_pairs * kPanel + c) * 2] =
          codes[static_cast<int64_t>(first + c) * stride + depth - 1];
      panel[(whole_pairs * kPanel + c) * 2 + 1] = 0;
    }
  }
}

void Int8AddSurplusImpl(int64_t columns, int64_t depth, int8_t* packed) {
#if HWY_TARGET == HWY_SCALAR
  (void)columns, (void)depth, (void)packed;
#else
  const auto pairs = static_cast<size_t>(PairedDepth(depth) / 2);
  for (size_t column = 0; column < static_cast<size_t>(columns); column += kPanel) {
    int8_t* panel = packed + column * Int8ColumnBytes(depth);
    int32_t surplus[kPanel];
    PanelSurplus(panel, pairs, surplus);
    std::memcpy(panel + pairs * kPanel * 2, surplus, sizeof(surplus));
  }
#endif
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(Int8PanelColumnsImpl);
HWY_EXPORT(PackInt8RowsImpl);
HWY_EXPORT(PackInt8ColumnsImpl);
HWY_EXPORT(Int8AddSurplusImpl);
HWY_EXPORT(Int8ProductImpl);
HWY_EXPORT(Int8LoopImpl);

int64_t Int8PanelColumns() { return HWY_DYNAMIC_DISPATCH(Int8PanelColumnsImpl)(); }

size_t Int8PackedBytes(int64_t columns, int64_t depth) {
  return static_cast<size_t>(RoundUp(columns, Int8PanelColumns())) * Int8ColumnBytes(depth);
}

namespace {

void AddSurplus(int64_t columns, int64_t depth, int8_t* packed, Int8Multiply multiply) {
  if (multiply == Int8Multiply::kHalved)
    HWY_DYNAMIC_DISPATCH(Int8AddSurplusImpl)(columns, depth, packed);
}

}  // namespace

void PackInt8Rows(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                  int8_t* packed, Int8Multiply multiply) {
  HWY_DYNAMIC_DISPATCH(PackInt8RowsImpl)(codes, stride, columns, depth, packed);
  AddSurplus(columns, depth, packed, multiply);
}
void PackInt8Columns(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                     int8_t* packed, Int8Multiply multiply) {
  HWY_DYNAMIC_DISPATCH(PackInt8ColumnsImpl)(codes, stride, columns, depth, packed);
  AddSurplus(columns, depth, packed, multiply);
}

void Int8Product(const Int8Rows& left, const int8_t* packed, int64_t columns, int64_t depth,
                 float* sums, Int8Multiply multiply) {
  HWY_DYNAMIC_DISPATCH(Int8ProductImpl)(multiply, left, packed, columns, depth, sums);
}

double MeasureInt8MultiplyAdd() {
  // One panel and one group of rows fit in the first-level cache.
  // 0.2 s, because the clock has to rise first
  constexpr int64_t kDepth = 512, kCalls = 20000, kRuns = 20;
  const int64_t rows = kInt8RowGroup, columns = Int8PanelColumns();
  int64_t products = 0;
  const std::vector<int16_t> left(static_cast<size_t>(rows * Int8LeftStride(kDepth)), 3);
  const std::vector<int8_t> packed(Int8PackedBytes(columns, kDepth), 5);
  std::vector<float> sums(static_cast<size_t>(rows * columns));
  double best = std::numeric_limits<double>::infinity();
  for (int64_t run = 0; run < kRuns; ++run) {
    const Stopwatch watch;
    products = 0;
    for (int64_t call = 0; call < kCalls; ++call) {
      products += HWY_DYNAMIC_DISPATCH(Int8LoopImpl)(BestInt8Multiply(), kDepth / 2, left.data(),
                                                     packed.data(), sums.data());
    }
    best = std::min(best, watch.Seconds());
  }
  return 2.0 * static_cast<double>(products) / best / 1e9;
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
