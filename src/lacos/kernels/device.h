// The device that a backend computes on: the CPU, or one of the machine's GPUs.
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
  kAuto,  // a GPU if one can be used, else the CPU
};

// The words for devices. The number of a GPU may follow its word: "cuda:1"; so may "+check".
inline constexpr auto kDeviceKindNames = MakeEnumNames<EnumWord<DeviceKind>>({
    {DeviceKind::kCpu, "cpu"},
    {DeviceKind::kCuda, "cuda"},
    {DeviceKind::kAuto, "auto"},
});
constexpr const auto& NamesOf(DeviceKind) { return kDeviceKindNames; }

struct Device {
  DeviceKind kind = DeviceKind::kCpu;
  int index = 0;  // number of the GPU, as the system counts them; 0 for the CPU
  // Waits for the GPU after each op, so that the error of a kernel names the op that ran it. This
  // makes a run slower and changes no result.
  bool check_each_op = false;
  friend bool operator==(const Device&, const Device&) = default;
};

// Understands "cpu", "cuda", "cuda:1", "auto", and "cuda+check" or "cuda:1+check" for
// check_each_op; returns nothing for any other word.
std::optional<Device> ParseDevice(std::string_view word);
// The same; throws UserError that names the setting `device` for any other word.
Device DeviceValue(std::string_view word);
// Returns the word that ParseDevice understands: "cuda:1", and "cuda" for the first GPU.
std::string NameOf(const Device& device);

}  // namespace lacos
