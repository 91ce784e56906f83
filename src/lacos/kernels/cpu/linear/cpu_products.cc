#include "lacos/kernels/cpu/linear/cpu_products.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lacos/kernels/cpu/int8/int8_panels.h"
#include "lacos/kernels/cpu/linear/float_panels.h"

namespace lacos::cpu {
namespace {

// The product is dropped at once: no later one has its shape, and oneDNN reserves megabytes of
// address space for each, which count where private memory is limited (`ulimit -d`).
std::vector<int32_t> Multiply(const ProductShape& shape, const void* a, const void* b) {
  std::vector<int32_t> c(static_cast<size_t>(shape.m * shape.n));
  PrimitiveCache cache;
  const Product& product = cache.Get(shape);
  std::vector<std::byte> scratchpad(product.ScratchpadBytes() + 64);
  product.Run(a, b, c.data(), scratchpad.data());
  return c;
}

// Whether sums of 128 products of integers up to 127 come out exactly in both orientations.
bool IntegersComeOutExact() {
  constexpr int64_t kRows = 32, kDepth = 128, kColumns = 48;
  const auto value = [](int64_t i) {
    // A third of the values is 127, so that 16-bit sums of pairs would saturate.
    return i % 3 == 0 ? 127 : static_cast<int>((i * 37 + i / 5) % 255) - 127;
  };
  constexpr int64_t kGap = 16;  // other kernels may multiply weights with gaps between their rows
  std::vector<int8_t> a(kRows * kDepth), b((kColumns + kGap) * (kDepth + kGap));
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<int8_t>(value(static_cast<int64_t>(i)));
  for (size_t i = 0; i < b.size(); ++i)
    b[i] = static_cast<int8_t>(value(static_cast<int64_t>(i) + 11));
  for (const bool transposed : {true, false}) {
    for (const int64_t gap : {int64_t{0}, kGap}) {
      const int64_t stride = (transposed ? kDepth : kColumns) + gap;
      const ProductShape shape{kRows, kColumns, kDepth, stride, transposed};
      const std::vector<int32_t> c = Multiply(shape, a.data(), b.data());
      for (int64_t i = 0; i < kRows; ++i) {
        for (int64_t j = 0; j < kColumns; ++j) {
          int64_t exact = 0;
          for (int64_t k = 0; k < kDepth; ++k) {
            const int64_t at = transposed ? j * stride + k : k * stride + j;
            exact += value(i * kDepth + k) * value(at + 11);
          }
          if (c[i * kColumns + j] != exact) return false;
        }
      }
    }
  }
  return true;
}

// The instruction set without the version of oneDNN before it.
bool IsaIs(std::string_view name) { return OneDnnIsa().ends_with(name); }
bool IsaHasPart(std::string_view part) { return OneDnnIsa().find(part) != std::string::npos; }

}  // namespace

bool NativeInt8Works(PrimitiveCache& cache) {
  const std::string name = cache.ImplementationOf({32, 48, 128, 128, true});
  return DescribeImplementation(name).kind == ImplementationKind::kBrgemm && IntegersComeOutExact();
}

// Sets later than those that oneDNN 2.6 knows have "instruction set" and a number as their names.
bool Int8QuadsAllowed() {
  return HasInt8Panels() &&
         (IsaIs("AVX2 VNNI") || IsaHasPart("AVX-512 ") || IsaHasPart("instruction set"));
}

bool BF16PairsAllowed() {
  return HasFloatPanels(PanelElement::kBF16) &&
         (IsaIs("AVX-512 BF16") || IsaIs("AVX-512 AMX") || IsaHasPart("instruction set"));
}

}  // namespace lacos::cpu
