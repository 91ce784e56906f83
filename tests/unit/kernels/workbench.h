// A bench for tests that makes, fills and reads tensors of one backend, with the same pseudo-random
// values on every backend.
#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "lacos/quant/code.h"
#include "lacos/tensor/convert.h"

namespace lacos::testing {

// The role of a tensor, which decides its type on a backend.
enum class Role { kActivation, kResidual, kGradient, kParameter, kStatistic };

inline DType TypeOfRole(const TypeSet& types, Role role) {
  switch (role) {
    case Role::kActivation:
      return types.activation;
    case Role::kResidual:
      return types.residual;
    case Role::kGradient:
      return types.gradient;
    case Role::kParameter:
      return types.parameter;
    case Role::kStatistic:
      return types.statistic;
  }
  return types.statistic;
}

inline Transpose TransposeIf(bool transposed) {
  return transposed ? Transpose::kYes : Transpose::kNo;
}

inline std::vector<float> NormalValues(int64_t n, uint64_t seed, double scale = 1) {
  Random random(seed, RandomStream::kWeights, 99);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& v : values) v = static_cast<float>(scale * random.Normal());
  return values;
}

// The relative spacing of a type. Rounding to the type changes a number by at most half of it.
inline double Epsilon(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 0x1p-23;
    case DType::kBF16:
      return 0x1p-7;
    case DType::kF16:
      return 0x1p-10;
    default:
      return 0x1p-52;
  }
}

// A frozen matrix with its own memory, in any stored format.
class HostMatrix {
 public:
  static constexpr int64_t kRow = 0;  // one block for each row

  HostMatrix(int64_t rows, int64_t cols, QuantScheme scheme, int64_t block_size, uint64_t seed)
      : values_(NormalValues(rows * cols, seed, 0.3)) {
    matrix_ = {.name = "test", .rows = rows, .cols = cols, .scheme = scheme};
    matrix_.block_size = block_size == kRow ? cols : block_size;
    if (scheme == QuantScheme::kNone) {
      matrix_.codes = reinterpret_cast<const std::byte*>(values_.data());
      return;
    }
    matrix_.dtype = scheme == QuantScheme::kLinear ? DType::kI8 : DType::kU8;
    codes_.resize(values_.size());
    absmax_.resize((values_.size() + matrix_.block_size - 1) / matrix_.block_size);
    if (scheme == QuantScheme::kLinear) {
      EncodeLinear(values_, matrix_.block_size, reinterpret_cast<int8_t*>(codes_.data()),
                   absmax_.data());
    } else {
      matrix_.code_map = DynamicMap(true).data();
      EncodeDynamic(values_, matrix_.block_size, DynamicMap(true), codes_.data(), absmax_.data());
    }
    matrix_.codes = reinterpret_cast<const std::byte*>(codes_.data());
    matrix_.absmax = absmax_.data();
  }
  HostMatrix(const HostMatrix&) = delete;
  HostMatrix& operator=(const HostMatrix&) = delete;

  const QuantizedMatrix& matrix() const { return matrix_; }
  // The values of the codes, or with `absolute` their magnitudes.
  std::vector<float> Decoded(bool absolute = false) const {
    std::vector<float> decoded(values_.size());
    Decode(matrix_, 0, static_cast<int64_t>(decoded.size()), decoded.data());
    if (absolute) {
      for (float& v : decoded) v = std::abs(v);
    }
    return decoded;
  }

 private:
  std::vector<float> values_;
  std::vector<uint8_t> codes_;
  std::vector<float> absmax_;
  QuantizedMatrix matrix_;
};

class Workbench {
 public:
  // Inputs are first rounded to the types of `rounding`, so that two backends get equal numbers.
  Workbench(std::unique_ptr<Backend> backend, const TypeSet& rounding)
      : backend_(std::move(backend)), types_(backend_->Types()), rounding_(rounding) {}
  explicit Workbench(std::unique_ptr<Backend> backend) : Workbench(std::move(backend), TypeSet{}) {
    rounding_ = types_;
  }

