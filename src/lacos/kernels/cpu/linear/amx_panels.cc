#include "lacos/kernels/cpu/linear/amx_panels.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "lacos/base/check.h"
#include "lacos/base/process.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lacos::cpu {
namespace {

constexpr int64_t kTileRows = 16, kTileBytes = 64, kTileColumns = 16;
constexpr int64_t kBlockRows = 2 * kTileRows, kPanelBytes = kAmxPanelColumns * 4;
static_assert(kAmxRowGroup == kTileRows && kAmxUnits * 4 == kTileBytes);

// The memory that ldtilecfg reads. All eight registers hold 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {kTileBytes, kTileBytes, kTileBytes, kTileBytes,
                            kTileBytes, kTileBytes, kTileBytes, kTileBytes};
  uint8_t rows[16] = {kTileRows, kTileRows, kTileRows, kTileRows,
                      kTileRows, kTileRows, kTileRows, kTileRows};
};
static_assert(sizeof(TileConfiguration) == 64);

// The instructions. The intrinsics of g++ 12 do not tell the compiler that they read memory.
#define LACOS_TILE_LOAD(tile, address, stride) \
  asm volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(address), "r"(stride) : "memory")
#define LACOS_TILE_STORE(tile, address, stride) \
  asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(address), "r"(stride) : "memory")
#define LACOS_TILE_ZERO(tile) asm volatile("tilezero %tmm" #tile)

// sums += left * right. Codes on the left have signs, those of a packed weight have none.
template <AmxElement kElement>
struct Tiles;
#define LACOS_TILE_PRODUCTS(element, instruction)                                              \
  template <>                                                                                  \
  struct Tiles<element> {                                                                      \
    static void AddUpper() {                                                                   \
      asm volatile(instruction " %tmm6, %tmm4, %tmm0\n\t" instruction " %tmm7, %tmm4, %tmm1"); \
    }                                                                                          \
    static void AddLower() {                                                                   \
      asm volatile(instruction " %tmm6, %tmm5, %tmm2\n\t" instruction " %tmm7, %tmm5, %tmm3"); \
    }                                                                                          \
  }
LACOS_TILE_PRODUCTS(AmxElement::kBF16, "tdpbf16ps");
LACOS_TILE_PRODUCTS(AmxElement::kInt8, "tdpbsud");

// c [16 or 32, 32] = (or +=) a times the panel over some units, of which `tail` are those that follow
// the last whole tile. Registers 0 to 3 hold the sums, 4 and 5 the rows, 6 and 7 the weights.
template <AmxElement kElement, bool kTwo>
void Block(const AmxProduct& p, const std::byte* a, const std::byte* tail, float* c,
           int64_t c_stride) {
  float* const right = c + kTileColumns;
  float *const lower = c + kTileRows * c_stride, *const lower_right = lower + kTileColumns;
  const int64_t c_bytes = c_stride * int64_t{sizeof(float)};
  const std::byte* const a_lower = a + kTileRows * p.left_stride;
  if (p.first) {
    LACOS_TILE_ZERO(0);
    LACOS_TILE_ZERO(1);
    if constexpr (kTwo) {
      LACOS_TILE_ZERO(2);
      LACOS_TILE_ZERO(3);
    }
  } else {
    LACOS_TILE_LOAD(0, c, c_bytes);
    LACOS_TILE_LOAD(1, right, c_bytes);
    if constexpr (kTwo) {
      LACOS_TILE_LOAD(2, lower, c_bytes);
      LACOS_TILE_LOAD(3, lower_right, c_bytes);
    }
  }
  const auto step = [&](int64_t at, const std::byte* b) {
    LACOS_TILE_LOAD(6, b, kPanelBytes);
    LACOS_TILE_LOAD(7, b + kTileBytes, kPanelBytes);
    LACOS_TILE_LOAD(4, a + at, p.left_stride);
    Tiles<kElement>::AddUpper();
    if constexpr (kTwo) {
      LACOS_TILE_LOAD(5, a_lower + at, p.left_stride);
      Tiles<kElement>::AddLower();
    }
  };
  const auto* b = reinterpret_cast<const std::byte*>(p.panel);
  const int64_t whole = p.units / kAmxUnits;
  for (int64_t k = 0; k < whole; ++k) step(k * kTileBytes, b + k * kAmxUnits * kPanelBytes);
  if (tail != nullptr) step(whole * kTileBytes, tail);
  LACOS_TILE_STORE(0, c, c_bytes);
  LACOS_TILE_STORE(1, right, c_bytes);
  if constexpr (kTwo) {
    LACOS_TILE_STORE(2, lower, c_bytes);
    LACOS_TILE_STORE(3, lower_right, c_bytes);
  }
}

// Turns the integer sums of a block into floats.
__attribute__((target("avx512f"))) void Scale(const AmxProduct& p, int64_t row, int64_t rows,
                                              float* c, int64_t c_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const auto surplus = static_cast<uint32_t>(p.surplus[row + r]);
    const float scale = p.scale[row + r];
    float* const sums = c + r * c_stride;
    for (int64_t i = 0; i < kAmxPanelColumns; ++i) {
      const uint32_t sum = std::bit_cast<uint32_t>(sums[i]) + surplus;  // modulo 2^32
      sums[i] = static_cast<float>(static_cast<int32_t>(sum)) * scale;
    }
  }
}

