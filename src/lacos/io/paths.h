// Questions about paths that stand in users' files. std::filesystem answers some of them with
// exceptions of its own (a name of 300 characters, a loop of links).
#pragma once

#include <string>
#include <string_view>

namespace lacos {

// Whether something, a regular file, or a folder is there (links followed). A path that cannot
// exist gives false. Throws UserError where the system does not tell (no permission).
bool PathExists(const std::string& path);
bool FileExists(const std::string& path);
bool FolderExists(const std::string& path);

// Whether a name out of an index leads to something inside the folder of that index: relative, not
// empty, without ".." and without NUL. Links inside the folder are followed all the same: hub
// caches are made of them.
bool StaysInside(std::string_view name);

}  // namespace lacos
