// Questions about paths that users' files contain. std::filesystem would answer some of them with
// exceptions of its own, for example for a name of 300 characters or a loop of links.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lacos {

// Whether something exists at the path, whether it is a regular file, and whether it is a folder.
// Links are followed. The answer for a path that cannot exist is false. Throws UserError for a link
// to something that does not exist or back to itself, which must not pass for an absent file, and if
// the system does not tell, for lack of permission.
bool PathExists(const std::string& path);
bool FileExists(const std::string& path);
bool FolderExists(const std::string& path);

// What a link to something that does not exist points to; nothing for every other path.
std::optional<std::string> DanglingTarget(const std::string& path);
// Throws UserError for a link to something that does not exist, whose target it names, and for a
// path that runs into a loop of links.
void RefuseBrokenLink(const std::string& path);

// Whether a name in an index file leads to something inside the folder of that index: it is
// relative, not empty, and has neither ".." nor NUL. Links inside the folder are followed all the
// same, because hub caches consist of them.
bool StaysInside(std::string_view name);

// The folder that holds the path: "." for a name without a folder.
std::string ParentOf(const std::string& path);

}  // namespace lacos
