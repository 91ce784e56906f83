#include "lacos/io/temporary.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include "lacos/io/folder.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnfinished = ".lacos-tmp-", kReplaced = ".lacos-old-";

std::string HiddenName(const std::string& path) {
  // file names have at most 255 bytes
  return fmt::format(".{}", fs::path(path).filename().string().substr(0, 200));
}

// Whether `path` still names the file that is open as `fd`.
bool StillNamed(const std::string& path, int fd) {
  struct stat named {
  }, open{};
  return lstat(path.c_str(), &named) == 0 && fstat(fd, &open) == 0 && named.st_ino == open.st_ino &&
         named.st_dev == open.st_dev;
}

// `create` makes `path` and opens it, or returns a negative descriptor and sets errno. Before the
// new file is locked, another process may take it for a dead process's and remove it; then there is
// another try.
template <class Create>
Temporary CreateLocked(const std::string& target, const Create& create) {
  for (int attempt = 0;; ++attempt) {
    Temporary made{.path = NameBeside(target, "tmp"), .file = FileDescriptor()};
    made.file = FileDescriptor(create(made.path));
    if (made.file.get() < 0) {
      if (errno == ENOENT && attempt < 8 && fs::is_directory(ParentOf(target))) continue;
      ThrowSystemError(target, "create");
    }
    if (LockFile(made.file.get()) != FileLock::kTaken && StillNamed(made.path, made.file.get()))
      return made;
    if (attempt == 8) {
      errno = EBUSY;
      ThrowSystemError(target, "create");
    }
  }
}

void RemoveLeftover(const std::string& path, bool replaced, const std::string& original) {
  const FileDescriptor file(OpenFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0 || LockFile(file.get()) != FileLock::kOurs) return;
  struct stat status {};
  if (replaced && lstat(original.c_str(), &status) != 0 && errno == ENOENT) {
    std::rename(path.c_str(), original.c_str());
  } else {
    RemoveAll(path.c_str());
  }
}

// Removes leftovers with hidden names that begin with `prefix`.
void RemoveLeftovers(const std::string& folder, const std::string& prefix) noexcept try {
  std::vector<fs::path> found;
  for (const FolderEntry& entry : ListFolder(folder)) {
    if (entry.name.starts_with(prefix) && IsTemporaryName(entry.name))
      found.push_back(fs::path(folder) / entry.name);
  }
  for (const fs::path& path : found) {
    const std::string name = path.filename().string();
    const size_t old = name.find(kReplaced);
    const std::string original =
        old == std::string::npos || old == 0 ? "" : name.substr(1, old - 1);
    RemoveLeftover(path.string(), !original.empty(), (fs::path(folder) / original).string());
  }
} catch (...) {  // there is no memory; the leftovers are removed the next time
}

}  // namespace

std::string NameBeside(const std::string& path, std::string_view kind) {
  static std::atomic<int> counter{0};
  return fmt::format("{}/{}.lacos-{}-{}-{}", ParentOf(path), HiddenName(path), kind, getpid(),
                     counter++);
}

bool IsTemporaryName(std::string_view name) {
  return name.starts_with('.') && (name.find(kUnfinished) != std::string_view::npos ||
                                   name.find(kReplaced) != std::string_view::npos);
}

Temporary CreateTemporaryFile(const std::string& path) {
  return CreateLocked(path, [](const std::string& name) {
    return OpenFile(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
  });
}

Temporary CreateTemporaryFolder(const std::string& path) {
  return CreateLocked(path, [](const std::string& name) {
    if (mkdir(name.c_str(), 0777) != 0) return -1;
    const int fd = OpenFile(name, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
      const int error = errno;
      rmdir(name.c_str());
      errno = error;
    }
    return fd;
  });
}

void RemoveLeftoversOf(const std::string& path) noexcept try {
  RemoveLeftovers(ParentOf(path), HiddenName(path) + ".lacos-");
} catch (...) {
}

void RemoveLeftoversIn(const std::string& folder) noexcept try {
  RemoveLeftovers(folder, ".");
} catch (...) {
}

}  // namespace lacos
