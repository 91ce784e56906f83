// Several files in one input, for targets that read a folder.
#pragma once

#include <string>
#include <string_view>

namespace lacos::fuzz {

// Fills a folder with the files of an input and returns its path: a line "=== NAME" begins each; names that
// no reader asks for are left out, so that mutations change contents. What stands before the first such line
// is config.json.
std::string MakeFolder(std::string_view input);

}  // namespace lacos::fuzz
