// Typed access to tensors for the ops of the reference backend, with checks of their arguments.
#pragma once

#include <vector>

#include "lacos/base/check.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/reference/attention.h"
#include "lacos/kernels/reference/scalar.h"
#include "lacos/tensor/convert.h"

namespace lacos::ref {

// A typed pointer to a tensor, or null if it is absent.
template <class S>
S* Data(View x) {
  if (!x) return nullptr;
  LACOS_CHECK(x.dtype == TypeOf<S>(), "the reference backend's tensors have its own type");
  return reinterpret_cast<S*>(x.data);
}

// A typed pointer to rows [begin, end) of a tensor, or null if it is absent.
template <class S>
S* RowsOf(View x, int64_t begin, int64_t end) {
  return x ? Data<S>(x.Rows(begin, end)) : nullptr;
}

inline const int32_t* Ints(View x) {
  LACOS_CHECK(!x || x.dtype == DType::kI32, "an I32 tensor");
  return reinterpret_cast<const int32_t*>(x.data);
}

inline void CheckSame(View a, View b) {
  LACOS_CHECK(a.Elements() == b.Elements(), "tensors of one shape");
}

inline void CheckLeaves(const TokenLeaves& leaves, int64_t rows) {
  LACOS_CHECK(leaves.Count() >= 0 && leaves.begin.front() == 0 && leaves.begin.back() == rows,
              "leaves cover all rows");
}

inline AttentionDropout DropoutOfText(const DropoutSpec& dropout, int64_t first_token) {
  if (!dropout.Active()) return {};
  LACOS_CHECK(dropout.token_keys.dtype == DType::kI64, "token keys are I64");
  return {reinterpret_cast<const int64_t*>(dropout.token_keys.data) + first_token, dropout.site,
          dropout.rate};
}

// Value i of a tensor of any floating type.
inline Complex Load(View x, int64_t i) {
  const std::byte* at = x.data + static_cast<size_t>(i) * SizeOf(x.dtype);
  if (x.dtype == DType::kC128) return *reinterpret_cast<const Complex*>(at);
  if (x.dtype == DType::kF64) return *reinterpret_cast<const double*>(at);
  float value = 0;
  LACOS_CHECK(DecodeToFloat(x.dtype, at, 1, &value), "a floating type");
  return value;
}

inline void Store(const Complex& value, View y, int64_t i) {
  std::byte* at = y.data + static_cast<size_t>(i) * SizeOf(y.dtype);
  if (y.dtype == DType::kC128) {
    *reinterpret_cast<Complex*>(at) = value;
  } else if (y.dtype == DType::kF64) {
    *reinterpret_cast<double*>(at) = value.real();
  } else {
    const auto narrow = static_cast<float>(value.real());
    LACOS_CHECK(EncodeFromFloat(y.dtype, &narrow, 1, at), "a floating type");
  }
}

template <class S>
std::vector<float> ToFloats(View x) {
  const S* values = Data<S>(x);
  std::vector<float> floats(static_cast<size_t>(x.Elements()));
  for (size_t i = 0; i < floats.size(); ++i) floats[i] = static_cast<float>(Real(values[i]));
  return floats;
}

}  // namespace lacos::ref
