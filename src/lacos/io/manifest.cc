#include "lacos/io/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/parallel.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/paths.h"
#include "lacos/io/posix.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifestName = "lacos.json";

// Paths of the regular files below `folder`, relative to it, sorted; unfinished temporaries are nobody's
// content.
std::vector<std::string> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; it != end; it.increment(error)) {
    if (error) break;
    const std::string name = it->path().filename().string();
    if (name.find(".lacos-tmp-") != std::string::npos || name.find(".lacos-old-") != std::string::npos) {
      it.disable_recursion_pending();
    } else if (it->is_regular_file()) {
      const std::string relative = it->path().lexically_relative(folder).generic_string();
      if (relative != kManifestName) files.push_back(relative);
    }
  }
  if (error) {
    throw UserError(fmt::format("[{}] could not be listed: {}; expected a readable folder; check the path",
                                folder, error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

int64_t SizeOfFile(const std::string& path) {
  const FileDescriptor file = OpenRegularFile(path);
  return RegularFileSize(file.get(), path);
}

}  // namespace

std::string FileSha256(const std::string& path, const std::function<void()>& between) {
  const FileDescriptor file = OpenRegularFile(path);
  const int64_t size = RegularFileSize(file.get(), path);
  std::vector<std::byte> buffer(size_t{1} << 20);
  Sha256 hash;
  for (int64_t offset = 0; offset < size;) {
    if (between) between();
    const auto n = std::min(size - offset, static_cast<int64_t>(buffer.size()));
    const std::span<std::byte> part(buffer.data(), static_cast<size_t>(n));
    PreadFully(file.get(), offset, part, path);
    hash.Update(part);
    offset += n;
  }
  return hash.HexDigest();
}

void WriteManifest(const std::string& folder, const Json& extra, const std::function<void()>& between) {
  const std::vector<std::string> names = FilesBelow(folder);
  std::vector<std::string> hashes(names.size());
  ParallelFor(static_cast<int64_t>(names.size()),
              [&](int64_t i) { hashes[i] = FileSha256(folder + "/" + names[i], between); });
  Json files = Json::Object();
  for (size_t i = 0; i < names.size(); ++i) {
    Json entry = Json::Object();
    entry.Set("bytes", SizeOfFile(folder + "/" + names[i]));
    entry.Set("sha256", hashes[i]);
    files.Set(names[i], entry);
  }
  Json manifest = extra.IsNull() ? Json::Object() : extra;
  manifest.Set("files", files);
  WriteFileAtomically(folder + "/" + kManifestName, manifest.Dump(2) + "\n");
}

void WriteRunRecord(const std::string& folder, const std::function<std::string()>& record) {
  if (record) WriteFileAtomically(folder + "/run.json", record());
}

std::vector<VerifyProblem> VerifyManifest(const std::string& folder) {
  const std::string path = folder + "/" + kManifestName;
  std::error_code error;
  if (!fs::exists(path, error)) {
    throw UserError(fmt::format("[{}] has no {}; expected a folder that lacos wrote; check the path", folder,
                                kManifestName));
  }
  struct Expected {
    std::string name, sha256;
    int64_t bytes;
  };
  std::vector<Expected> expected;
  Json::ReadFile(path).At("files").ForEachItem([&](std::string_view name, const Json& entry) {
    // In one spelling, so that each file is hashed once.
    if (!StaysInside(name) || fs::path(name).lexically_normal().generic_string() != name) {
      throw UserError(
          fmt::format("[{}] names the file '{}'; expected names inside the folder, in their plain spelling; "
                      "do not trust this folder",
                      path, name));
    }
    expected.push_back({std::string(name), entry.At("sha256").AsString(), entry.At("bytes").AsInt()});
  });

  std::vector<std::optional<VerifyProblem>> found(expected.size());
  ParallelFor(static_cast<int64_t>(expected.size()), [&](int64_t i) {
    const Expected& file = expected[i];
    const std::string file_path = folder + "/" + file.name;
    std::error_code missing;
    if (!fs::is_regular_file(file_path, missing)) {
      found[i] = {file.name, "no file", fmt::format("{} bytes", file.bytes)};
      return;
    }
    const int64_t bytes = SizeOfFile(file_path);
    if (bytes != file.bytes) {
      found[i] = {file.name, fmt::format("{} bytes", bytes), fmt::format("{} bytes", file.bytes)};
      return;
    }
    const std::string sha256 = FileSha256(file_path);
    if (sha256 != file.sha256) found[i] = {file.name, "sha256 " + sha256, "sha256 " + file.sha256};
  });
  std::vector<VerifyProblem> problems;
  for (auto& problem : found) {
    if (problem) problems.push_back(std::move(*problem));
  }
  return problems;
}

}  // namespace lacos