  Backend& backend() { return *backend_; }
  const TypeSet& types() const { return types_; }

  // With absolute inputs a linear op computes the sum of magnitudes, which its error bound needs.
  void UseAbsoluteInputs(bool absolute) { absolute_ = absolute; }
  bool UsesAbsoluteInputs() const { return absolute_; }

  // Makes a tensor of zeros.
  TensorView Make(DType dtype, const Shape& shape) {
    TensorView view{.data = nullptr, .dtype = dtype, .shape = shape};
    buffers_.push_back(backend_->Allocate(view.Bytes() > 0 ? view.Bytes() : 64));
    view.data = buffers_.back().data();
    return view;
  }
  GradientSum MakeSum(const Shape& shape) { return NewGradientSum(*backend_, shape, buffers_); }
  TensorView Make(Role role, const Shape& shape) { return Make(TypeOfRole(types_, role), shape); }
  TensorView From(Role role, const Shape& shape, std::span<const float> values) {
    const TensorView view = Make(role, shape);
    std::vector<float> rounded(values.begin(), values.end());
    if (TypeOfRole(rounding_, role) == DType::kBF16) {
      for (float& v : rounded) v = RoundToBF16(v);
    }
    if (absolute_) {
      for (float& v : rounded) v = std::abs(v);
    }
    UploadFloats(*backend_, rounded, view);
    return view;
  }
  TensorView Normal(Role role, const Shape& shape, uint64_t seed, double scale = 1) {
    return From(role, shape, NormalValues(shape.Elements(), seed, scale));
  }
  TensorView Ints(DType dtype, const std::vector<int32_t>& values) {
    const TensorView view = Make(dtype, {static_cast<int64_t>(values.size())});
    UploadInts(*backend_, values, view);
    return view;
  }
  // Layouts and token ids. The bench keeps their numbers on the host as long as it exists.
  TextLayout Layout(const std::vector<int32_t>& offsets) {
    host_ints_.push_back(offsets);
    return MakeTextLayout(*backend_, host_ints_.back(),
                          Make(DType::kI32, {static_cast<int64_t>(offsets.size())}));
  }
  TokenIds Ids(const std::vector<int32_t>& ids) {
    host_ints_.push_back(ids);
    return MakeTokenIds(*backend_, host_ints_.back(),
                        Make(DType::kI32, {static_cast<int64_t>(ids.size())}));
  }
  TensorView Keys(int64_t tokens, uint64_t seed) {
    std::vector<int64_t> keys(static_cast<size_t>(tokens));
    for (int64_t t = 0; t < tokens; ++t)
      keys[t] = static_cast<int64_t>(Mix64(seed, static_cast<uint64_t>(t)));
    const TensorView view = Make(DType::kI64, {tokens});
    backend_->Upload(std::as_bytes(std::span<const int64_t>(keys)), view);
    return view;
  }

  // Returns the value of a sum in the parameter type.
  TensorView Gradient(const GradientSum& sum) {
    const TensorView y = Make(Role::kParameter, sum.fine.shape);
    backend_->ReadGradient(sum, y);
    return y;
  }
  std::vector<double> Read(const TensorView& x) { return DownloadDoubles(*backend_, x); }
  std::vector<std::byte> Bytes(const TensorView& x) {
    std::vector<std::byte> bytes(x.Bytes());
    backend_->Download(x, bytes);
    return bytes;
  }
  std::vector<int32_t> ReadInts(const TensorView& x) {
    std::vector<int32_t> values(static_cast<size_t>(x.Elements()));
    backend_->Download(x, std::as_writable_bytes(std::span(values)));
    return values;
  }

 private:
  std::unique_ptr<Backend> backend_;
  TypeSet types_;
  TypeSet rounding_;
  bool absolute_ = false;
  std::vector<Buffer> buffers_;
  std::deque<std::vector<int32_t>> host_ints_;
};

inline double MaxAbs(std::span<const double> values) {
  double largest = 0;
  for (const double v : values) largest = std::max(largest, std::abs(v));
  return largest;
}

}  // namespace lacos::testing
