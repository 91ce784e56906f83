#include "lacos/kernels/make_backend.h"

#include "lacos/base/error.h"

namespace lacos {

std::unique_ptr<Backend> MakeBackend(const BackendOptions& options) {
  const Device& device = options.device;
  switch (device.kind) {
    case DeviceKind::kCpu:
      break;
    case DeviceKind::kCuda:
      return MakeCudaBackend({.index = device.index,
                              .compute = options.compute,
                              .check_each_op = device.check_each_op});
    case DeviceKind::kAuto:
      try {
        return MakeCudaBackend({.index = device.index, .compute = options.compute});
      } catch (const UserError& error) {
        if (options.tell) options.tell(std::string("the CPU is used: ") + error.what());
      }
      break;
  }
  return MakeCpuBackend({.compute = options.compute});
}

Device ChooseDevice(const BackendOptions& options) {
  if (options.device.kind != DeviceKind::kAuto) return options.device;
  return MakeBackend(options)->Describe().backend == "cpu"
             ? Device{}
             : Device{.kind = DeviceKind::kCuda, .index = options.device.index};
}

}  // namespace lacos
