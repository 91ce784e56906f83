// The value of a setting that is given as a word.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>

#include "lacos/base/enum_names.h"
#include "lacos/base/error.h"

namespace lacos {

// The value of a word. Throws UserError that names the setting if there is no such word.
template <NamedEnum E>
E WordValue(std::string_view setting, const std::string& word) {
  if (const auto value = Parse<E>(word)) return *value;
  throw UserError(fmt::format("[`{}`] found '{}'; expected {}; correct it", setting, word,
                              fmt::join(WordsOf<E>(), ", ")));
}

}  // namespace lacos
