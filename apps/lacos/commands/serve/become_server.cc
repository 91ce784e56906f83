// In the program lacos, `serve` becomes the program lacos-serve: the connections need Boost, whose
// compilation would be a noticeable part of the first build (docs/architecture.md).
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "commands/serve/run_server.h"
#include "lacos/base/error.h"

namespace lacos::cli {
namespace {

// lacos-serve lies beside the program where it was built, and in libexec/lacos/ where it is installed.
std::vector<std::string> Places() {
  const std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return {(folder / "lacos-serve").string(),
          (folder.parent_path() / "libexec/lacos/lacos-serve").string()};
}

}  // namespace

void RunServer(const GlobalOptions& globals, const ServeFlags&) {
  std::vector<std::string> words = {"lacos"};
  words.insert(words.end(), globals.arguments.begin() + 1, globals.arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::vector<std::string> places = Places();
  for (const std::string& place : places) {
    execv(place.c_str(), pointers.data());
    if (errno != ENOENT) {
      throw UserError(fmt::format(
          "[{}] could not be started: {}; expected the program that serves; install lacos again",
          place, std::strerror(errno)));
    }
  }
  throw UserError(fmt::format(
      "[{}] does not exist; expected the program that serves, which `make quickstart` does not build; "
      "run `make build`, or install lacos",
      places[0]));
}

}  // namespace lacos::cli
