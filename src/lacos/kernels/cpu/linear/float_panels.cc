#include "lacos/kernels/cpu/linear/float_panels.h"

#include <algorithm>
#include <cstring>

#include <hwy/cache_control.h>

#include "lacos/base/check.h"
#include "lacos/kernels/cpu/hwy_targets.h"
#include "lacos/kernels/cpu/linear/amx_panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/linear/float_panels.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {
namespace {  // other files of this target have functions of the same names

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
constexpr size_t kWidth = 2 * kLanes;
#else
constexpr size_t kWidth = 16;
#endif
static_assert(kWidth <= kMostPanelColumns);

int64_t PanelWidthImpl() { return kWidth; }

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2

constexpr bool kWide = HWY_TARGET == HWY_AVX3;
// Rows that a group has. Their sums, two vectors of weights and one of the row take 27 of the 32
// registers of AVX-512, or 15 of the 16 of AVX2.
constexpr size_t kTallGroup = kWide ? 12 : 6;

bool HasPanelsImpl(bool bf16) { return !bf16 || (kWide && __builtin_cpu_supports("avx512bf16")); }

// Highway 1.0.3 does not offer vdpbf16ps. The broadcast is an instruction of its own, because the
// compiler would make it a part of each multiply-add and so load every number of the left rows twice.
template <bool kBF16>
HWY_INLINE void AddProducts(VF& sums, VF weights, VF factor) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (kBF16) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sums.raw) : "v"(weights.raw), "v"(factor.raw));
    return;
  }
#endif
  sums = hn::MulAdd(weights, factor, sums);
}
HWY_INLINE VF BroadcastUnit(const std::byte* unit) {
  VF factor;
  asm("vbroadcastss %1, %0" : "=v"(factor.raw) : "m"(*reinterpret_cast<const float*>(unit)));
  return factor;
}

// c [kRows, kWidth] = (or +=) a times the panel over some units.
template <bool kBF16, size_t kRows>
HWY_INLINE void PanelBlock(size_t units, const std::byte* a, size_t a_stride, const uint32_t* panel,
                           bool first, float* c, size_t c_stride) {
  const DF d;
  VF left[kRows], right[kRows];
#pragma GCC unroll 12
  for (size_t i = 0; i < kRows; ++i) {
    left[i] = first ? hn::Zero(d) : hn::LoadU(d, c + i * c_stride);
    right[i] = first ? hn::Zero(d) : hn::LoadU(d, c + i * c_stride + kLanes);
  }
  const auto* b = reinterpret_cast<const float*>(panel);
  for (size_t k = 0; k < units; ++k, b += kWidth, a += sizeof(uint32_t)) {
    const VF b0 = hn::LoadU(d, b), b1 = hn::LoadU(d, b + kLanes);
#pragma GCC unroll 12
    for (size_t i = 0; i < kRows; ++i) {
      const VF factor = BroadcastUnit(a + i * a_stride);
      AddProducts<kBF16>(left[i], b0, factor);
      AddProducts<kBF16>(right[i], b1, factor);
    }
  }
#pragma GCC unroll 12
  for (size_t i = 0; i < kRows; ++i) {
    hn::StoreU(left[i], d, c + i * c_stride);
    hn::StoreU(right[i], d, c + i * c_stride + kLanes);
  }
}

template <bool kBF16, size_t kRows>
HWY_NOINLINE void PanelRows(const PanelProduct& p, size_t row) {
  const auto stride = static_cast<size_t>(p.left_stride), units = static_cast<size_t>(p.units);
  const auto columns = static_cast<size_t>(p.columns), to_next = static_cast<size_t>(p.sums_stride);
  const std::byte* a = p.left + row * stride;
  float* c = p.sums + row * to_next;
  if (columns == kWidth)
    return PanelBlock<kBF16, kRows>(units, a, stride, p.panel, p.first, c, to_next);
  // At the right edge of a tile, the block is computed in a buffer.
  HWY_ALIGN float full[kRows * kWidth] = {};
  for (size_t i = 0; i < kRows && !p.first; ++i)
    std::memcpy(full + i * kWidth, c + i * to_next, columns * sizeof(float));
  PanelBlock<kBF16, kRows>(units, a, stride, p.panel, p.first, full, kWidth);
  for (size_t i = 0; i < kRows; ++i)
    std::memcpy(c + i * to_next, full + i * kWidth, columns * sizeof(float));
}

