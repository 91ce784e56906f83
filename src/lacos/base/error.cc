#include "lacos/base/error.h"

#include <string_view>

namespace lacos {
namespace {

std::string WithoutControls(std::string_view message) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string shown;
  shown.reserve(message.size());
  for (size_t i = 0; i < message.size(); ++i) {
    const auto byte = static_cast<unsigned char>(message[i]);
    // U+0080 to U+009F are escaped too, because terminals take U+009B for the start of a command.
    const bool c1 = byte == 0xC2 && i + 1 < message.size() &&
                    static_cast<unsigned char>(message[i + 1]) >= 0x80 &&
                    static_cast<unsigned char>(message[i + 1]) <= 0x9F;
    if (byte >= 0x20 && byte != 0x7F && !c1) {
      shown += message[i];
      continue;
    }
    const auto code = c1 ? static_cast<unsigned char>(message[++i]) : byte;
    shown += {'\\', 'x', kDigits[code >> 4], kDigits[code & 15]};
  }
  return shown;
}

}  // namespace

UserError::UserError(const std::string& message) : std::runtime_error(WithoutControls(message)) {}

}  // namespace lacos
