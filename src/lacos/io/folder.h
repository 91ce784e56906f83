// Listing and removing folders. std::filesystem's iterators, and remove_all which uses them, end
// the process if there is no memory for the next name, because libstdc++'s increment is noexcept.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lacos {

struct FolderEntry {
  std::string name;
  // links are followed; both are false for a pipe, a link to nothing, and the like
  bool is_folder = false, is_file = false;
};
// The entries of a folder, sorted by name; none if there is no such folder. Throws UserError if it
// cannot be read.
std::vector<FolderEntry> ListFolder(const std::string& folder);

// The paths of the regular files in `folder` and in the folders below it, relative to it and
// sorted. Links that lead nowhere are among them, so that opening them names them. Files and folders
// with a name that `leave_out` accepts are skipped, with all their contents. Links to folders are not
// followed. Throws UserError if a folder cannot be read.
std::vector<std::string> ListFilesBelow(
    const std::string& folder, const std::function<bool(const std::string& name)>& leave_out = {});

// Removes a file, or a folder with its contents, as far as the system allows. Links are removed,
// not their targets. Returns false and sets errno if something stays; it is a success if nothing
// was there. Never throws, and needs no memory beyond that for listing a folder.
bool RemoveAll(const char* path) noexcept;

}  // namespace lacos
