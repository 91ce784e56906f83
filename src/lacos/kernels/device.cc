#include "lacos/kernels/device.h"

#include <fmt/core.h>

#include <charconv>

namespace lacos {

std::optional<Device> ParseDevice(std::string_view word) {
  const size_t colon = word.find(':');
  const std::optional<DeviceKind> kind = Parse<DeviceKind>(word.substr(0, colon));
  if (!kind) return std::nullopt;
  Device device{.kind = *kind};
  if (colon == std::string_view::npos) return device;
  const std::string_view number = word.substr(colon + 1);
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, device.index);
  const bool is_index = error == std::errc() && stop == end && device.index >= 0;
  if (*kind != DeviceKind::kCuda || !is_index) return std::nullopt;
  return device;
}

std::string NameOf(const Device& device) {
  const std::string_view kind = Name(device.kind);
  return device.index > 0 ? fmt::format("{}:{}", kind, device.index) : std::string(kind);
}

}  // namespace lacos
