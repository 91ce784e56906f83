// Non-owning tensors: a pointer into a backend's memory, an element type and a shape. The values
// are contiguous and in row-major order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "lacos/base/check.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

// A list of up to four dimensions. An absent tensor has a Shape without dimensions.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    LACOS_CHECK(dims.size() <= 4, "a shape has at most four dimensions");
    for (const int64_t d : dims) dims_[rank_++] = d;
  }
  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[i]; }
  int64_t Elements() const {
    int64_t n = rank_ > 0 ? 1 : 0;
    for (int i = 0; i < rank_; ++i) n *= dims_[i];
    return n;
  }
  bool operator==(const Shape&) const = default;

 private:
  std::array<int64_t, 4> dims_{};
  int rank_ = 0;
};

// Opaque outside kernels/: host code passes views around and takes row slices, but never reads
// through `data` (it may be an address on an accelerator). A default-constructed view means
// "absent".
struct TensorView {
  std::byte* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  explicit operator bool() const { return data != nullptr; }
  int64_t rows() const { return shape[0]; }
  int64_t cols() const {
    return shape.rank() < 2 ? 1 : shape.Elements() / (shape[0] > 0 ? shape[0] : 1);
  }
  int64_t Elements() const { return shape.Elements(); }
  size_t Bytes() const { return static_cast<size_t>(Elements()) * SizeOf(dtype); }

  // Rows [begin, end) of a matrix (or elements of a vector), in the same memory.
  TensorView Rows(int64_t begin, int64_t end) const {
    LACOS_CHECK(0 <= begin && begin <= end && end <= shape[0],
                "a row slice lies inside its tensor");
    TensorView slice = *this;
    const int64_t row_elements = shape.rank() < 2 ? 1 : shape[1];
    LACOS_CHECK(shape.rank() <= 2, "row slices are of vectors and matrices");
    slice.data = data + static_cast<size_t>(begin * row_elements) * SizeOf(dtype);
    slice.shape = shape.rank() < 2 ? Shape{end - begin} : Shape{end - begin, shape[1]};
    return slice;
  }
  // The same memory under another shape with as many elements.
  TensorView Reshaped(Shape other) const {
    LACOS_CHECK(other.Elements() == Elements(), "a reshape keeps the number of elements");
    TensorView view = *this;
    view.shape = other;
    return view;
  }
};

}  // namespace lacos
