// How many columns of a terminal a text takes: file names may be in any script.
#pragma once

#include <string>
#include <string_view>

namespace lacos::cli {

// Columns of UTF-8 text without control characters: wide East Asian characters and emoji take two,
// combining marks none.
int DisplayWidth(std::string_view text);

// The beginning of a text that fits into `columns`; where something is cut off, "…" is its last
// column.
std::string Shortened(std::string_view text, int columns);

}  // namespace lacos::cli
