#include "lacos/io/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "lacos/io/posix.h"

namespace lacos {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

// The next entry other than "." and "..", or null with errno 0 at the end.
const dirent* NextEntry(DIR* folder) {
  while (true) {
    errno = 0;
    const dirent* entry = readdir(folder);
    if (entry == nullptr) return nullptr;
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") return entry;
  }
}

// Keeps the first reason why something could not be removed. A name that is already gone is no such
// reason.
void Note(int result, int& error) {
  if (result != 0 && errno != ENOENT && error == 0) error = errno;
}

// Removes the contents of the folder that is open as `fd`, and closes `fd`.
void RemoveContents(int fd, int& error) {
  const OpenFolder folder(fdopendir(fd));
  if (folder == nullptr) {
    Note(-1, error);
    close(fd);
    return;
  }
  while (const dirent* entry = NextEntry(folder.get())) {
    const int at = dirfd(folder.get());
    struct stat status {};
    if (fstatat(at, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      Note(-1, error);
      continue;
    }
    if (!S_ISDIR(status.st_mode)) {
      Note(unlinkat(at, entry->d_name, 0), error);
      continue;
    }
    const int inner = openat(at, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0) {
      Note(-1, error);
    } else {
      RemoveContents(inner, error);
    }
    Note(unlinkat(at, entry->d_name, AT_REMOVEDIR), error);
  }
  Note(errno == 0 ? 0 : -1, error);
}

void ListInto(const std::string& folder, const std::string& prefix,
              const std::function<bool(const std::string&)>& leave_out,
              std::vector<std::string>& files) {
  for (const FolderEntry& entry : ListFolder(folder)) {
    if (leave_out && leave_out(entry.name)) continue;
    const std::string path = folder + "/" + entry.name;
    struct stat status {};
    const bool is_link = lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
    const bool is_broken = is_link && stat(path.c_str(), &status) != 0;
    if (entry.is_file || is_broken) files.push_back(prefix + entry.name);
    if (entry.is_folder && !is_link) ListInto(path, prefix + entry.name + "/", leave_out, files);
  }
}

}  // namespace

std::vector<FolderEntry> ListFolder(const std::string& folder) {
  std::vector<FolderEntry> entries;
  const OpenFolder open(opendir(folder.c_str()));
  if (open == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return entries;
    ThrowSystemError(folder, "list the folder");
  }
  while (const dirent* entry = NextEntry(open.get())) {
    struct stat status {};
    const bool known = fstatat(dirfd(open.get()), entry->d_name, &status, 0) == 0;
    entries.push_back({.name = entry->d_name,
                       .is_folder = known && S_ISDIR(status.st_mode),
                       .is_file = known && S_ISREG(status.st_mode)});
  }
  if (errno != 0) ThrowSystemError(folder, "list the folder");
  std::sort(entries.begin(), entries.end(),
            [](const FolderEntry& a, const FolderEntry& b) { return a.name < b.name; });
  return entries;
}

std::vector<std::string> ListFilesBelow(
    const std::string& folder, const std::function<bool(const std::string& name)>& leave_out) {
  std::vector<std::string> files;
  ListInto(folder, "", leave_out, files);
  std::sort(files.begin(), files.end());
  return files;
}

bool RemoveAll(const char* path) noexcept {
  int error = 0;
  struct stat status {};
  if (lstat(path, &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return true;
    return false;
  }
  if (S_ISDIR(status.st_mode)) {
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
      Note(-1, error);
    } else {
      RemoveContents(fd, error);
    }
    Note(rmdir(path), error);
  } else {
    Note(unlink(path), error);
  }
  errno = error;
  return error == 0;
}

}  // namespace lacos
