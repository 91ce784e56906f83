#include "lacos/kernels/cpu/int8/int8_quads.h"

#include <algorithm>
#include <cstring>

#include "lacos/base/check.h"
#include "lacos/kernels/cpu/int8/int8_rows.h"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 warns of uninitialized values inside its own intrinsics (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
// Highway 1.0.3 does not offer vpdpbusd, so these functions name their instruction sets themselves.
#define LACOS_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#endif

namespace lacos::cpu {

namespace {

// Depth that one pass covers: 12 left rows (24 KB) stay in the first-level cache.
constexpr int64_t kPass = 2048;
// With this many columns, the codes (256 KB at depth 4096) stay in the second-level cache.
constexpr int64_t kColumns = 64;

}  // namespace

float QuantizeInt8QuadRow(ConstFloats x, int64_t n, uint8_t* codes) {
  auto* const plain = reinterpret_cast<int8_t*>(codes);
  const float scale = QuantizeInt8Row(x, nullptr, n, plain);
  for (int64_t i = 0; i < n; ++i) codes[i] = static_cast<uint8_t>(plain[i] ^ -128);  // adds 128
  std::memset(codes + n, 0, static_cast<size_t>(Int8QuadStride(n) - n));
  return scale;
}

#if defined(__x86_64__)

bool HasInt8Quads() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512vnni");
  return has;
}

namespace {

LACOS_VNNI inline __m512i AddHalves32(__m512i x, __m512i y) {
  return _mm512_add_epi32(_mm512_unpacklo_epi32(x, y), _mm512_unpackhi_epi32(x, y));
}

// Block i of the result holds the contributions of the i-th blocks of 128 bits to the sums of x, y,
// z and w, in this order.
LACOS_VNNI inline __m512i SumFour(__m512i x, __m512i y, __m512i z, __m512i w) {
  const __m512i a = AddHalves32(x, y), b = AddHalves32(z, w);
  return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

// Block i of the result is the sum of the four blocks of the i-th argument.
LACOS_VNNI inline __m512i SumBlocks(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i p =
      _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xEE));
  const __m512i q =
      _mm512_add_epi32(_mm512_shuffle_i32x4(c, d, 0x44), _mm512_shuffle_i32x4(c, d, 0xEE));
  return _mm512_add_epi32(_mm512_shuffle_i32x4(p, q, 0x88), _mm512_shuffle_i32x4(p, q, 0xDD));
}

// Adds four products of `left` (unsigned) and `right` (signed) to each lane of `sums`. This is
// _mm512_dpbusd_epi32, written as assembly because g++ 12 copies every sum twice around that
// intrinsic in a loop.
LACOS_VNNI inline void AddQuads(__m512i& sums, __m512i left, __m512i right) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(left), "v"(right));
}

// The integer sums of kRows left rows with the codes of one column, in the first kRows lanes. The
// other lanes are unspecified.
template <int kRows>
LACOS_VNNI inline __m512i QuadSums(int64_t depth, const uint8_t* a, int64_t a_stride,
                                   const int8_t* b) {
  const __m512i zero = _mm512_setzero_si512(), ones = _mm512_set1_epi8(1);
  __m512i s[12], codes_sum = zero;
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) s[i] = zero;
  for (int64_t k = 0; k < depth; k += 64) {
    // Codes after the end of the row are read as zeros, whatever the left row holds there.
    const __m512i w = k + 64 <= depth
                          ? _mm512_loadu_si512(b + k)
                          : _mm512_maskz_loadu_epi8(~uint64_t{0} >> (64 - (depth - k)), b + k);
    AddQuads(codes_sum, ones, w);
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) AddQuads(s[i], _mm512_loadu_si512(a + i * a_stride + k), w);
  }
  const __m512i sums = SumBlocks(
      SumFour(s[0], s[1], s[2], s[3]), kRows > 4 ? SumFour(s[4], s[5], s[6], s[7]) : zero,
      kRows > 8 ? SumFour(s[8], s[9], s[10], s[11]) : zero, SumFour(codes_sum, zero, zero, zero));
  const __m512i all_codes = _mm512_permutexvar_epi32(_mm512_set1_epi32(12), sums);
  return _mm512_sub_epi32(sums, _mm512_slli_epi32(all_codes, 7));
}

// Computes kRows rows of the product with some columns, over one pass of the depth. Between passes
// `sums` holds integers; only the last pass has a `scale`.
template <int kRows>
LACOS_VNNI void QuadRows(const uint8_t* a, int64_t a_stride, const float* scale,
                         const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                         bool first, float* sums, int64_t sums_stride) {
  constexpr __mmask16 kMask = (1U << kRows) - 1;
  for (int64_t column = 0; column < columns; ++column) {
    const int8_t* b = codes + column * stride;
    // Codes come from memory in pieces that are too short for the CPU's own prefetcher, so the row
    // after the next one is prefetched here.
    const int8_t* ahead = b + (column + 2 < columns ? 2 : 0) * stride;
    for (int64_t k = 0; k < depth; k += 64) _mm_prefetch(ahead + k, _MM_HINT_T0);
    __m512i total = QuadSums<kRows>(depth, a, a_stride, b);
    alignas(64) int32_t lanes[16];
    if (!first) {
      for (int i = 0; i < kRows; ++i)
        std::memcpy(lanes + i, sums + i * sums_stride + column, sizeof(*lanes));
      total = _mm512_add_epi32(total, _mm512_maskz_load_epi32(kMask, lanes));
    }
    if (scale != nullptr) {
      total = _mm512_castps_si512(
          _mm512_mul_ps(_mm512_cvtepi32_ps(total), _mm512_maskz_loadu_ps(kMask, scale)));
    }
    _mm512_store_si512(lanes, total);
    for (int i = 0; i < kRows; ++i)
      std::memcpy(sums + i * sums_stride + column, lanes + i, sizeof(*lanes));
  }
}

}  // namespace

void Int8QuadProduct(const uint8_t* left, const float* row_scale, int64_t rows, const int8_t* codes,
                     int64_t stride, int64_t columns, int64_t depth, float* sums) {
  LACOS_CHECK(rows % kInt8QuadGroup == 0, "left rows come in groups");
  const int64_t left_stride = Int8QuadStride(depth);
  for (int64_t column = 0; column < columns; column += kColumns) {
    const int64_t some_columns = std::min(kColumns, columns - column);
    for (int64_t pass = 0; pass < depth; pass += kPass) {
      const int64_t some = std::min(kPass, depth - pass);
      for (int64_t row = 0; row < rows;) {
        const int64_t count = std::min<int64_t>(12, rows - row);
        const auto run = count == 12 ? QuadRows<12> : count == 8 ? QuadRows<8> : QuadRows<4>;
        run(left + row * left_stride + pass, left_stride,
            pass + some == depth ? row_scale + row : nullptr, codes + column * stride + pass,
            stride, some_columns, some, pass == 0, sums + row * columns + column, columns);
        row += count;
      }
    }
  }
}

#else

bool HasInt8Quads() { return false; }
void Int8QuadProduct(const uint8_t*, const float*, int64_t, const int8_t*, int64_t, int64_t,
                     int64_t, float*) {
  LACOS_CHECK(false, "this CPU has 8-bit dot products");
}

#endif

}  // namespace lacos::cpu