template <AmxElement kElement>
void MultiplyPanelOf(const AmxProduct& p) {
  // The weights after the last whole tile, filled up with zeros. The rows have zeros there, too, but
  // zero times a bf16 number that is not finite would be NaN.
  alignas(64) std::byte padded[kAmxUnits * kPanelBytes];
  const int64_t rest = p.units % kAmxUnits;
  if (rest != 0) {
    std::memset(padded, 0, sizeof(padded));
    std::memcpy(padded, p.panel + (p.units - rest) * kAmxPanelColumns,
                static_cast<size_t>(rest * kPanelBytes));
  }
  const std::byte* const tail = rest == 0 ? nullptr : padded;
  const bool narrow = p.columns < kAmxPanelColumns;
  for (int64_t row = 0; row < p.rows;) {
    const int64_t rows = std::min(kBlockRows, p.rows - row);
    float* c = p.sums + row * p.sums_stride;
    int64_t stride = p.sums_stride;
    // At the right edge of a tile, the block is computed in a buffer.
    alignas(64) float buffer[kBlockRows * kAmxPanelColumns];
    const auto bytes = static_cast<size_t>(p.columns) * sizeof(float);
    if (narrow) {
      std::memset(buffer, 0, sizeof(buffer));
      for (int64_t i = 0; i < rows && !p.first; ++i)
        std::memcpy(buffer + i * kAmxPanelColumns, c + i * stride, bytes);
      c = buffer;
      stride = kAmxPanelColumns;
    }
    const auto block = rows == kBlockRows ? Block<kElement, true> : Block<kElement, false>;
    block(p, p.left + row * p.left_stride, tail, c, stride);
    if (p.scale != nullptr) Scale(p, row, rows, c, stride);
    for (int64_t i = 0; i < rows && narrow; ++i)
      std::memcpy(p.sums + (row + i) * p.sums_stride, buffer + i * kAmxPanelColumns, bytes);
    row += rows;
  }
}

bool AskForAmx() {
  constexpr unsigned kBF16 = 1u << 22, kTile = 1u << 24, kInt8 = 1u << 25,
                     kAll = kBF16 | kTile | kInt8;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || (edx & kAll) != kAll) return false;
  if (!__builtin_cpu_supports("avx512f")) return false;
  // Linux gives the registers to processes that ask for them, and no others. Headers of Debian 12 lack
  // the names.
  constexpr long kRequestPermission = 0x1023 /* ARCH_REQ_XCOMP_PERM */, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

bool HasAmx() {
  static const bool has = AskForAmx();
  return has;
}

AmxScope::AmxScope() {
  LACOS_CHECK(HasAmx(), "this CPU has AMX");
  static constexpr TileConfiguration kConfiguration;
  asm volatile("ldtilecfg %0" : : "m"(kConfiguration));
}
AmxScope::~AmxScope() { asm volatile("tilerelease"); }

void MultiplyAmxPanel(const AmxProduct& product) {
  LACOS_CHECK(product.rows % kAmxRowGroup == 0, "left rows come in groups");
  if (product.element == AmxElement::kBF16) return MultiplyPanelOf<AmxElement::kBF16>(product);
  MultiplyPanelOf<AmxElement::kInt8>(product);
}

double MeasureInt8Amx() {
  // 0.2 s, because the clock has to rise first
  constexpr int64_t kSteps = 250000, kRuns = 20;
  const AmxScope scope;
  // Large codes: products of zeros draw less power.
  alignas(64) std::byte values[kTileRows * kTileBytes];
  std::fill_n(values, sizeof(values), std::byte{0x5b});
  LACOS_TILE_LOAD(4, values, kTileBytes);
  LACOS_TILE_LOAD(5, values, kTileBytes);
  LACOS_TILE_LOAD(6, values, kTileBytes);
  LACOS_TILE_LOAD(7, values, kTileBytes);
  double best = std::numeric_limits<double>::infinity();
  for (int64_t run = 0; run < kRuns; ++run) {
    LACOS_TILE_ZERO(0);
    LACOS_TILE_ZERO(1);
    LACOS_TILE_ZERO(2);
    LACOS_TILE_ZERO(3);
    const Stopwatch watch;
    for (int64_t k = 0; k < kSteps; ++k) {
      Tiles<AmxElement::kInt8>::AddUpper();
      Tiles<AmxElement::kInt8>::AddLower();
    }
    best = std::min(best, watch.Seconds());
  }
  const auto products = static_cast<double>(kSteps * 4 * kTileRows * kTileColumns * kTileBytes);
  return 2.0 * products / best / 1e9;
}

}  // namespace lacos::cpu

#else

namespace lacos::cpu {

bool HasAmx() { return false; }
AmxScope::AmxScope() { LACOS_CHECK(false, "this CPU has AMX"); }
AmxScope::~AmxScope() = default;
void MultiplyAmxPanel(const AmxProduct&) { LACOS_CHECK(false, "this CPU has AMX"); }
double MeasureInt8Amx() { LACOS_CHECK(false, "this CPU has AMX"); }

}  // namespace lacos::cpu

#endif
