#include "lacos/model/layer_cache_key.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/version.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/manifest.h"
#include "lacos/tensor/dtype.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSettledSeconds = 2;

// Size, inode and times of a file as one line. Returns nothing if the file was changed just now,
// because a second change within the resolution of the clock would not show in them.
std::optional<std::string> Settled(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  const int64_t newest = std::max<int64_t>(status.st_mtim.tv_sec, status.st_ctim.tv_sec);
  if (newest + kSettledSeconds > time(nullptr)) return std::nullopt;
  return fmt::format("{} bytes, device {} inode {}, modified {}.{:09}, changed {}.{:09}",
                     status.st_size, status.st_dev, status.st_ino, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

// FileSha256 with hashes remembered between runs.
class FileHashes {
 public:
  explicit FileHashes(const std::string& folder) : path_(folder + "/bases.json") {
    try {
      if (fs::exists(path_)) known_ = Json::ReadFile(path_);
    } catch (const UserError&) {  // the file only saves time: hashing again gives the same values
    }
    if (!known_.IsObject()) known_ = Json::Object();
  }

  std::string Hash(const std::string& path) {
    const std::string name = fs::canonical(path).string();
    const std::optional<std::string> before = Settled(path);
    if (before && known_.Has(name) && known_.At(name).IsObject()) {
      const auto state = known_.At(name).Find("file"), hash = known_.At(name).Find("sha256");
      if (state && hash && state->IsString() && hash->IsString() && state->AsString() == *before)
        return hash->AsString();
    }
    const std::string hash = FileSha256(path);
    if (before && Settled(path) == before) {
      Json entry = Json::Object();
      entry.Set("file", *before);
      entry.Set("sha256", hash);
      known_.Set(name, entry);
      changed_ = true;
    }
    return hash;
  }

  void Save() const {
    if (!changed_) return;
    try {
      fs::create_directories(fs::path(path_).parent_path());
      WriteFileAtomically(path_, known_.Dump(2) + "\n");
      // the disk is full or there is no permission; the next run hashes again
    } catch (const UserError&) {
    } catch (const fs::filesystem_error&) {
    }
  }

 private:
  std::string path_;
  Json known_;
  bool changed_ = false;
};

}  // namespace

Json LayerCacheIdentity(const BaseWeights& base_weights, const Backend& backend, Compute compute,
                        int64_t blocks, const std::string& folder) {
  Json weights = Json::Array();
  FileHashes hashes(folder);
  for (const auto& file : base_weights.files()) weights.Append(hashes.Hash(file->path()));
  hashes.Save();
  Json kernels = Json::Array();
  const KernelInfo info = backend.Describe();
  for (const std::string& kernel : info.kernels) kernels.Append(kernel);
  Json identity = Json::Object();
  identity.Set("lacos_version", kLacosVersion);
  identity.Set("config_sha256", Sha256Hex(base_weights.config_json().Dump(-1, /*sorted=*/true)));
  identity.Set("weights_sha256", weights);
  identity.Set("blocks", blocks);
  identity.Set("hidden_size", base_weights.config().hidden_size);
  identity.Set("type", Name(backend.Types().residual));
  identity.Set("compute", Name(compute));
  identity.Set("backend", info.backend);
  for (const KernelInfo::Fact& fact : info.facts) identity.Set(fact.name, fact.value);
  identity.Set("kernels", kernels);
  return identity;
}

}  // namespace lacos
