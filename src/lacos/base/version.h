// The version of lacos, as --version shows it and as written folders record it.
#pragma once

#include <string_view>

namespace lacos {

inline constexpr std::string_view kLacosVersion = "0.1.0";

}  // namespace lacos
