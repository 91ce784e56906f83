// The version of lacos, which --version shows and which written folders record.
#pragma once

#include <string_view>

namespace lacos {

inline constexpr std::string_view kLacosVersion = "0.1.0";

}  // namespace lacos
