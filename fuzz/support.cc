// Code that all targets share: the check of messages, and scratch files in memory.
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "lacos/base/error.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

namespace fs = std::filesystem;

class ScratchFolder {
 public:
  ScratchFolder() {
    const fs::path memory = "/dev/shm";
    const char* chosen = std::getenv("LACOS_FUZZ_SCRATCH");
    std::error_code error;
    fs::path parent = fs::temp_directory_path();
    if (fs::is_directory(memory, error) && access(memory.c_str(), W_OK) == 0) parent = memory;
    if (chosen != nullptr) parent = chosen;
    std::string name = (parent / "lacos-fuzz-XXXXXX").string();
    Require(mkdtemp(name.data()) != nullptr, "there is a temporary folder");
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const fs::path& Scratch() {
  static const ScratchFolder folder;
  return folder.path();
}

bool IsOneLine(std::string_view message) {
  for (const char c : message) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return message.starts_with('[') && message.find("expected ") != std::string_view::npos;
}

}  // namespace

void Require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", property);
  std::abort();
}

std::string_view Text(Input input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

void Touch(Input bytes) {
  uint64_t sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<uint64_t>(byte);
  Require(sum <= 255u * bytes.size(), "the sum of bytes is used, so that they are read");
}

std::string WriteScratch(std::string_view name, std::string_view contents) {
  const fs::path path = Scratch() / name;
  if (name.find('/') != std::string_view::npos) fs::create_directories(path.parent_path());
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  Require(fd >= 0, "a temporary file can be made");
  Require(write(fd, contents.data(), contents.size()) == static_cast<ssize_t>(contents.size()),
          "a temporary file can be written");
  close(fd);
  return path.string();
}

void RemoveScratch(std::string_view name) { fs::remove_all(Scratch() / name); }

void Run(void (*target)(Input), Input input) {
  try {
    target(input);
  } catch (const UserError& error) {
    if (IsOneLine(error.what())) return;
    std::fprintf(stderr,
                 "fuzz: no message of the form \"[where] found; expected; what to do\": %s\n",
                 error.what());
    std::abort();
  }
}

}  // namespace lacos::fuzz
