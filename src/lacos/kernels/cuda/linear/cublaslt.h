// bf16 products by cuBLASLt, whose kernels use wgmma and tcgen05, which our own do not. The library is
// loaded at run time and need not be installed.
//
// A row's bytes must not depend on the number of rows. So each matrix has one algorithm for all of
// them, without split-K, and it is used only after a check: the first row of 1, 16, 129 and 300 rows
// must have the same bytes. Where no algorithm passes, or the library is missing, our own kernel is
// used, for every number of rows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

// cublasLtMatmulAlgo_t and cublasLtMatmulHeuristicResult_t.
struct CublasLtAlgorithm {
  uint64_t data[8];
};
struct CublasLtCandidate {
  CublasLtAlgorithm algorithm;
  size_t workspace;
  int status;
  float waves;
  int reserved[4];
};

// The functions that are called, as the library exports them; statuses are 0 on success. Tests fill
// the table with functions of their own.
struct CublasLtFunctions {
  size_t (*GetVersion)() = nullptr;
  int (*Create)(void** handle) = nullptr;
  int (*Destroy)(void* handle) = nullptr;
  int (*DescriptionCreate)(void** description, int compute, int scale_type) = nullptr;
  int (*DescriptionSet)(void* description, int key, const void* value, size_t bytes) = nullptr;
  int (*DescriptionDestroy)(void* description) = nullptr;
  int (*LayoutCreate)(void** layout, int type, uint64_t rows, uint64_t cols,
                      int64_t step) = nullptr;
  int (*LayoutDestroy)(void* layout) = nullptr;
  int (*PreferenceCreate)(void** preference) = nullptr;
  int (*PreferenceSet)(void* preference, int key, const void* value, size_t bytes) = nullptr;
  int (*PreferenceDestroy)(void* preference) = nullptr;
  int (*Candidates)(void* handle, void* description, void* a, void* b, void* c, void* d,
                    void* preference, int most, CublasLtCandidate* found, int* count) = nullptr;
  int (*AlgorithmGet)(const CublasLtAlgorithm* algorithm, int key, void* value, size_t bytes,
                      size_t* written) = nullptr;
  int (*Multiply)(void* handle, void* description, const void* alpha, const void* a, void* a_layout,
                  const void* b, void* b_layout, const void* beta, const void* c, void* c_layout,
                  void* d, void* d_layout, const CublasLtAlgorithm* algorithm, void* workspace,
                  size_t workspace_bytes, gpu::Stream stream) = nullptr;
};

// Loads the library at the first call in the process, which takes a second. Returns null if it is
// missing or lacks a function.
const CublasLtFunctions* LoadCublasLt();

class CublasLtProducts {
 public:
  // `functions` outlives this object.
  CublasLtProducts(Context& context, const CublasLtFunctions& functions);
  ~CublasLtProducts();
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

  // "cuBLASLt 13.1.0", and the pinned algorithms: "4096x1024: algorithm 66 tile 20 stages 35".
  std::string Describe() const;

 private:
  struct Pinned {
    std::unique_ptr<void, int (*)(void*)> description{nullptr, nullptr};
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
  void* handle_ = nullptr;
  Buffer workspace_;
  std::map<Shape, Pinned> pinned_;
};

}  // namespace lacos::cuda
