// Products with the panels of float_panels.h (bf16) and int8_panels.h on the tile registers of Intel's
// AMX, on one thread.
//
// One instruction multiplies 16 rows by 16 columns over 16 units of the depth: 64 codes, or 32 bf16
// numbers. Integer sums are exact, so their bytes are those of every other kernel. A bf16 sum adds the
// products of 16 units at a time, in the order of the depth. Its bytes depend on its row and its column
// only, and they differ from those of vdpbf16ps.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18
// ("Programming with Intel AMX").
#pragma once

#include <cstddef>
#include <cstdint>

namespace lacos::cpu {

enum class AmxElement : uint8_t { kBF16, kInt8 };

// Whether this CPU multiplies tiles of both types, and Linux gives this process the registers. The
// first call asks Linux for them.
bool HasAmx();

// The number of left rows is a multiple of this.
inline constexpr int64_t kAmxRowGroup = 16;
// The units that an instruction multiplies. A product may be divided at multiples of this.
inline constexpr int64_t kAmxUnits = 16;
// Units of a panel that are best multiplied before the next panel: 16 KB, which stay in the first-level
// cache.
inline constexpr int64_t kAmxPassUnits = 128;
// Columns of a panel.
inline constexpr int64_t kAmxPanelColumns = 32;

// Sets up the tile registers of the calling thread, and gives them back at its end.
class AmxScope {
 public:
  AmxScope();
  ~AmxScope();
  AmxScope(const AmxScope&) = delete;
  AmxScope& operator=(const AmxScope&) = delete;
};

// Some units of a product with one panel.
struct AmxProduct {
  AmxElement element = AmxElement::kBF16;
  // The rows' first unit. After the last unit of a row there are zeros up to the next multiple of 64
  // bytes.
  const std::byte* left = nullptr;
  int64_t left_stride = 0;          // in bytes
  int64_t rows = 0;                 // a multiple of kAmxRowGroup
  const uint32_t* panel = nullptr;  // its first unit
  int64_t units = 0;
  bool first = true;      // sums start at zero; otherwise they are continued
  float* sums = nullptr;  // [rows, columns]; integers, of 32 bit, until `scale` is given
  int64_t sums_stride = 0;
  int64_t columns = 0;  // at most kAmxPanelColumns
  // With the last units of integers: the rows' scales, and what is added to their sums before scaling.
  const float* scale = nullptr;      // [rows]
  const int32_t* surplus = nullptr;  // [rows]
};
// Needs an AmxScope on this thread.
void MultiplyAmxPanel(const AmxProduct& product);

// Measures the instruction for codes in registers: 1e9 additions and multiplications per second on the
// calling thread. Needs HasAmx().
double MeasureInt8Amx();

}  // namespace lacos::cpu
