#include "lacos/kernels/cpu/linear/row_tiles.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "lacos/kernels/cpu/tasks.h"
#include "lacos/tensor/convert.h"

namespace lacos::cpu {
namespace {

template <class Sum = float>
std::vector<Sum> Multiply(PrimitiveCache& cache, const ProductShape& shape, const void* a,
                          const void* b) {
  std::vector<Sum> c(static_cast<size_t>(shape.m * shape.n));
  const SingleThreadScope single;
  const Product& product = cache.Get(shape);
  std::vector<std::byte> scratchpad(product.ScratchpadBytes() + 64);
  product.Run(a, b, c.data(), scratchpad.data());
  return c;
}

// Values of about unit size that are no round numbers, the same on every run.
std::vector<float> Sample(size_t count, uint32_t state) {
  std::vector<float> values(count);
  for (float& v : values) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<float>(state >> 8) / 0x1p23f - 1.0f;
  }
  return values;
}

// Rows of tiles of every multiple of 12 that is tried equal those of the largest tile, wherever
// they stand.
bool MultiplesOf12Agree(PrimitiveCache& cache, int64_t rows) {
  constexpr int64_t kDepth = 520, kColumns = 72;
  const std::vector<float> a = Sample(static_cast<size_t>(rows * kDepth), 1);
  const std::vector<float> b = Sample(static_cast<size_t>(kDepth * kColumns), 2);
  for (const bool transposed : {true, false}) {
    ProductShape shape{rows, kColumns, kDepth, transposed ? kDepth : kColumns, transposed};
    const std::vector<float> whole = Multiply(cache, shape, a.data(), b.data());
    for (const int64_t m : {12, 36, 84, 96, 132}) {
      shape.m = m;
      const int64_t first = rows - m - 7;  // off the tile's own grid
      const std::vector<float> part = Multiply(cache, shape, a.data() + first * kDepth, b.data());
      if (std::memcmp(part.data(), whole.data() + first * kColumns, part.size() * sizeof(float)) !=
          0)
        return false;
    }
  }
  return true;
}

}  // namespace

RowTiles ChooseRowTiles(PrimitiveCache& cache, ProductElement element,
                        std::string& implementation) {
  constexpr int64_t kRows =
      192;  // 96 rows were 4 % slower (oneDNN packs the weights once a tile), 288 no faster (Zen 3)
  implementation = cache.Get({kRows, 256, 512, 512, true, element}).Implementation();
  // not examined: treated as unknown
  const bool amx = implementation.find("amx") != std::string::npos;
  if (implementation.starts_with("brg:avx512") && !amx) return {256, 16};
  if (element == ProductElement::kF32 && implementation.starts_with("gemm:") &&
      MultiplesOf12Agree(cache, kRows))
    return {kRows, 12};
  return {96, 96};
}

namespace {

// Whether sums of 128 products of integers up to 127 come out exactly in both orientations; such
// integers are exact in bf16 and their sums in f32. `from` makes an element, `to` reads a sum.
template <class Element, class Sum>
bool IntegersComeOutExact(PrimitiveCache& cache, ProductElement element, Element (*from)(int)) {
  constexpr int64_t kRows = 32, kDepth = 128, kColumns = 48;
  const auto value = [](int64_t i) {
    // many of the largest
    return i % 3 == 0 ? 127 : static_cast<int>((i * 37 + i / 5) % 255) - 127;
  };
  std::vector<Element> a(kRows * kDepth), b(kColumns * kDepth);
  for (size_t i = 0; i < a.size(); ++i) a[i] = from(value(static_cast<int64_t>(i)));
  for (size_t i = 0; i < b.size(); ++i) b[i] = from(value(static_cast<int64_t>(i) + 11));
  for (const bool transposed : {true, false}) {
    const ProductShape shape{kRows,      kColumns, kDepth, transposed ? kDepth : kColumns,
                             transposed, element};
    const std::vector<Sum> c = Multiply<Sum>(cache, shape, a.data(), b.data());
    for (int64_t i = 0; i < kRows; ++i) {
      for (int64_t j = 0; j < kColumns; ++j) {
        int64_t exact = 0;
        for (int64_t k = 0; k < kDepth; ++k) {
          exact +=
              value(i * kDepth + k) * value((transposed ? j * kDepth + k : k * kColumns + j) + 11);
        }
        if (c[i * kColumns + j] != static_cast<Sum>(exact)) return false;
      }
    }
  }
  return true;
}

}  // namespace

bool NativeBF16Works(PrimitiveCache& cache) {
  constexpr ProductElement kElement = ProductElement::kBF16;
  return cache.ImplementationOf({32, 48, 128, 128, true, kElement})
             .starts_with("brg:avx512_core_bf16") &&
         IntegersComeOutExact<uint16_t, float>(
             cache, kElement, [](int value) { return FloatToBF16(static_cast<float>(value)); });
}

bool NativeInt8Works(PrimitiveCache& cache) {
  constexpr ProductElement kElement = ProductElement::kS8;
  return cache.ImplementationOf({32, 48, 128, 128, true, kElement}).starts_with("brg:") &&
         IntegersComeOutExact<int8_t, int32_t>(
             cache, kElement, [](int value) { return static_cast<int8_t>(value); });
}

}  // namespace lacos::cpu
