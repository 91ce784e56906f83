#include "lacos/train/run/folder.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/folder.h"
#include "lacos/io/paths.h"
#include "lacos/io/temporary.h"
#include "lacos/train/run/checkpoint.h"
#include "lacos/train/run/output.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr char kEarlier[] = "earlier";

// The output's path with links followed, so that the folder itself is renamed and never a link to
// it.
std::string Resolve(const std::string& output) {
  fs::path path = fs::absolute(output).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(path, error);
  return (error ? path : resolved).string();
}

// Runs that were set aside by processes that may no longer exist.
std::vector<std::string> RunsSetAside(const std::string& output) {
  const std::string start =
      fmt::format(".{}.lacos-{}-", fs::path(output).filename().string(), kEarlier);
  std::vector<std::string> found;
  for (const FolderEntry& entry : ListFolder(ParentOf(output))) {
    if (entry.name.starts_with(start)) found.push_back(ParentOf(output) + "/" + entry.name);
  }
  return found;
}

bool HasSavedSomething(const std::string& output) {
  return RunFinished(output) || !CheckpointFolders(output).empty();
}

[[noreturn]] void FailMake(const std::string& output, const std::string& reason) {
  throw UserError(fmt::format(
      "[{}] could not be made: {}; expected a place that can be written; choose another `output`",
      output, reason));
}

}  // namespace

RunFolder::RunFolder(const std::string& output) : path_(Resolve(output)) {
  for (const std::string& aside : RunsSetAside(path_)) {
    const FileDescriptor file(OpenFile(aside, O_RDONLY | O_DIRECTORY));
    if (file.get() < 0 || LockFile(file.get()) == FileLock::kTaken) continue;
    if (HasSavedSomething(path_)) {
      RemoveAll(aside.c_str());
    } else {
      RemoveAll(path_.c_str());
      std::rename(aside.c_str(), path_.c_str());
    }
  }
  if (!FolderExists(path_)) return;
  Lock();
  RemoveLeftoversIn(path_);
  RemoveLeftoversIn(path_ + "/checkpoints");
}

RunFolder::~RunFolder() {
  if (earlier_.empty()) return;
  RemoveAll(path_.c_str());
  std::rename(earlier_.c_str(), path_.c_str());
}

void RunFolder::Lock() {
  lock_ = FileDescriptor(OpenFile(path_, O_RDONLY | O_DIRECTORY));
  if (lock_.get() < 0) ThrowSystemError(path_, "open");
  if (LockFile(lock_.get()) == FileLock::kTaken) {
    throw UserError(fmt::format(
        "[{}] another training run is writing to this folder; expected one run a folder; wait "
        "for it, stop it, or choose another `output`",
        path_));
  }
}

void RunFolder::Begin(bool clear) {
  std::error_code error;
  if (clear && FolderExists(path_) && !ListFolder(path_).empty()) {
    const std::string aside = NameBeside(path_, kEarlier);
    if (std::rename(path_.c_str(), aside.c_str()) == 0) {
      earlier_ = aside;
      earlier_lock_ = std::move(lock_);
    } else if (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EROFS) {
      ThrowSystemError(path_, "set the earlier run aside");
    } else {  // a mount point, or no rights in the folder above: the folder is emptied in place
      for (const FolderEntry& entry : ListFolder(path_)) {
        if (!RemoveAll((path_ + "/" + entry.name).c_str())) FailMake(path_, std::strerror(errno));
      }
    }
  }
  fs::create_directories(path_, error);
  if (error) FailMake(path_, error.message());
  if (lock_.get() < 0) Lock();
  SyncPath(ParentOf(path_));
}

void RunFolder::Keep() {
  RemoveLeftoversIn(path_ + "/checkpoints");  // leftovers that could not be removed at once
  if (earlier_.empty()) return;
  RemoveAll(std::exchange(earlier_, "").c_str());
  earlier_lock_ = FileDescriptor();
}

}  // namespace lacos
