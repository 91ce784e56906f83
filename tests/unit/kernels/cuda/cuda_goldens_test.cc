// The bytes of the emulator are those of a GPU, but for matrix products of bf16, whose sums the hardware
// rounds in an unspecified way. The emulator's program writes the hashes of all outputs into the file
// that the environment variable LACOS_CUDA_GOLDENS names; the GPU's program compares its own with them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "lacos/base/hash.h"
#include "unit/kernels/cuda/test_gpu.h"

namespace lacos::testing {
namespace {

// Ops that multiply bf16 numbers on tensor cores, or use the results of such ops.
bool HasFixedBytes(const OpCase& c, Compute compute) {
  if (compute == Compute::kF32) return true;
  if (c.name.starts_with("AlibiAttention")) return false;
  if (c.name.starts_with("Linear")) return compute == Compute::kInt8;
  return true;
}

TEST(CudaGoldens, OfTheEmulatorAreTheBytesOfTheGpu) {
  const char* const file = std::getenv("LACOS_CUDA_GOLDENS");
  if (file == nullptr) GTEST_SKIP() << "LACOS_CUDA_GOLDENS names no file";
  if (MakeTestGpu(Compute::kF32) == nullptr) GTEST_SKIP() << "this machine has no GPU";
  std::map<std::string, std::string> hashes, goldens;
  for (const Compute compute : kComputeModes) {
    for (const OpCase& c : GpuOpCases()) {
      if (!HasFixedBytes(c, compute)) continue;
      Workbench wb(MakeTestGpu(compute));
      int k = 0;
      for (const OpOutput& output : c.run(wb, compute)) {
        const std::vector<std::byte> bytes = wb.Bytes(output.view);
        const std::string name = c.name + NameOf(compute) + "/" + std::to_string(k++);
        hashes[name] = Sha256Hex(bytes);
      }
    }
  }
  if (GpuIsEmulated()) {
    std::ofstream out(file);
    for (const auto& [name, hash] : hashes) out << name << ' ' << hash << '\n';
    return;
  }
  std::ifstream in(file);
  std::string name, hash;
  while (in >> name >> hash) goldens[name] = hash;
  ASSERT_FALSE(goldens.empty()) << file << " has no hashes";
  for (const auto& [output, own] : hashes) EXPECT_EQ(goldens[output], own) << output;
}

}  // namespace
}  // namespace lacos::testing
