// Takes the place of the CUDA backend in builds without one, so that callers need no #ifdef.
#include "lacos/base/error.h"
#include "lacos/kernels/make_backend.h"

namespace lacos {

std::unique_ptr<Backend> MakeCudaBackend(const CudaBackendOptions&) {
  throw UserError(
      "[device] this program was built without CUDA; "
      "expected device cpu, or auto, which takes the CPU then; choose one of them");
}

}  // namespace lacos
