#include "lacos/kernels/cpu/int8/int8_panels.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/process.h"
#include "lacos/kernels/cpu/hwy_targets.h"
#include "lacos/kernels/cpu/linear/amx_panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/int8/int8_panels.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/int8/int8-inl.h"
#include "lacos/kernels/cpu/transpose-inl.h"

#if HWY_ARCH_X86
#include <cpuid.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

constexpr size_t kPanelColumns = 2 * kLanes;
constexpr size_t kQuad = 4;  // the products that one lane sums in an instruction

int64_t PanelWidthImpl() { return kPanelColumns; }

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2

constexpr bool kWide = HWY_TARGET == HWY_AVX3;
// Rows that a group has. Their sums, two vectors of weights and one of the row take 27 of the 32
// registers of AVX-512, or 15 of the 16 of AVX2.
constexpr size_t kTallGroup = kWide ? 12 : 6;
// Quads of the depth that one pass covers: a panel of 64 KB, which the second-level cache holds, and
// a group of rows of up to 24 KB. A quarter of that, whose panel fits into the first-level cache,
// stores and loads sums four times as often and was 2 to 4 % slower (Zen 5).
constexpr size_t kPassQuads = 8192 / kLanes;

using DU8 = hn::Repartition<uint8_t, DF>;
using VU8 = hn::Vec<DU8>;

bool HasQuadsImpl() {
  if (kWide) return __builtin_cpu_supports("avx512vnni");
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax >> 4 & 1) != 0;
}

// Highway 1.0.3 does not offer vpdpbusd, and g++ 12 copies sums around its intrinsic, so the two
// instructions are written as assembly. The broadcast is an instruction of its own: as a part of
// each vpdpbusd it took 17 % more time (Zen 5).
HWY_INLINE void AddQuads(VI& sums, VU8 weights, VI factor) {
#if HWY_TARGET == HWY_AVX3
  asm("vpdpbusd %2, %1, %0" : "+v"(sums.raw) : "v"(weights.raw), "v"(factor.raw));
#else
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums.raw) : "x"(weights.raw), "x"(factor.raw));
#endif
}
// The next four codes of a row, repeated in every 32-bit lane.
HWY_INLINE VI BroadcastQuad(const int8_t* a) {
  const auto& quad = *reinterpret_cast<const int8_t(*)[kQuad]>(a);
  VI factor;
  asm("vpbroadcastd %1, %0" : "=v"(factor.raw) : "m"(quad));
  return factor;
}

// c [kRows, kPanelColumns] = (or +=) a b over some quads of the depth. Between passes c holds
// integers; the last pass passes `scale`, one factor for each row.
template <size_t kRows>
HWY_INLINE void PanelBlock(size_t quads, const int8_t* a, size_t a_stride, const uint8_t* b,
                           const int32_t* surplus, const float* scale, float* c, size_t c_stride) {
  const DF d;
  const DI di;
  const DU8 du8;
  VI left[kRows], right[kRows];
#pragma GCC unroll 12
  for (size_t i = 0; i < kRows; ++i) {
    if (surplus != nullptr) {
      left[i] = right[i] = hn::Set(di, surplus[i]);
    } else {
      left[i] = hn::BitCast(di, hn::LoadU(d, c + i * c_stride));
      right[i] = hn::BitCast(di, hn::LoadU(d, c + i * c_stride + kLanes));
    }
  }
  for (size_t k = 0; k < quads; ++k, b += kPanelColumns * kQuad) {
    const VU8 b0 = hn::LoadU(du8, b), b1 = hn::LoadU(du8, b + kLanes * kQuad);
#pragma GCC unroll 12
    for (size_t i = 0; i < kRows; ++i) {
      const VI factor = BroadcastQuad(a + i * a_stride + k * kQuad);
      AddQuads(left[i], b0, factor);
      AddQuads(right[i], b1, factor);
    }
  }
#pragma GCC unroll 12
  for (size_t i = 0; i < kRows; ++i) {
    float* const out = c + i * c_stride;
    if (scale == nullptr) {
      hn::StoreU(hn::BitCast(d, left[i]), d, out);
      hn::StoreU(hn::BitCast(d, right[i]), d, out + kLanes);
    } else {
      const VF s = hn::Set(d, scale[i]);
      hn::StoreU(hn::Mul(hn::ConvertTo(d, left[i]), s), d, out);
      hn::StoreU(hn::Mul(hn::ConvertTo(d, right[i]), s), d, out + kLanes);
    }
  }
}

