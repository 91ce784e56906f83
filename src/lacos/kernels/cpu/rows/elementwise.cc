#include "lacos/kernels/cpu/rows/elementwise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/hwy_targets.h"
#include "lacos/kernels/cpu/ranges.h"
#include "lacos/tensor/convert.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/rows/elementwise.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/rows/gelu-inl.h"
#include "lacos/kernels/cpu/rows/philox-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

void AddImpl(ConstFloats a, ConstFloats b, int64_t n, Floats y) {
  ForVectors(n, [&](size_t i, auto count) HWY_ATTR {
    Store(hn::Add(Load(a, i, count), Load(b, i, count)), y, i, count);
  });
}

void GeluImpl(ConstFloats u, int64_t n, Floats y) {
  ForVectors(
      n, [&](size_t i, auto count) HWY_ATTR { Store(GeluValue(Load(u, i, count)), y, i, count); });
}

void GeluBackwardImpl(ConstFloats dy, ConstFloats u, int64_t n, Floats du) {
  ForVectors(n, [&](size_t i, auto count) HWY_ATTR {
    Store(hn::Mul(Load(dy, i, count), GeluDerivative(Load(u, i, count))), du, i, count);
  });
}

void ScaleShiftRowImpl(ConstFloats x, ConstFloats gamma, ConstFloats beta, int64_t n, Floats y) {
  ForVectors(n, [&](size_t i, auto count) HWY_ATTR {
    Store(hn::MulAdd(Load(x, i, count), Load(gamma, i, count), Load(beta, i, count)), y, i, count);
  });
}

// Computes one row of n channels.
void DropoutRowImpl(ConstFloats x, uint64_t key, const DropoutMask& mask, int64_t n, Floats y) {
  constexpr int64_t kChunk = 256;
  HWY_ALIGN float factors[kChunk];
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t length = std::min(kChunk, n - begin);
    DropoutFactors(key, mask.site, begin, length, mask.threshold, mask.scale, factors);
    const ConstFloats from = x.At(begin);
    const Floats to = y.At(begin);
    const ConstFloats f = FloatsOf(static_cast<const float*>(factors));
    ForVectors(length, [&](size_t i, auto count) HWY_ATTR {
      Store(hn::Mul(Load(from, i, count), Load(f, i, count)), to, i, count);
    });
  }
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(AddImpl);
HWY_EXPORT(GeluImpl);
HWY_EXPORT(GeluBackwardImpl);
HWY_EXPORT(ScaleShiftRowImpl);
HWY_EXPORT(DropoutRowImpl);

namespace {
constexpr int64_t kGrain = 16384;  // values in a task: about 10 microseconds
}

DropoutMask MaskOf(const DropoutSpec& dropout) {
  if (!dropout.Active()) return {};
  LACOS_CHECK(dropout.rate < 1, "a dropout rate is below 1");
  LACOS_CHECK(dropout.token_keys.dtype == DType::kI64, "token keys are I64");
  const double threshold = std::min(std::ceil(dropout.rate * 0x1p32), 0x1p32 - 1);
  return {reinterpret_cast<const int64_t*>(dropout.token_keys.data), dropout.site,
          static_cast<uint32_t>(threshold), static_cast<float>(1.0 / (1.0 - dropout.rate))};
}

void CopyTensor(View x, View y) {
  LACOS_CHECK(x.Elements() == y.Elements(), "a copy keeps the number of elements");
  if (x.data == y.data && x.dtype == y.dtype) return;
  const auto computed = [](DType t) { return t == DType::kF32 || t == DType::kBF16; };
  RunRanges(x.Elements(), kGrain, [&](int64_t begin, int64_t end) {
    const std::byte* from = x.data + begin * SizeOf(x.dtype);
    std::byte* to = y.data + begin * SizeOf(y.dtype);
    if (x.dtype == y.dtype) {
      std::memcpy(to, from, static_cast<size_t>(end - begin) * SizeOf(x.dtype));
    } else if (computed(x.dtype) && computed(y.dtype)) {
      ConvertFloats({from, x.dtype == DType::kBF16}, end - begin, {to, y.dtype == DType::kBF16});
    } else {
      std::vector<float> values(static_cast<size_t>(end - begin));
      LACOS_CHECK(DecodeToFloat(x.dtype, from, values.size(), values.data()),
                  "a copy converts floating types");
      LACOS_CHECK(EncodeFromFloat(y.dtype, values.data(), values.size(), to),
                  "a copy converts floating types");
    }
  });
}