template <bool kBF16>
void MultiplyPanelOf(const PanelProduct& p) {
  const auto rows = static_cast<size_t>(p.rows);
  for (size_t row = 0; row < rows;) {
    const size_t rest = rows - row;
    // The number of rows is a multiple of 4. Groups of 4 (and 8) complete it.
    if (rest == 4 || (!kWide && rest == 8)) {
      PanelRows<kBF16, 4>(p, row);
      row += 4;
    } else if (kWide && rest == 8) {
      PanelRows<kBF16, kWide ? 8 : 4>(p, row);
      row += 8;
    } else {
      PanelRows<kBF16, kTallGroup>(p, row);
      row += kTallGroup;
    }
  }
}

void MultiplyPanelImpl(const PanelProduct& p) {
#if HWY_TARGET == HWY_AVX3
  if (p.element == PanelElement::kBF16) return MultiplyPanelOf<true>(p);
#endif
  LACOS_CHECK(p.element == PanelElement::kF32, "this CPU has bf16 products");
  MultiplyPanelOf<false>(p);
}

HWY_INLINE void StoreUnits(VI units, uint32_t* out) {
  hn::StoreU(units, DI(), reinterpret_cast<int32_t*>(out));
}

// The pair of bf16 numbers of two floats that are exact in bf16.
HWY_INLINE VI PairOf(VF even, VF odd) {
  const hn::Repartition<uint16_t, DF> d16;
  const auto upper = hn::BitCast(d16, hn::ShiftRight<16>(hn::BitCast(DU(), even)));
  return hn::BitCast(DI(), hn::OddEven(hn::BitCast(d16, odd), upper));
}

// The kByte-th of the four codes in each lane.
template <int kByte>
HWY_INLINE VF CodeAsFloat(VI quads) {
  return hn::ConvertTo(DF(), hn::ShiftRight<24>(hn::ShiftLeft<24 - 8 * kByte>(quads)));
}

// Stores four codes of the depth for kLanes columns.
HWY_INLINE void StoreCodes(bool bf16, VI quads, VF scale, uint32_t* out) {
  const VF c0 = CodeAsFloat<0>(quads), c1 = CodeAsFloat<1>(quads), c2 = CodeAsFloat<2>(quads),
           c3 = CodeAsFloat<3>(quads);
  if (bf16) {
    StoreUnits(PairOf(c0, c1), out);
    return StoreUnits(PairOf(c2, c3), out + kWidth);
  }
  const DI d;
  StoreUnits(hn::BitCast(d, hn::Mul(c0, scale)), out);
  StoreUnits(hn::BitCast(d, hn::Mul(c1, scale)), out + kWidth);
  StoreUnits(hn::BitCast(d, hn::Mul(c2, scale)), out + 2 * kWidth);
  StoreUnits(hn::BitCast(d, hn::Mul(c3, scale)), out + 3 * kWidth);
}

// While 64 bytes of each of kLanes rows are packed in four steps, one line of each of the next rows is
// fetched. (A lambda would not do: g++ 12 takes it for a function without effect.)
HWY_INLINE void PrefetchRows(const std::byte* next, int64_t row_bytes, int64_t at) {
  constexpr int64_t kRowsAStep = kLanes / 4;
  const std::byte* line = next + at / 16 % 4 * kRowsAStep * row_bytes + at;
#pragma GCC unroll 4
  for (int64_t r = 0; r < kRowsAStep; ++r) hwy::Prefetch(line + r * row_bytes);
}

// Packs kLanes columns, each of them a stored row. `bytes` is a multiple of 16, the length of a row.
// The same bytes of `next`, which may be null, are prefetched.
HWY_INLINE void PackRowsOf(const PanelSource& s, const std::byte* rows, const std::byte* next,
                           int64_t row_bytes, const float* scale, int64_t bytes, uint32_t* out) {
  if (!s.codes) {
    for (int64_t at = 0; at < bytes; at += 16, out += 4 * kWidth) {
      if (next != nullptr) PrefetchRows(next, row_bytes, at);
      Transpose(rows + at, row_bytes,
                [&](size_t i, VI units) HWY_ATTR { StoreUnits(units, out + i * kWidth); });
    }
    return;
  }
  const bool bf16 = s.element == PanelElement::kBF16;
  const VF factor = scale == nullptr ? hn::Set(DF(), 1.0f) : hn::LoadU(DF(), scale);
  const size_t step = (bf16 ? 2 : 4) * kWidth;  // units of four codes
  for (int64_t at = 0; at < bytes; at += 16, out += 4 * step) {
    if (next != nullptr) PrefetchRows(next, row_bytes, at);
    Transpose(rows + at, row_bytes, [&](size_t i, VI quads) HWY_ATTR {
      StoreCodes(bf16, quads, factor, out + i * step);
    });
  }
}

