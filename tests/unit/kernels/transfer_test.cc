// Moving numbers between the host and tensors of every type.
#include <gtest/gtest.h>

#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

TEST(Transfer, FloatsSurviveEveryTypeThatHoldsThem) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const std::vector<float> values = {1, -2.5f, 0, 1024};  // these are exact in all types
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16, DType::kF64, DType::kC128}) {
    const TensorView x = wb.Make(dtype, {4});
    UploadFloats(wb.backend(), values, x);
    EXPECT_EQ(DownloadFloats(wb.backend(), x), values) << Name(dtype);
    EXPECT_EQ(DownloadDoubles(wb.backend(), x), std::vector<double>(values.begin(), values.end()))
        << Name(dtype);
    for (const DType other : {DType::kF32, DType::kBF16, DType::kF16, DType::kF64, DType::kC128}) {
      const TensorView y = wb.Make(other, {4});
      wb.backend().Copy(x, y);
      EXPECT_EQ(DownloadFloats(wb.backend(), y), values) << Name(dtype) << " to " << Name(other);
    }
  }
}

TEST(Transfer, CopyRoundsToNearestEven) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  // both values lie midway between two bf16 numbers
  const TensorView x = wb.From(Role::kStatistic, {2}, std::vector<float>{1.00390625f, 1.01171875f});
  const TensorView y = wb.Make(DType::kBF16, {2});
  wb.backend().Copy(x, y);
  EXPECT_EQ(wb.Read(y), (std::vector<double>{1.0, 1.015625}));
}

TEST(Transfer, IntegersOfEveryWidth) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const std::vector<int32_t> values = {0, 1, 200};
  EXPECT_EQ(wb.ReadInts(wb.Ints(DType::kI32, values)), values);
  EXPECT_EQ(wb.Bytes(wb.Ints(DType::kI64, values)).size(), 24u);
  const std::vector<std::byte> bytes = wb.Bytes(wb.Ints(DType::kU8, values));
  EXPECT_EQ(bytes, (std::vector<std::byte>{std::byte{0}, std::byte{1}, std::byte{200}}));
}

TEST(Transfer, FillSetsEveryElement) {
  Workbench wb(MakeReferenceBackend(DType::kC128));
  const TensorView x = wb.Make(Role::kStatistic, {2, 3});
  wb.backend().Fill(x, 1.5);
  EXPECT_EQ(wb.Read(x), std::vector<double>(6, 1.5));
  wb.backend().Fill(x.Rows(1, 2), 0);
  EXPECT_EQ(wb.Read(x), (std::vector<double>{1.5, 1.5, 1.5, 0, 0, 0}));
}

}  // namespace
}  // namespace lacos::testing
