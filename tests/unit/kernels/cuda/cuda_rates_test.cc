// The measurement of a device's rates, on the emulated GPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/base/error.h"
#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "lacos/kernels/device_rates.h"

namespace lacos::testing {
namespace {

using cuda::emulator::EmulatedRuntime;

DeviceRates Measure(const std::shared_ptr<EmulatedRuntime>& card) {
  return MeasureDeviceRates([&](Compute compute) {
    return MakeEmulatedCudaBackend({.compute = compute, .runtime = card});
  });
}

TEST(DeviceRates, AreMeasuredForProductsAndCopiesAndLeaveTheCardEmpty) {
  const auto card = std::make_shared<EmulatedRuntime>();
  const DeviceRates rates = Measure(card);
  EXPECT_GT(rates.products.bf16_flop_per_second, 0);
  EXPECT_GT(rates.products.int8_op_per_second, 0);
  EXPECT_GT(rates.copy_bytes_per_second, 0);
  EXPECT_GT(rates.upload_bytes_per_second, 0);
  EXPECT_EQ(card->used_bytes(), 0);
  EXPECT_LE(card->peak_bytes(), int64_t{600} << 20);
}

TEST(DeviceRates, ACardWithoutRoomIsAnErrorOfTheUser) {
  const auto card = std::make_shared<EmulatedRuntime>();
  card->total_bytes = 100'000;
  EXPECT_THROW(Measure(card), UserError);
  EXPECT_EQ(card->used_bytes(), 0);
}

}  // namespace
}  // namespace lacos::testing