int64_t ValueBytes(const PanelSource& s) {
  return s.codes ? 1 : s.element == PanelElement::kBF16 ? 2 : 4;
}

void PackRows(const PanelSource& s, uint32_t* panel) {
  const int64_t value = ValueBytes(s), row_bytes = s.stride * value, bytes = s.depth * value;
  const int64_t whole = bytes / 16 * 16;
  for (int64_t column = 0; column < static_cast<int64_t>(kWidth); column += kLanes) {
    const std::byte* rows = s.values + column * row_bytes;
    uint32_t* const out = panel + column;
    const int64_t some = std::clamp<int64_t>(s.columns - column, 0, static_cast<int64_t>(kLanes));
    // Values at the edges are copied to a block that is filled up with zeros.
    HWY_ALIGN std::byte block[kLanes * 16];
    HWY_ALIGN float block_scale[kLanes] = {};
    const float* scale = s.scale == nullptr ? nullptr : s.scale + column;
    if (scale != nullptr && some < static_cast<int64_t>(kLanes)) {
      std::copy_n(scale, some, block_scale);
      scale = block_scale;
    }
    const auto units_of = [&](int64_t count) { return PanelUnits(s.element, count / value); };
    const auto pack_edge = [&](int64_t at) HWY_ATTR {
      const int64_t count = std::min<int64_t>(16, bytes - at);
      std::memset(block, 0, sizeof(block));
      for (int64_t i = 0; i < some; ++i)
        std::memcpy(block + i * 16, rows + i * row_bytes + at, static_cast<size_t>(count));
      HWY_ALIGN uint32_t units[16 * kWidth];
      PackRowsOf(s, block, nullptr, 16, scale, 16, units);
      for (int64_t u = 0; u < units_of(count); ++u)
        std::memcpy(out + (units_of(at) + u) * kWidth, units + u * kWidth, sizeof(float) * kLanes);
    };
    int64_t at = 0;
    if (some == static_cast<int64_t>(kLanes)) {
      const std::byte* next = s.next == nullptr ? nullptr : s.next + column * row_bytes;
      PackRowsOf(s, rows, next, row_bytes, scale, whole, out);
      at = whole;
    }
    for (; at < bytes; at += 16) pack_edge(at);
  }
}

// kLanes values of a stored row as floats, or as the floats of bf16 numbers.
HWY_INLINE VF ValuesOf(const PanelSource& s, const std::byte* row, int64_t column, const VF scale) {
  if (s.codes) {
    const hn::Rebind<int8_t, DF> d8;
    const auto codes = hn::LoadU(d8, reinterpret_cast<const int8_t*>(row) + column);
    return hn::Mul(hn::ConvertTo(DF(), hn::PromoteTo(DI(), codes)), scale);
  }
  return Load(ConstFloats{row, s.element == PanelElement::kBF16}, static_cast<size_t>(column),
              Full());
}

// Packs columns that are stored columns: a stored row has one number of each.
void PackColumns(const PanelSource& s, uint32_t* panel) {
  const bool bf16 = s.element == PanelElement::kBF16;
  const int64_t value = ValueBytes(s), row_bytes = s.stride * value;
  for (int64_t k = 0; k < s.depth; k += bf16 ? 2 : 1, panel += kWidth) {
    const std::byte *row = s.values + k * row_bytes, *next = row + row_bytes;
    // Rows that are too short, or missing, are copied to a buffer with zeros.
    HWY_ALIGN std::byte edge[2][kWidth * 4];
    if (s.columns < static_cast<int64_t>(kWidth) || k + 1 == s.depth) {
      std::memset(edge, 0, sizeof(edge));
      std::memcpy(edge[0], row, static_cast<size_t>(s.columns * value));
      if (k + 1 < s.depth) std::memcpy(edge[1], next, static_cast<size_t>(s.columns * value));
      row = edge[0];
      next = edge[1];
    }
    const VF scale = hn::Set(DF(), s.scale == nullptr ? 1.0f : s.scale[k]);
    for (int64_t column = 0; column < static_cast<int64_t>(kWidth); column += kLanes) {
      const VF even = ValuesOf(s, row, column, scale);
      const VI units =
          bf16 ? PairOf(even, ValuesOf(s, next, column, scale)) : hn::BitCast(DI(), even);
      StoreUnits(units, panel + column);
    }
  }
}

void PackPieceImpl(const PanelSource& s, uint32_t* panel) {
  return s.by_columns ? PackRows(s, panel) : PackColumns(s, panel);
}

#else

// For CPUs without these vectors, in f32 only: plain loops, which the compiler makes vectors of.
bool HasPanelsImpl(bool bf16) { return !bf16; }