void PanelProductImpl(const Int8NarrowRows& left, const uint8_t* packed, size_t columns,
                      int64_t depth, float* sums) {
  const auto all = static_cast<size_t>(CeilDivide(depth, int64_t{kQuad}));
  const auto rows = static_cast<size_t>(left.rows), stride = static_cast<size_t>(left.stride);
  for (size_t pass = 0; pass < all; pass += kPassQuads) {
    const size_t quads = std::min(kPassQuads, all - pass);
    const bool last = pass + quads == all;
    for (size_t column = 0; column < columns; column += kPanelColumns) {
      const uint8_t* b = packed + (column * all + pass * kPanelColumns) * kQuad;
      const size_t count = std::min(kPanelColumns, columns - column);
      const auto multiply = [&]<size_t kRows>(size_t row) HWY_ATTR {
        const int8_t* a = left.codes + row * stride + pass * kQuad;
        const int32_t* surplus = pass == 0 ? left.surplus + row : nullptr;
        const float* scale = last ? left.scale + row : nullptr;
        float* c = sums + row * columns + column;
        if (count == kPanelColumns) {
          return PanelBlock<kRows>(quads, a, stride, b, surplus, scale, c, columns);
        }
        // At the right edge of a tile, the block is computed in a buffer.
        HWY_ALIGN float full[kRows * kPanelColumns] = {};
        for (size_t i = 0; i < kRows; ++i)
          std::memcpy(full + i * kPanelColumns, c + i * columns, count * sizeof(float));
        PanelBlock<kRows>(quads, a, stride, b, surplus, scale, full, kPanelColumns);
        for (size_t i = 0; i < kRows; ++i)
          std::memcpy(c + i * columns, full + i * kPanelColumns, count * sizeof(float));
      };
      for (size_t row = 0; row < rows;) {
        const size_t rest = rows - row;
        // The number of rows is a multiple of 4. Groups of 4 (and 8) complete it.
        if (rest == 4 || (!kWide && rest == 8)) {
          multiply.template operator()<4>(row);
          row += 4;
        } else if (kWide && rest == 8) {
          multiply.template operator()<8>(row);
          row += 8;
        } else {
          multiply.template operator()<kTallGroup>(row);
          row += kTallGroup;
        }
      }
    }
  }
}

int32_t PanelSurplusImpl(const int8_t* codes, size_t n) {
  const DI di;
  const DU8 du8;
  const hn::Repartition<int8_t, DF> di8;
  VI sums = hn::Zero(di);
  const VU8 ones = hn::Set(du8, 1);
  size_t i = 0;
  for (; i + kQuad * kLanes <= n; i += kQuad * kLanes)
    AddQuads(sums, ones, hn::BitCast(di, hn::LoadU(di8, codes + i)));
  int32_t sum = hn::GetLane(hn::SumOfLanes(di, sums));
  for (; i < n; ++i) sum += codes[i];
  return -128 * sum;
}

// Adds `steps` quads to each sum of a tall group, whose numbers stay in registers. Returns the
// number of products.
int64_t QuadsInRegistersImpl(int64_t steps, int32_t* c) {
  const DI di;
  const VI factor = hn::Set(di, 0x01020304);
  const VU8 weights = hn::Set(DU8(), 5);
  VI sums[2 * kTallGroup];
#pragma GCC unroll 24
  for (VI& sum : sums) sum = hn::Zero(di);
  for (int64_t k = 0; k < steps; ++k) {
#pragma GCC unroll 24
    for (VI& sum : sums) AddQuads(sum, weights, factor);
  }
#pragma GCC unroll 24
  for (const VI& sum : sums) hn::StoreU(hn::Add(sum, hn::LoadU(di, c)), di, c);
  return steps * int64_t{2 * kTallGroup * kLanes * kQuad};
}

#else

