#include "lacos/kernels/dry_backend.h"

#include <sys/mman.h>

#include "lacos/base/error.h"

namespace lacos {

Buffer DryBackend::Allocate(size_t bytes) {
  void* address =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    throw UserError(
        "[plan] could not reserve address space; expected a 64-bit system without a ulimit -v");
  return {static_cast<std::byte*>(address), bytes,
          [](std::byte* data, size_t size) { munmap(data, size); }};
}

}  // namespace lacos
