// cuBLASLt for the emulator: its functions compute on the host what the library's manual says, and
// tests choose which algorithms it offers and which calls fail.
#pragma once

#include <string>

#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "lacos/kernels/cuda/linear/cublaslt_api.h"

namespace lacos::cuda::emulator {

// How the library behaves, and what it was asked. Tests assign {} to start anew.
struct CublasLtState {
  // The algorithms that it offers: algorithm 0 splits the depth, algorithm 1 adds in another order
  // from 101 rows on, and the others are fit.
  int first_candidate = 0, candidates = 3;
  bool no_heuristic = false;  // it knows no algorithm for any product
  int failing_product = -1;   // the product with this number fails with status 13
  int failing_call = -1;      // the call with this number fails with status 13
  int objects = 0;            // descriptions, layouts, preferences and handles that exist
  int products = 0;           // products so far
  int calls = 0;              // calls so far that can fail
  std::string failed;         // the function whose call failed as `failing_call` says
};
CublasLtState& CublasLt();

// The functions. Wrong arguments are refused with status 7 (CUBLAS_STATUS_INVALID_VALUE).
const CublasLtFunctions& EmulatedCublasLt();

// An emulated GPU of the Hopper generation, on which bf16 products use cuBLASLt if it is there.
class HopperRuntime : public EmulatedRuntime {
 public:
  explicit HopperRuntime(bool has_library = true) : has_library_(has_library) {}
  Status Facts(int device, DeviceFacts* facts) override;
  const CublasLtFunctions* CublasLt() override;

 private:
  bool has_library_;
};

}  // namespace lacos::cuda::emulator
