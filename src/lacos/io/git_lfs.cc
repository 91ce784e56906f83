#include "lacos/io/git_lfs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "lacos/base/error.h"

namespace lacos {

bool IsLfsPointer(int fd) {
  // A pointer is smaller than 1,024 bytes and names its version first; hawser was the first name of
  // git-lfs. Source: docs/spec.md of git-lfs.
  char bytes[1024];
  ssize_t size = -1;
  do {
    size = pread(fd, bytes, sizeof(bytes), 0);
  } while (size < 0 && errno == EINTR);
  if (size <= 0 || size == sizeof(bytes)) return false;
  const std::string_view text(bytes, static_cast<size_t>(size));
  return (text.starts_with("version https://git-lfs.github.com/spec/") ||
          text.starts_with("version https://hawser.github.com/spec/")) &&
         text.find("\noid sha256:") != std::string_view::npos;
}

void RefuseLfsPointer(int fd, const std::string& path) {
  if (!IsLfsPointer(fd)) return;
  throw UserError(fmt::format(
      "[{}] found a Git LFS pointer, which a clone without git-lfs leaves in the file's place; "
      "expected the file itself; install git-lfs and run `git lfs pull` in the clone, or download "
      "the file again",
      path));
}

}  // namespace lacos
