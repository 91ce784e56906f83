// A limit on how much larger than its compressed bytes data may grow. A few kilobytes can expand to
// terabytes.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "lacos/base/error.h"

namespace lacos {

// Texts are compressed 3 to 30 times, repetitive ones perhaps 100 times.
class ExpansionLimit {
 public:
  void Read(uint64_t packed) { packed_ += packed; }
  // Counts unpacked bytes. Throws UserError once the data must be an archive bomb.
  void Wrote(uint64_t unpacked, const std::string& name) {
    unpacked_ += unpacked;
    if (unpacked_ <= kFreeBytes || unpacked_ / kMaxExpansion <= packed_) return;
    throw UserError(fmt::format(
        "[{}] grew from {} to over {} bytes: an archive bomb?; expected text that compression makes at "
        "most {} times smaller; decompress the file first if it is what you want",
        name, packed_, unpacked_ - unpacked, kMaxExpansion));
  }

 private:
  static constexpr uint64_t kFreeBytes = uint64_t{64} << 20;
  static constexpr uint64_t kMaxExpansion = 250;
  uint64_t packed_ = 0, unpacked_ = 0;
};

}  // namespace lacos
