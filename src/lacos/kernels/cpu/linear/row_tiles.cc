#include "lacos/kernels/cpu/linear/row_tiles.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "lacos/kernels/cpu/int8/int8_panels.h"
#include "lacos/tensor/convert.h"

namespace lacos::cpu {
namespace {

// The product is dropped at once: no later one has its shape, and oneDNN reserves megabytes of
// address space for each, which count where private memory is limited (`ulimit -d`).
template <class Sum = float>
std::vector<Sum> Multiply(const ProductShape& shape, const void* a, const void* b) {
  std::vector<Sum> c(static_cast<size_t>(shape.m * shape.n));
  PrimitiveCache cache;
  const Product& product = cache.Get(shape);
  std::vector<std::byte> scratchpad(product.ScratchpadBytes() + 64);
  product.Run(a, b, c.data(), scratchpad.data());
  return c;
}

// Values of about unit size with many significant bits, the same in every run.
std::vector<float> Sample(size_t count, uint32_t state) {
  std::vector<float> values(count);
  for (float& v : values) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<float>(state >> 8) / 0x1p23f - 1.0f;
  }
  return values;
}

std::vector<uint16_t> Rounded(const std::vector<float>& values) {
  std::vector<uint16_t> rounded;
  rounded.reserve(values.size());
  for (const float v : values) rounded.push_back(FloatToBF16(v));
  return rounded;
}

// Whether the rows of smaller tiles equal those of a whole tile, wherever they are.
bool RowsAgree(ProductElement element, const RowTiles& tiles, int64_t depth) {
  constexpr int64_t kColumns = 72;
  const std::vector<float> a = Sample(static_cast<size_t>(tiles.rows * depth), 1);
  const std::vector<float> b = Sample(static_cast<size_t>(depth * kColumns), 2);
  const bool bf16 = element == ProductElement::kBF16;
  const std::vector<uint16_t> a16 = bf16 ? Rounded(a) : std::vector<uint16_t>{};
  const std::vector<uint16_t> b16 = bf16 ? Rounded(b) : std::vector<uint16_t>{};
  const auto run = [&](const ProductShape& shape, int64_t first_row) {
    const int64_t first = first_row * depth;
    return bf16 ? Multiply(shape, a16.data() + first, b16.data())
                : Multiply(shape, a.data() + first, b.data());
  };
  for (const bool transposed : {true, false}) {
    ProductShape shape{tiles.rows, kColumns, depth, transposed ? depth : kColumns,
                       transposed, element};
    const std::vector<float> whole = run(shape, 0);
    for (const int64_t multiple : {1, 3, 7, 8, 11}) {
      shape.m = multiple * tiles.granularity;
      const int64_t first = tiles.rows - shape.m - 7;  // not a multiple of the granularity
      const std::vector<float> part = run(shape, first);
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
  // 96 rows were 4 % slower (oneDNN packs the weights once per tile); 288 were no faster (Zen 3).
  constexpr int64_t kRows = 192;
  implementation = cache.Get({kRows, 256, 512, 512, true, element}).Implementation();
  constexpr RowTiles kBrgemm{.rows = 256, .granularity = 16, .dense = true};
  constexpr RowTiles kGemm{.rows = kRows, .granularity = 12};
  const Implementation found = DescribeImplementation(implementation);
  // AMX has not been examined, so it is treated as unknown.
  const bool brgemm = found.kind == ImplementationKind::kBrgemm && !found.Amx();
  const bool integers = element == ProductElement::kS8;  // integer sums are exact
  // The two depths lie on both sides of 1024, up to which brgemm does not split its sums.
  if (brgemm &&
      (integers || (RowsAgree(element, kBrgemm, 520) && RowsAgree(element, kBrgemm, 2080))))
    return kBrgemm;
  if (element == ProductElement::kF32 && found.kind == ImplementationKind::kGemm &&
      RowsAgree(element, kGemm, 520))
    return kGemm;
  return {};
}

namespace {

// Whether sums of 128 products of integers up to 127 come out exactly in both orientations. Such
// integers are exact in bf16 and their sums in f32. `from` converts an integer to an element.
template <class Element, class Sum>
bool IntegersComeOutExact(ProductElement element, Element (*from)(int)) {
  constexpr int64_t kRows = 32, kDepth = 128, kColumns = 48;
  const auto value = [](int64_t i) {
    // A third of the values is 127, so that 16-bit sums of pairs would saturate.
    return i % 3 == 0 ? 127 : static_cast<int>((i * 37 + i / 5) % 255) - 127;
  };
  constexpr int64_t kGap = 16;  // other kernels may multiply weights with gaps between their rows
  std::vector<Element> a(kRows * kDepth), b((kColumns + kGap) * (kDepth + kGap));
  for (size_t i = 0; i < a.size(); ++i) a[i] = from(value(static_cast<int64_t>(i)));
  for (size_t i = 0; i < b.size(); ++i) b[i] = from(value(static_cast<int64_t>(i) + 11));
  for (const bool transposed : {true, false}) {
    for (const int64_t gap : {int64_t{0}, kGap}) {
      const int64_t stride = (transposed ? kDepth : kColumns) + gap;
      const ProductShape shape{kRows, kColumns, kDepth, stride, transposed, element};
      const std::vector<Sum> c = Multiply<Sum>(shape, a.data(), b.data());
      for (int64_t i = 0; i < kRows; ++i) {
        for (int64_t j = 0; j < kColumns; ++j) {
          int64_t exact = 0;
          for (int64_t k = 0; k < kDepth; ++k) {
            const int64_t at = transposed ? j * stride + k : k * stride + j;
            exact += value(i * kDepth + k) * value(at + 11);
          }
          if (c[i * kColumns + j] != static_cast<Sum>(exact)) return false;
        }
      }
    }
  }
  return true;
}

}  // namespace

bool NativeBF16Works(PrimitiveCache& cache) {
  constexpr ProductElement kElement = ProductElement::kBF16;
  const std::string name = cache.ImplementationOf({32, 48, 128, 128, true, kElement});
  const Implementation found = DescribeImplementation(name);
  return found.kind == ImplementationKind::kBrgemm && found.isa == "avx512_core_bf16" &&
         IntegersComeOutExact<uint16_t, float>(
             kElement, [](int value) { return FloatToBF16(static_cast<float>(value)); });
}

bool NativeInt8Works(PrimitiveCache& cache) {
  constexpr ProductElement kElement = ProductElement::kS8;
  const std::string name = cache.ImplementationOf({32, 48, 128, 128, true, kElement});
  return DescribeImplementation(name).kind == ImplementationKind::kBrgemm &&
         IntegersComeOutExact<int8_t, int32_t>(
             kElement, [](int value) { return static_cast<int8_t>(value); });
}

bool Int8QuadsAllowed() {
  const std::string isa = OneDnnIsa();
  return HasInt8Panels() && (isa == "AVX2 VNNI" || isa.starts_with("AVX-512 "));
}

}  // namespace lacos::cpu
