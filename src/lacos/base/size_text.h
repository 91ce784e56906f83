// Sizes in bytes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lacos {

// The number of bytes that a text such as "6GB", "1.5 GiB", "900MB" or "123456" names; nothing if
// it is malformed.
std::optional<int64_t> ParseSize(const std::string& text);

}  // namespace lacos
