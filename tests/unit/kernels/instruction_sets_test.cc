// ctest runs the products once for each instruction set, which ONEDNN_MAX_CPU_ISA (read by oneDNN
// itself) and LACOS_TEST_HIGHWAY select. These tests show that the caps are in force and that
// integer products are exact under each.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"

namespace lacos {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

TEST(InstructionSets, AreNoNewerThanTheCapsOfThisProcess) {
  const std::string isa = MakeCpuBackend({.compute = Compute::kInt8})->Describe().FactsText();
  const std::string onednn = isa.substr(0, isa.find(", Highway"));
  const std::string cap = Variable("ONEDNN_MAX_CPU_ISA"), target = Variable("LACOS_TEST_HIGHWAY");
  if (cap == "SSE41") {
    EXPECT_TRUE(onednn.ends_with("SSE4.1")) << isa;  // its version may stand before it
  } else if (cap == "AVX") {
    EXPECT_EQ(onednn.find("AVX2"), std::string::npos) << isa;
  }
  if (cap == "AVX" || cap == "AVX2") {
    EXPECT_EQ(onednn.find("AVX-512"), std::string::npos) << isa;
  }
#ifndef HWY_COMPILE_ONLY_STATIC  // otherwise there is only one target
  if (target == "scalar") {
    EXPECT_TRUE(isa.ends_with("Highway SCALAR")) << isa;
  } else if (target == "avx2") {
    EXPECT_TRUE(isa.ends_with("Highway AVX2")) << isa;
  }
#endif
  RecordProperty("isa", isa);
}

// Products of the largest codes, where 16-bit sums that saturate would show at once.
TEST(InstructionSets, IntegerProductsAreExact) {
  const auto backend = MakeCpuBackend({.compute = Compute::kInt8});
  constexpr int64_t kIn = 640, kOut = 48, kRows = 70;
  std::vector<int8_t> codes(kOut * kIn);
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<int8_t>(i % 7 == 0 ? -127 : 127);
  const std::vector<float> absmax(kOut, 127.0f);  // makes each code equal to the weight
  const WeightId weight =
      backend->AddWeight({.rows = kOut,
                          .cols = kIn,
                          .scheme = QuantScheme::kLinear,
                          .dtype = DType::kI8,
                          .block_size = kIn,
                          .codes = reinterpret_cast<const std::byte*>(codes.data()),
                          .absmax = absmax.data()});
  std::vector<float> x(kRows * kIn);
  // makes the scale of every row 1
  for (size_t i = 0; i < x.size(); ++i) x[i] = i % 5 == 0 ? -127.0f : 127.0f;
  const TypeSet types = backend->Types();
  TensorView input{nullptr, types.activation, {kRows, kIn}},
      output{nullptr, types.residual, {kRows, kOut}};
  Buffer a = backend->Allocate(input.Bytes()), b = backend->Allocate(output.Bytes());
  input.data = a.data();
  output.data = b.data();
  UploadFloats(*backend, x, input);
  for (const int64_t rows : {int64_t{1}, int64_t{12}, kRows}) {
    backend->Linear(input.Rows(0, rows), weight, {}, output.Rows(0, rows));
    const std::vector<float> y = DownloadFloats(*backend, output.Rows(0, rows));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t n = 0; n < kOut; ++n) {
        int64_t exact = 0;
        for (int64_t k = 0; k < kIn; ++k)
          exact += static_cast<int64_t>(x[r * kIn + k]) * codes[n * kIn + k];
        ASSERT_EQ(y[r * kOut + n], static_cast<float>(exact))
            << rows << " rows, row " << r << ", column " << n;
      }
    }
  }
}

}  // namespace
}  // namespace lacos