namespace {

template <class T>
void FillWith(View y, T value) {
  auto* data = reinterpret_cast<T*>(y.data);
  RunRanges(y.Elements(), kGrain * 4,
            [&](int64_t begin, int64_t end) { std::fill(data + begin, data + end, value); });
}

}  // namespace

void FillTensor(View y, double value) {
  switch (y.dtype) {
    case DType::kF32:
      return FillWith(y, static_cast<float>(value));
    case DType::kBF16:
      return FillWith(y, FloatToBF16(static_cast<float>(value)));
    case DType::kF16:
      return FillWith(y, FloatToF16(static_cast<float>(value)));
    case DType::kF64:
      return FillWith(y, value);
    case DType::kI8:
      return FillWith(y, static_cast<int8_t>(value));
    case DType::kU8:
      return FillWith(y, static_cast<uint8_t>(value));
    case DType::kI32:
      return FillWith(y, static_cast<int32_t>(value));
    case DType::kI64:
      return FillWith(y, static_cast<int64_t>(value));
    case DType::kC128:
      break;
  }
  LACOS_CHECK(false, "the CPU backend has no complex tensors");
}

void Add(View a, View b, View y) {
  LACOS_CHECK(a.Elements() == y.Elements() && b.Elements() == y.Elements(),
              "tensors of one size are added");
  const ConstFloats fa = FloatsOf(a), fb = FloatsOf(b);
  const Floats fy = FloatsOf(y);
  RunRanges(y.Elements(), kGrain, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(AddImpl)(fa.At(begin), fb.At(begin), end - begin, fy.At(begin));
  });
}

void Gelu(View u, View y) {
  const ConstFloats fu = FloatsOf(u);
  const Floats fy = FloatsOf(y);
  RunRanges(y.Elements(), kGrain, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(GeluImpl)(fu.At(begin), end - begin, fy.At(begin));
  });
}

void GeluBackward(View dy, View u, View du) {
  const ConstFloats fdy = FloatsOf(dy), fu = FloatsOf(u);
  const Floats fdu = FloatsOf(du);
  RunRanges(du.Elements(), kGrain, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(GeluBackwardImpl)(fdy.At(begin), fu.At(begin), end - begin, fdu.At(begin));
  });
}

void ScaleShift(View xhat, View gamma, View beta, View y) {
  const int64_t cols = y.cols();
  const ConstFloats fx = FloatsOf(xhat), fg = FloatsOf(gamma), fb = FloatsOf(beta);
  const Floats fy = FloatsOf(y);
  RunRanges(y.rows(), RowGrain(cols), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      HWY_DYNAMIC_DISPATCH(ScaleShiftRowImpl)(fx.At(t * cols), fg, fb, cols, fy.At(t * cols));
    }
  });
}

void Dropout(View x, const DropoutSpec& dropout, View y) {
  const DropoutMask mask = MaskOf(dropout);
  if (!mask) return CopyTensor(x, y);
  const int64_t cols = x.cols();
  const ConstFloats fx = FloatsOf(x);
  const Floats fy = FloatsOf(y);
  RunRanges(x.rows(), RowGrain(cols), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      HWY_DYNAMIC_DISPATCH(DropoutRowImpl)
      (fx.At(t * cols), static_cast<uint64_t>(mask.token_keys[t]), mask, cols, fy.At(t * cols));
    }
  });
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
