// Several files in one input, for targets that read a folder.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lacos::fuzz {

// Fills a folder with the files of an input and returns its path. Each file begins with a line "===
// NAME"; the text before the first such line is the file named by the first of `names`. Files whose
// names are not among `names` are left out, so that mutations change contents.
std::string MakeFolder(std::string_view input, std::span<const std::string_view> names);
// Does the same with the names of the files in model folders, beginning with config.json.
std::string MakeModelFolder(std::string_view input);

}  // namespace lacos::fuzz
