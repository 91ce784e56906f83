// Matrix products of f32 or bf16 rows with weights that are packed in panels, on one thread.
//
// Every sum is one chain in the order of the depth: a fused multiply-add for each number in f32 (a
// product and a sum on CPUs without AVX2), one vdpbf16ps for each pair of numbers in bf16, or one
// tdpbf16ps for 16 pairs (amx_panels.h). So the bytes of a sum depend on its row and its column only.
// They depend neither on other rows and columns nor on how the product is divided.
//
// A panel has FloatPanelWidth() columns and one "unit" of 32 bits for each column and place of the
// depth: [unit][column]. A unit is one f32 number or a pair of bf16 numbers. So a weight can be
// packed once for many rows, or piece by piece in the cache for few rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lacos/base/checked_math.h"

namespace lacos::cpu {

enum class PanelElement : uint8_t { kF32, kBF16 };

// Whether this CPU has products of this type: f32 every CPU, bf16 those with vdpbf16ps.
bool HasFloatPanels(PanelElement element);

int64_t FloatPanelWidth();  // at most kMostPanelColumns
inline constexpr int64_t kMostPanelColumns = 32;
// A piece of this many units of a panel (16 KB with AVX-512) stays in the first-level cache together
// with its left rows.
inline constexpr int64_t kPanelPieceUnits = 128;
// The number of left rows is a multiple of this.
inline constexpr int64_t kFloatRowGroup = 4;

inline int64_t PanelUnits(PanelElement element, int64_t depth) {
  return element == PanelElement::kF32 ? depth : CeilDivide(depth, int64_t{2});
}
// Bytes from one left row to the next: whole cache lines and one more, so that the same columns of
// several rows lie in different sets of the first-level cache.
inline int64_t FloatPanelStride(PanelElement element, int64_t depth) {
  return RoundUp(PanelUnits(element, depth) * 4, int64_t{64}) + 64;
}
// Bytes of so many columns, a whole number of panels or the last one.
size_t FloatPanelBytes(PanelElement element, int64_t columns, int64_t depth);

// A rectangle of a stored weight [columns, depth] (forward) or [depth, columns] (backward).
struct PanelSource {
  PanelElement element = PanelElement::kF32;  // of the panel
  bool by_columns = true;                     // whether a column of the product is a stored row
  // stored values: 8-bit codes, or numbers of the panel's type
  bool codes = false;
  const std::byte* values = nullptr;
  int64_t stride = 0;            // values from one stored row to the next
  const float* scale = nullptr;  // of codes: one for each stored row of the rectangle, or null
  int64_t columns = 0;           // at most FloatPanelWidth()
  int64_t depth = 0;
  // The values that are packed next, as far apart as these, or null. By columns, the CPU does not see
  // that it should prefetch them.
  const std::byte* next = nullptr;
};
// Writes the rectangle as the units [0, PanelUnits(element, depth)) of a panel: values, or code times
// scale in f32. Missing columns and the second half of an odd pair are zeros. bf16 panels of codes
// have no scales.
void PackPanelPiece(const PanelSource& source, uint32_t* panel);

// Some units of a product with one panel.
struct PanelProduct {
  PanelElement element = PanelElement::kF32;
  bool amx = false;                 // bf16 by MultiplyAmxPanel, with its conditions
  const std::byte* left = nullptr;  // the rows' first unit
  int64_t left_stride = 0;          // in bytes
  int64_t rows = 0;                 // a multiple of kFloatRowGroup
  const uint32_t* panel = nullptr;  // its first unit
  int64_t units = 0;
  bool first = true;      // sums start at zero; otherwise they are continued
  float* sums = nullptr;  // [rows, columns]
  int64_t sums_stride = 0;
  int64_t columns = 0;  // at most FloatPanelWidth()
};
void MultiplyPanel(const PanelProduct& product);

// sums [rows, columns], contiguous = left times the packed columns, over the whole depth.
void MultiplyPanels(PanelElement element, bool amx, const std::byte* left, int64_t left_stride,
                    int64_t rows, const std::byte* packed, int64_t columns, int64_t depth,
                    float* sums);

}  // namespace lacos::cpu
