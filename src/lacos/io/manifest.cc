#include "lacos/io/manifest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/parallel.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/folder.h"
#include "lacos/io/git_lfs.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/paths.h"
#include "lacos/io/posix.h"
#include "lacos/io/temporary.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifestName = "lacos.json";
constexpr int64_t kCheckedBytes = int64_t{64} << 20;  // hashing this much takes a tenth of a second

// The paths of the regular files below `folder`, relative to it and sorted. Unfinished temporary
// files do not belong to the folder's content.
std::vector<std::string> FilesBelow(const std::string& folder,
                                    const std::vector<std::string>& left_out) {
  std::vector<std::string> files = ListFilesBelow(folder, [&](const std::string& name) {
    return IsTemporaryName(name) ||
           std::find(left_out.begin(), left_out.end(), name) != left_out.end();
  });
  std::erase(files, kManifestName);
  return files;
}

int64_t SizeOfFile(const std::string& path) {
  const FileDescriptor file = OpenRegularFile(path);
  return RegularFileSize(file.get(), path);
}

std::string HashFile(const std::string& path, const std::function<void()>& between,
                     bool from_disk) {
  const FileDescriptor file = OpenRegularFile(path);
  const int64_t size = RegularFileSize(file.get(), path);
  // this is advice: only clean pages are dropped
  if (from_disk) posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
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

struct RecordedFile {
  std::string name, sha256;
  int64_t bytes = 0;
  TensorHashes tensors;
};

std::vector<RecordedFile> ReadFiles(const std::string& path, const Json& manifest) {
  std::vector<RecordedFile> files;
  manifest.At("files").ForEachItem([&](std::string_view name, const Json& entry) {
    // Only one spelling of a name is accepted, so that each file is hashed once.
    if (!StaysInside(name) || fs::path(name).lexically_normal().generic_string() != name) {
      throw UserError(fmt::format(
          "[{}] names the file '{}'; expected names inside the folder, in their plain spelling; "
          "do not trust this folder",
          path, name));
    }
    files.push_back({.name = std::string(name),
                     .sha256 = entry.At("sha256").AsString(),
                     .bytes = entry.At("bytes").AsInt(),
                     .tensors = {}});
    if (const auto tensors = entry.Find("tensors")) {
      tensors->ForEachItem([&](std::string_view tensor, const Json& hash) {
        files.back().tensors[std::string(tensor)] = hash.AsString();
      });
    }
  });
  return files;
}

// The tensors of a file with a wrong hash that are not as they were written. If the header can be
// read and no tensor differs, then the order of names or the metadata differs.
std::vector<std::string> DamagedTensors(const std::string& path, const TensorHashes& expected) {
  std::vector<std::string> damaged;
  try {
    const SafetensorsFile file(path);
    std::vector<std::pair<std::string, std::string>> list(expected.begin(), expected.end());
    std::vector<char> wrong(list.size());
    ParallelFor(static_cast<int64_t>(list.size()), [&](int64_t i) {
      const TensorEntry* entry = file.Find(list[i].first);
      wrong[i] = entry == nullptr || Sha256Hex(file.Data(*entry)) != list[i].second;
    });
    for (size_t i = 0; i < list.size(); ++i) {
      if (wrong[i]) damaged.push_back(list[i].first);
    }
    if (damaged.empty()) damaged.emplace_back("none; the header");
  } catch (const UserError&) {
    damaged.emplace_back("the header");
  }
  return damaged;
}

std::optional<VerifyProblem> CheckFile(const std::string& folder, const RecordedFile& file,
                                       bool from_disk) {
  const std::string path = folder + "/" + file.name;
  const std::string expected_bytes = fmt::format("{} bytes", file.bytes);
  if (const auto target = DanglingTarget(path)) {
    return VerifyProblem{file.name,
                         fmt::format("a link to '{}', which does not exist", *target),
                         expected_bytes,
                         {}};
  }
  if (!FileExists(path)) return VerifyProblem{file.name, "no file", expected_bytes, {}};
  if (const FileDescriptor open(OpenFile(path, O_RDONLY | O_NONBLOCK)); IsLfsPointer(open.get()))
    return VerifyProblem{file.name, "a Git LFS pointer", expected_bytes, {}};
  const int64_t bytes = SizeOfFile(path);
  if (bytes != file.bytes)
    return VerifyProblem{file.name, fmt::format("{} bytes", bytes), expected_bytes, {}};
  const std::string sha256 = HashFile(path, {}, from_disk);
  if (sha256 == file.sha256) return std::nullopt;
  VerifyProblem problem{file.name, "sha256 " + sha256, "sha256 " + file.sha256, {}};
  if (!file.tensors.empty()) problem.tensors = DamagedTensors(path, file.tensors);
  return problem;
}

}  // namespace

