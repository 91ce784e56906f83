// Several files in one input, for targets that read a folder.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lacos::fuzz {

// Fills a folder with the files of an input and returns its path: a line "=== NAME" begins each;
// names that are not among `names` are left out, so that mutations change contents. What stands
// before the first such line is the first of `names`.
std::string MakeFolder(std::string_view input, std::span<const std::string_view> names);
// The same with the names that readers of models ask for, config.json first.
std::string MakeModelFolder(std::string_view input);

}  // namespace lacos::fuzz
