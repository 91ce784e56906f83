#include "lacos/kernels/device.h"

#include <fmt/core.h>

#include <charconv>

#include "lacos/base/error.h"

namespace lacos {

namespace {

constexpr std::string_view kCheck = "+check";

}  // namespace

std::optional<Device> ParseDevice(std::string_view word) {
  const bool check = word.ends_with(kCheck);
  if (check) word.remove_suffix(kCheck.size());
  const size_t colon = word.find(':');
  const std::optional<DeviceKind> kind = Parse<DeviceKind>(word.substr(0, colon));
  if (!kind || (check && *kind != DeviceKind::kCuda)) return std::nullopt;
  Device device{.kind = *kind, .check_each_op = check};
  if (colon == std::string_view::npos) return device;
  const std::string_view number = word.substr(colon + 1);
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, device.index);
  const bool is_index = error == std::errc() && stop == end && device.index >= 0;
  if (*kind != DeviceKind::kCuda || !is_index) return std::nullopt;
  return device;
}

Device DeviceValue(std::string_view word) {
  if (const std::optional<Device> device = ParseDevice(word)) return *device;
  throw UserError(
      fmt::format("[`device`] found '{}'; expected cpu, cuda, cuda:N or auto; correct it", word));
}

std::string NameOf(const Device& device) {
  std::string name(Name(device.kind));
  if (device.index > 0) name += fmt::format(":{}", device.index);
  if (device.check_each_op) name += kCheck;
  return name;
}

}  // namespace lacos
