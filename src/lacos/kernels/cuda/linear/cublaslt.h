// bf16 products by cuBLASLt, whose kernels use wgmma and tcgen05, which our own do not. The library is
// loaded at run time and need not be installed.
//
// A row's bytes must not depend on the number of rows. So each matrix has one algorithm for all of
// them, without split-K, and it is used only after a check: the first row of 1, 16, 129 and 300 rows
// must have the same bytes. Where no algorithm passes, or the library is missing, our own kernel is
// used, for every number of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "lacos/kernels/cuda/context.h"
#include "lacos/kernels/cuda/linear/cublaslt_api.h"

namespace lacos::cuda {

class CublasLtProducts {
 public:
  // `functions` outlives this object.
  CublasLtProducts(Context& context, const CublasLtFunctions& functions);
  CublasLtProducts(const CublasLtProducts&) = delete;
  CublasLtProducts& operator=(const CublasLtProducts&) = delete;

  // The right matrix: bf16 [columns, depth], or [depth, columns] if it lies across the depth.
  struct Shape {
    int64_t columns = 0, depth = 0;
    bool across = false;
    auto operator<=>(const Shape&) const = default;
  };
  // Whether an algorithm passed the check for this shape. The first call chooses it, and waits.
  bool Supports(const Shape& shape);
  // sums [rows, columns] f32 = left [rows, depth] times the right matrix. Only for supported shapes.
  void Multiply(const Shape& shape, int64_t rows, const void* left, const void* right, float* sums);

  // "13.1.0"
  std::string Version() const;
  // The algorithms that have been chosen: "4096x1024: algorithm 66 tile 20 stages 35; ...".
  std::string Algorithms() const;

 private:
  // An object of the library, with the function that destroys it.
  using Object = std::unique_ptr<void, int (*)(void*)>;
  struct Pinned {
    Object description{nullptr, nullptr};
    bool usable = false;
    CublasLtAlgorithm algorithm = {};
    size_t workspace = 0;
  };
  struct Layouts;
  void Require(int status, const char* function) const;
  Pinned Choose(const Shape& shape);
  bool PassesCheck(const Shape& shape, const Pinned& pinned);
  void Run(const Shape& shape, const Pinned& pinned, int64_t rows, const void* left,
           const void* right, float* sums);

  Context& context_;
  const CublasLtFunctions& functions_;
  Object handle_{nullptr, nullptr};  // destroyed after the descriptions of pinned_
  Buffer workspace_;
  std::map<Shape, Pinned> pinned_;
};

}  // namespace lacos::cuda
