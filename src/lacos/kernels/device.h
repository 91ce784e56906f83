// Where a backend computes: the CPU, or one of the machine's GPUs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lacos/base/enum_names.h"

namespace lacos {

enum class DeviceKind : uint8_t {
  kCpu,
  kCuda,
  kAuto,  // a GPU where one can be used, else the CPU
};

// A GPU's number may follow its word: "cuda:1".
inline constexpr auto kDeviceKindNames = MakeEnumNames<EnumWord<DeviceKind>>({
    {DeviceKind::kCpu, "cpu"},
    {DeviceKind::kCuda, "cuda"},
    {DeviceKind::kAuto, "auto"},
});
constexpr const auto& NamesOf(DeviceKind) { return kDeviceKindNames; }

struct Device {
  DeviceKind kind = DeviceKind::kCpu;
  int index = 0;  // of the GPU, as the system counts them; 0 for the CPU
  friend bool operator==(const Device&, const Device&) = default;
};

// "cpu", "cuda", "cuda:1", "auto"; nothing for any other word.
std::optional<Device> ParseDevice(std::string_view word);
// The word that ParseDevice understands: "cuda:1"; the first GPU is "cuda".
std::string NameOf(const Device& device);

}  // namespace lacos