void MultiplyPanelImpl(const PanelProduct& p) {
  LACOS_CHECK(p.element == PanelElement::kF32, "this CPU has bf16 products");
  for (int64_t row = 0; row < p.rows; ++row) {
    const auto* a = reinterpret_cast<const float*>(p.left + row * p.left_stride);
    const auto* b = reinterpret_cast<const float*>(p.panel);
    float* c = p.sums + row * p.sums_stride;
    float sums[kWidth] = {};
    if (!p.first) std::copy_n(c, p.columns, sums);
    for (int64_t k = 0; k < p.units; ++k, b += kWidth) {
      for (size_t i = 0; i < kWidth; ++i) sums[i] += a[k] * b[i];
    }
    std::copy_n(sums, p.columns, c);
  }
}

void PackPieceImpl(const PanelSource& s, uint32_t* panel) {
  for (int64_t k = 0; k < s.depth; ++k, panel += kWidth) {
    for (int64_t column = 0; column < static_cast<int64_t>(kWidth); ++column) {
      const int64_t row = s.by_columns ? column : k, at = s.by_columns ? k : column;
      float value = 0;
      if (column < s.columns && s.codes) {
        const auto code = static_cast<int8_t>(s.values[row * s.stride + at]);
        value = static_cast<float>(code) * (s.scale == nullptr ? 1.0f : s.scale[row]);
      } else if (column < s.columns) {
        value = reinterpret_cast<const float*>(s.values)[row * s.stride + at];
      }
      std::memcpy(panel + column, &value, sizeof(value));
    }
  }
}

#endif

}  // namespace
}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(HasPanelsImpl);
HWY_EXPORT(PanelWidthImpl);
HWY_EXPORT(PackPieceImpl);
HWY_EXPORT(MultiplyPanelImpl);

bool HasFloatPanels(PanelElement element) {
  return HWY_DYNAMIC_DISPATCH(HasPanelsImpl)(element == PanelElement::kBF16);
}
int64_t FloatPanelWidth() { return HWY_DYNAMIC_DISPATCH(PanelWidthImpl)(); }

size_t FloatPanelBytes(PanelElement element, int64_t columns, int64_t depth) {
  return static_cast<size_t>(RoundUp(columns, FloatPanelWidth()) * PanelUnits(element, depth) * 4);
}

void PackPanelPiece(const PanelSource& source, uint32_t* panel) {
  LACOS_CHECK(source.element == PanelElement::kF32 || source.scale == nullptr,
              "codes are exact in bf16 without a scale");
  HWY_DYNAMIC_DISPATCH(PackPieceImpl)(source, panel);
}

void MultiplyPanel(const PanelProduct& product) {
  if (product.amx) {
    LACOS_CHECK(product.element == PanelElement::kBF16 && FloatPanelWidth() == kAmxPanelColumns,
                "tiles have bf16 numbers");
    return MultiplyAmxPanel({.element = AmxElement::kBF16,
                             .left = product.left,
                             .left_stride = product.left_stride,
                             .rows = product.rows,
                             .panel = product.panel,
                             .units = product.units,
                             .first = product.first,
                             .sums = product.sums,
                             .sums_stride = product.sums_stride,
                             .columns = product.columns});
  }
  LACOS_CHECK(product.rows % kFloatRowGroup == 0, "left rows come in groups");
  HWY_DYNAMIC_DISPATCH(MultiplyPanelImpl)(product);
}

void MultiplyPanels(PanelElement element, bool amx, const std::byte* left, int64_t left_stride,
                    int64_t rows, const std::byte* packed, int64_t columns, int64_t depth,
                    float* sums) {
  // A panel of 64 KB, which the second-level cache holds, and up to 24 KB of a group of rows. Half of it
  // was 4 % slower with AVX2 (Zen 5).
  const int64_t width = FloatPanelWidth(), all = PanelUnits(element, depth),
                pass = amx ? kAmxPassUnits : 16384 / width;
  for (int64_t unit = 0; unit < all; unit += pass) {
    for (int64_t column = 0; column < columns; column += width) {
      const auto* panel = reinterpret_cast<const uint32_t*>(packed) + column * all + unit * width;
      MultiplyPanel({.element = element,
                     .amx = amx,
                     .left = left + unit * 4,
                     .left_stride = left_stride,
                     .rows = rows,
                     .panel = panel,
                     .units = std::min(pass, all - unit),
                     .first = unit == 0,
                     .sums = sums + column,
                     .sums_stride = columns,
                     .columns = std::min(width, columns - column)});
    }
  }
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
