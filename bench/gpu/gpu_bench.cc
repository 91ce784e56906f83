// Measures the parts of a step on a GPU, for tools/gpu_check.sh; prints one JSON object.
//   gpu_bench cublaslt   cuBLASLt's algorithms for the products of bloom-560m and bloom-7b1
//   gpu_bench kernels    the ops of their blocks, beside the ceilings that are measured with them
#include <cstdio>
#include <cstring>
#include <exception>

#include "gpu/cublaslt_candidates.h"
#include "gpu/own_kernels.h"

int main(int argc, char** argv) {
  const char* const what = argc == 2 ? argv[1] : "";
  try {
    lacos::Json json;
    if (std::strcmp(what, "cublaslt") == 0) {
      json = lacos::bench::CublasLtCandidates();
    } else if (std::strcmp(what, "kernels") == 0) {
      json = lacos::bench::OwnKernels();
    } else {
      std::fprintf(stderr, "gpu_bench: found '%s'; expected cublaslt or kernels; name one\n", what);
      return 2;
    }
    std::printf("%s\n", json.Dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpu_bench: %s\n", error.what());
    return 1;
  }
}
