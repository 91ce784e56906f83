#include "lacos/formats/model_place.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/io/folder.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// Whether the folder is a repository in a hub cache: it has snapshots, and no model of its own.
bool IsCachedRepository(const fs::path& folder) {
  const auto has_file = [&](const char* name) { return FileExists((folder / name).string()); };
  return FolderExists((folder / "snapshots").string()) && !has_file("config.json") &&
         !has_file("adapter_config.json") && !has_file("modules.json");
}

std::string SnapshotOf(const fs::path& repository) {
  const fs::path snapshots = repository / "snapshots";
  std::vector<std::string> names;
  for (const FolderEntry& entry : ListFolder(snapshots.string())) {
    if (entry.is_folder) names.push_back(entry.name);
  }
  const fs::path main = repository / "refs" / "main";
  std::string found = "no refs/main";
  if (FileExists(main.string())) {
    constexpr int64_t kMostBytes = 4096;
    std::string revision = ReadFileToString(main.string(), kMostBytes);
    while (!revision.empty() && std::isspace(static_cast<unsigned char>(revision.back())) != 0)
      revision.pop_back();
    if (std::find(names.begin(), names.end(), revision) != names.end())
      return (snapshots / revision).string();
    found = fmt::format("refs/main with the revision '{}', which has no snapshot", revision);
  } else if (names.size() == 1) {
    return (snapshots / names[0]).string();
  }
  throw UserError(fmt::format(
      "[{}] is a repository in a cache of the Hugging Face hub with {}, and {}; expected the snapshot "
      "of refs/main, or a single one; {}",
      repository.string(), found,
      names.empty() ? std::string("nothing in snapshots/")
                    : fmt::format("the snapshots {}", fmt::join(names, ", ")),
      names.empty() ? "download the model again"
                    : "give the folder of the snapshot that is meant, below snapshots/"));
}

}  // namespace

std::string DownloadAdvice(const std::string& name) {
  std::string_view repository = name;
  for (const std::string_view address : {"https://huggingface.co/", "hf.co/", "huggingface.co/"}) {
    if (repository.starts_with(address)) repository.remove_prefix(address.size());
  }
  // The hub allows letters, digits, '-', '_' and '.', one '/', and neither '-' nor '.' at the ends.
  const size_t slash = repository.find('/');
  const auto is_word = [](std::string_view word) {
    const auto is_end = [](char c) { return c == '-' || c == '.'; };
    return !word.empty() && !is_end(word.front()) && !is_end(word.back()) &&
           std::all_of(word.begin(), word.end(), [](unsigned char c) {
             return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
           });
  };
  if (slash == std::string_view::npos || !is_word(repository.substr(0, slash)) ||
      !is_word(repository.substr(slash + 1))) {
    return "";
  }
  return fmt::format(
      "lacos downloads nothing: if this is a name on the Hugging Face hub, run `hf download {} "
      "--local-dir {}` and give that folder",
      repository, repository.substr(slash + 1));
}

std::string FindModelPlace(const std::string& place, const std::string& what) {
  if (FolderExists(place)) return IsCachedRepository(place) ? SnapshotOf(place) : place;
  const std::string advice = DownloadAdvice(place);
  throw UserError(fmt::format("[{}] is no folder{}; expected {}; {}", place,
                              advice.empty() ? "" : " on this machine", what,
                              advice.empty() ? "check the path" : advice));
}

}  // namespace lacos