bool HasQuadsImpl() { return false; }
void PanelProductImpl(const Int8NarrowRows&, const uint8_t*, size_t, int64_t, float*) {
  LACOS_CHECK(false, "this CPU has 8-bit dot products");
}
int32_t PanelSurplusImpl(const int8_t*, size_t) {
  LACOS_CHECK(false, "this CPU has 8-bit dot products");
}
int64_t QuadsInRegistersImpl(int64_t, int32_t*) {
  LACOS_CHECK(false, "this CPU has 8-bit dot products");
}

#endif

// Stores 4 columns, or part of them, of a quad of the depth.
void PackCodes(const int8_t* codes, int64_t row_step, int64_t column_step, size_t columns,
               int64_t begin, int64_t depth, uint8_t* out) {
  for (size_t c = 0; c < columns; ++c) {
    const int8_t* column = codes + static_cast<int64_t>(c) * column_step;
    for (int64_t k = begin; k < begin + int64_t{kQuad}; ++k, ++out)
      *out = static_cast<uint8_t>((k < depth ? column[k * row_step] : 0) ^ -128);
  }
}

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
HWY_INLINE hn::Vec<hn::FixedTag<uint8_t, 16>> LoadShifted(const int8_t* codes) {
  const hn::FixedTag<uint8_t, 16> d;
  return hn::Xor(hn::LoadU(d, reinterpret_cast<const uint8_t*>(codes)), hn::Set(d, 0x80));
}
#endif

// Packs `columns` columns of a panel. Code (k, c) of the weight is codes[k * row_step + c *
// column_step], and one of the steps is 1.
void PackPanel(const int8_t* codes, int64_t row_step, int64_t column_step, size_t columns,
               int64_t depth, uint8_t* panel) {
  [[maybe_unused]] const auto at = [&](int64_t k, size_t c) HWY_ATTR {
    return codes + k * row_step + static_cast<int64_t>(c) * column_step;
  };
  const auto out = [&](int64_t k, size_t c) HWY_ATTR {
    return panel + static_cast<size_t>(k) * kPanelColumns + c * kQuad;
  };
  int64_t k = 0;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  const hn::FixedTag<uint8_t, 16> d8;
  const hn::FixedTag<uint16_t, 8> d16;
  if (row_step == 1) {  // 16 codes of kLanes columns
    for (; k + 16 <= depth; k += 16) {
      size_t c = 0;
      for (; c + kLanes <= columns; c += kLanes) {
        Transpose(reinterpret_cast<const std::byte*>(at(k, c)), column_step,
                  [&](int64_t quad, VI codes) HWY_ATTR {
                    const DU8 du8;
                    hn::StoreU(hn::Xor(hn::BitCast(du8, codes), hn::Set(du8, 0x80)), du8,
                               out(k + quad * int64_t{kQuad}, c));
                  });
      }
      for (int64_t q = k; c < columns && q < k + 16; q += kQuad)
        PackCodes(at(0, c), row_step, column_step, columns - c, q, depth, out(q, c));
    }
  } else {  // 16 codes of 4 rows, interleaved
    for (; k + int64_t{kQuad} <= depth; k += kQuad) {
      size_t c = 0;
      for (; c + 16 <= columns; c += 16) {
        const auto r0 = LoadShifted(at(k, c)), r1 = LoadShifted(at(k + 1, c)),
                   r2 = LoadShifted(at(k + 2, c)), r3 = LoadShifted(at(k + 3, c));
        const auto store = [&](size_t i, auto x, auto y) HWY_ATTR {
          const auto p = hn::BitCast(d16, x), q = hn::BitCast(d16, y);
          hn::StoreU(hn::BitCast(d8, hn::InterleaveLower(d16, p, q)), d8, out(k, c + i));
          hn::StoreU(hn::BitCast(d8, hn::InterleaveUpper(d16, p, q)), d8, out(k, c + i + 4));
        };
        store(0, hn::InterleaveLower(d8, r0, r1), hn::InterleaveLower(d8, r2, r3));
        store(8, hn::InterleaveUpper(d8, r0, r1), hn::InterleaveUpper(d8, r2, r3));
      }
      if (c < columns) PackCodes(at(0, c), row_step, column_step, columns - c, k, depth, out(k, c));
    }
  }
#endif
  for (; k < depth; k += kQuad)
    PackCodes(codes, row_step, column_step, columns, k, depth, out(k, 0));
}