std::string FileSha256(const std::string& path, const std::function<void()>& between) {
  return HashFile(path, between, /*from_disk=*/false);
}

void WriteManifest(const std::string& folder, const Json& extra, const RecordedTensors& tensors,
                   const std::function<void()>& between, const std::vector<std::string>& left_out) {
  const std::vector<std::string> names = FilesBelow(folder, left_out);
  std::vector<std::string> hashes(names.size());
  ParallelFor(static_cast<int64_t>(names.size()),
              [&](int64_t i) { hashes[i] = FileSha256(folder + "/" + names[i], between); });
  Json files = Json::Object();
  for (size_t i = 0; i < names.size(); ++i) {
    Json entry = Json::Object();
    entry.Set("bytes", SizeOfFile(folder + "/" + names[i]));
    entry.Set("sha256", hashes[i]);
    if (const auto found = tensors.find(names[i]);
        found != tensors.end() && !found->second.empty()) {
      Json by_name = Json::Object();
      for (const auto& [tensor, hash] : found->second) {
        if (!hash.empty()) by_name.Set(tensor, hash);
      }
      entry.Set("tensors", by_name);
    }
    files.Set(names[i], entry);
  }
  Json manifest = extra.IsNull() ? Json::Object() : extra;
  manifest.Set("files", files);
  WriteFileAtomically(folder + "/" + kManifestName, manifest.Dump(2) + "\n");
}

bool HasManifest(const std::string& folder) { return FileExists(folder + "/" + kManifestName); }

std::vector<VerifyProblem> VerifyManifest(const std::string& folder, bool from_disk) {
  if (!HasManifest(folder)) {
    throw UserError(
        fmt::format("[{}] has no {}; expected a folder that lacos wrote; check the path", folder,
                    kManifestName));
  }
  const std::string path = folder + "/" + kManifestName;
  const std::vector<RecordedFile> expected = ReadFiles(path, Json::ReadFile(path));
  std::vector<std::optional<VerifyProblem>> found(expected.size());
  ParallelFor(static_cast<int64_t>(expected.size()),
              [&](int64_t i) { found[i] = CheckFile(folder, expected[i], from_disk); });
  std::vector<VerifyProblem> problems;
  for (auto& problem : found) {
    if (problem) problems.push_back(std::move(*problem));
  }
  return problems;
}

void RequireAsRecorded(const std::string& path) {
  const fs::path file = fs::path(path).lexically_normal();
  fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (!HasManifest(folder.string())) folder = (folder / "..").lexically_normal();
  if (!HasManifest(folder.string())) return;
  const std::string record = (folder / kManifestName).string();
  const Json manifest = Json::ReadFile(record);
  if (const auto kind = manifest.Find("kind");
      kind && kind->IsString() && kind->AsString() == "random")
    return;
  const auto files = manifest.Find("files");
  const auto entry =
      files ? files->Find(file.lexically_relative(folder).generic_string()) : std::nullopt;
  if (!entry) return;
  const auto refuse = [&](const std::string& found, const std::string& expected) {
    throw UserError(fmt::format(
        "[{0}] has {1}; expected {2}, as {3} records: it is damaged, or was changed since; get it "
        "again, or if the change is meant take its entry out of \"files\" in {3}",
        path, found, expected, record));
  };
  const int64_t bytes = SizeOfFile(path), recorded = entry->At("bytes").AsInt();
  if (bytes != recorded) refuse(fmt::format("{} bytes", bytes), fmt::to_string(recorded));
  if (bytes > kCheckedBytes) return;
  const std::string sha256 = FileSha256(path), expected = entry->At("sha256").AsString();
  if (sha256 != expected) refuse("the sha256 " + sha256, expected);
}

Json ReadRecordedJson(const std::string& path) {
  RequireAsRecorded(path);
  return Json::ReadFile(path);
}

}  // namespace lacos
