// The entry point of libFuzzer for one target, which the build names (LACOS_FUZZ_TARGET).
#include <cstddef>
#include <cstdint>

#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lacos::fuzz::Run(lacos::fuzz::LACOS_FUZZ_TARGET,
                   {reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
