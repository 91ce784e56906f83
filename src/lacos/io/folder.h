// Listing and removing folders. std::filesystem's iterators end the process where there is no
// memory for the next name (libstdc++'s advance is noexcept), and remove_all is made of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lacos {

struct FolderEntry {
  std::string name;
  // links are followed; neither: a pipe, a link to nothing, ...
  bool is_folder = false, is_file = false;
};
// What is in a folder, sorted by name; nothing when there is no such folder. Throws UserError when
// it cannot be read.
std::vector<FolderEntry> ListFolder(const std::string& folder);

// Paths of the regular files in `folder` and the folders below it, relative to it, sorted. Those
// whose name `leave_out` takes are left out, with all they hold. Links to folders are not followed.
// Throws UserError.
std::vector<std::string> ListFilesBelow(
    const std::string& folder, const std::function<bool(const std::string& name)>& leave_out = {});

// Removes a file, or a folder with all it holds, links themselves, as far as the system allows;
// errno and false when something stays. Nothing there is a success. Never throws, takes no
// memory but what listing a folder takes.
bool RemoveAll(const char* path) noexcept;

}  // namespace lacos