void PackPanelsImpl(const int8_t* codes, int64_t row_step, int64_t column_step, size_t columns,
                    int64_t depth, uint8_t* packed) {
  const size_t panel_bytes = kPanelColumns * static_cast<size_t>(RoundUp(depth, int64_t{kQuad}));
  for (size_t column = 0; column < columns; column += kPanelColumns, packed += panel_bytes) {
    const size_t count = std::min(kPanelColumns, columns - column);
    if (count < kPanelColumns) std::memset(packed, 0, panel_bytes);
    PackPanel(codes + static_cast<int64_t>(column) * column_step, row_step, column_step, count,
              depth, packed);
  }
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(HasQuadsImpl);
HWY_EXPORT(PanelWidthImpl);
HWY_EXPORT(PackPanelsImpl);
HWY_EXPORT(PanelSurplusImpl);
HWY_EXPORT(PanelProductImpl);
HWY_EXPORT(QuadsInRegistersImpl);

bool HasInt8Panels() { return HWY_DYNAMIC_DISPATCH(HasQuadsImpl)(); }
int64_t Int8PanelWidth() { return HWY_DYNAMIC_DISPATCH(PanelWidthImpl)(); }

size_t Int8PanelBytes(int64_t columns, int64_t depth) {
  return static_cast<size_t>(RoundUp(columns, Int8PanelWidth()) * RoundUp(depth, int64_t{4}));
}

void PackInt8RowPanels(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                       uint8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackPanelsImpl)
  (codes, 1, stride, static_cast<size_t>(columns), depth, packed);
}
void PackInt8ColumnPanels(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                          uint8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackPanelsImpl)
  (codes, stride, 1, static_cast<size_t>(columns), depth, packed);
}

int32_t Int8PanelSurplus(const int8_t* codes, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(PanelSurplusImpl)(codes, static_cast<size_t>(n));
}

namespace {

void AmxPanelProduct(const Int8NarrowRows& left, const uint8_t* packed, int64_t columns,
                     int64_t depth, float* sums) {
  constexpr int64_t kUnit = 4;  // codes in a unit
  LACOS_CHECK(Int8PanelWidth() == kAmxPanelColumns, "tiles have 16 columns");
  const int64_t all = CeilDivide(depth, kUnit);
  for (int64_t unit = 0; unit < all; unit += kAmxPassUnits) {
    const int64_t units = std::min(kAmxPassUnits, all - unit);
    const bool last = unit + units == all;
    for (int64_t column = 0; column < columns; column += kAmxPanelColumns) {
      const uint8_t* const panel = packed + (column * all + unit * kAmxPanelColumns) * kUnit;
      MultiplyAmxPanel({.element = AmxElement::kInt8,
                        .left = reinterpret_cast<const std::byte*>(left.codes) + unit * kUnit,
                        .left_stride = left.stride,
                        .rows = left.rows,
                        .panel = reinterpret_cast<const uint32_t*>(panel),
                        .units = units,
                        .first = unit == 0,
                        .sums = sums + column,
                        .sums_stride = columns,
                        .columns = std::min(kAmxPanelColumns, columns - column),
                        .scale = last ? left.scale : nullptr,
                        .surplus = last ? left.surplus : nullptr});
    }
  }
}

}  // namespace

void Int8PanelProduct(const Int8NarrowRows& left, const uint8_t* packed, int64_t columns,
                      int64_t depth, bool amx, float* sums) {
  if (amx) return AmxPanelProduct(left, packed, columns, depth, sums);
  LACOS_CHECK(left.rows % kInt8RowGroup == 0, "left rows come in groups");
  HWY_DYNAMIC_DISPATCH(PanelProductImpl)
  (left, packed, static_cast<size_t>(columns), depth, sums);
}

double MeasureInt8Quads() {
  // 0.2 s, because the clock has to rise first
  constexpr int64_t kSteps = 1000000, kRuns = 20;
  int32_t sums[16] = {};
  int64_t products = 0;
  double best = std::numeric_limits<double>::infinity();
  for (int64_t run = 0; run < kRuns; ++run) {
    const Stopwatch watch;
    products = HWY_DYNAMIC_DISPATCH(QuadsInRegistersImpl)(kSteps, sums);
    best = std::min(best, watch.Seconds());
  }
  return 2.0 * static_cast<double>(products) / best / 1e9;
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
