// Python's str.strip(), which sentence-transformers applied before tokenizing up to version 5.
#pragma once

#include <string>

namespace lacos {

// Removes whitespace at both ends: Unicode's White_Space and U+001C to U+001F, as Python's
// str.strip() does.
std::string StripWhitespace(const std::string& text);

}  // namespace lacos
