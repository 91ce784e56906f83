// The width of a text on a terminal in columns. File names may be in any script.
#pragma once

#include <string>
#include <string_view>

namespace lacos::cli {

// The number of columns of a UTF-8 text without control characters: wide East Asian characters and
// emoji take two columns, combining marks none.
int DisplayWidth(std::string_view text);

// The beginning of a text that fits into `columns`. If the text is cut, the last column is "…".
std::string Shortened(std::string_view text, int columns);

}  // namespace lacos::cli
