// The part of cuBLASLt's interface that is used, by the names and numbers of cublasLt.h and
// library_types.h: the library's headers are not needed to build.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lacos/kernels/cuda/device.h"

namespace lacos::cuda {

namespace cublaslt {
constexpr int kComputeF32 = 68, kComputeI32 = 72;           // CUBLAS_COMPUTE_32F, _32I
constexpr int kF32 = 0, kI8 = 3, kI32 = 10, kBF16 = 14;     // CUDA_R_*
constexpr int kTransposeA = 3;                              // CUBLASLT_MATMUL_DESC_TRANSA
constexpr int kPreferWorkspace = 1, kPreferReductions = 3;  // CUBLASLT_MATMUL_PREF_*
constexpr int kId = 0, kTile = 1, kSplitK = 2;              // CUBLASLT_ALGO_CONFIG_*
constexpr int kReduction = 3, kStages = 6;
}  // namespace cublaslt

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

// A fact of an algorithm by its CUBLASLT_ALGO_CONFIG_* number, or -1 if it is unknown.
int AlgorithmFact(const CublasLtFunctions& functions, const CublasLtAlgorithm& algorithm, int key);

}  // namespace lacos::cuda
