#include "lacos/kernels/compute_advice.h"

#include <fmt/format.h>

#include <map>
#include <mutex>

#include "lacos/base/error.h"
#include "lacos/kernels/device_rates.h"
#include "lacos/kernels/make_backend.h"

namespace lacos {
namespace {

ProductRates RatesOfGpu(int index) {
  static std::mutex mutex;
  static std::map<int, ProductRates> measured;
  const std::lock_guard lock(mutex);
  const auto found = measured.find(index);
  if (found != measured.end()) return found->second;
  return measured[index] = MeasureProductRates([&](Compute compute) {
           return MakeCudaBackend({.index = index, .compute = compute});
         });
}

}  // namespace

std::string AdviceOnCompute(const Device& device, Compute compute, int64_t width) {
  if (device.kind != DeviceKind::kCuda || compute != Compute::kInt8 || width < kLeastAdvisedWidth)
    return "";
  try {
    const std::string note = SlowInt8Note(RatesOfGpu(device.index));
    return note.empty() ? "" : fmt::format("[`compute`] {}; choose bf16", note);
  } catch (const UserError&) {
    return "";  // no memory is free for it; the work itself may need less
  }
}

}  // namespace lacos
