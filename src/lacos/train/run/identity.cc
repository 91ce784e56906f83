#include "lacos/train/run/identity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "lacos/base/hash.h"
#include "lacos/data/shards.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

// Hashes texts together with their sizes, so that two different lists never give the same bytes.
class TextHash {
 public:
  void Add(std::string_view text) {
    const std::string size = fmt::format("{} ", text.size());
    hash_.Update(std::as_bytes(std::span(size)));
    hash_.Update(std::as_bytes(std::span(text)));
  }
  std::string HexDigest() { return hash_.HexDigest(); }

 private:
  Sha256 hash_;
};

// The hash of a file; for a folder of shards, that of their hashes.
std::string DataSha256(const std::string& path) {
  const std::vector<Shard> shards = ShardsOf(path);
  if (shards.size() == 1) return FileSha256(shards[0].path);
  TextHash hash;
  for (const Shard& shard : shards) hash.Add(FileSha256(shard.path));
  return hash.HexDigest();
}

Json Identity(const std::string& path, int64_t examples, TextHash& texts) {
  Json json = Json::Object();
  json.Set("examples", examples);
  json.Set("sha256", DataSha256(path));
  json.Set("contents_sha256", texts.HexDigest());
  return json;
}

}  // namespace

std::string SampleSha256(const BaseWeights& checkpoint) {
  constexpr int64_t kSampleBytes = 1024;
  TextHash hash;
  std::vector<std::byte> bytes;
  for (const auto& file : checkpoint.files()) {
    for (const TensorEntry& entry : file->tensors()) {
      hash.Add(
          fmt::format("{} {} [{}]", entry.name, Name(entry.dtype), fmt::join(entry.shape, ", ")));
      const int64_t size = std::min(entry.bytes, kSampleBytes);
      bytes.resize(static_cast<size_t>(size));
      for (const int64_t at : {int64_t{0}, (entry.bytes - size) / 2, entry.bytes - size}) {
        file->file()->ReadAt(entry.offset + at, bytes);
        hash.Add({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      }
    }
  }
  return hash.HexDigest();
}

Json AdapterIdentity(const LoadedModel& loaded) {
  if (!loaded.adapter) return {};
  const std::filesystem::path folder = loaded.folder.adapter_path;
  Json json = Json::Object();
  for (const char* name :
       {"adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"}) {
    const std::string path = (folder / name).string();
    if (FileExists(path)) json.Set(name, FileSha256(path));
  }
  return json;
}

Json ExamplesIdentity(const ExampleFile& file) {
  TextHash hash;
  for (const Example& example : file.examples) {
    hash.Add(fmt::format("{} {} {}", example.texts.size(), example.label, example.score));
    for (const std::string& text : example.texts) hash.Add(text);
  }
  return Identity(file.path, static_cast<int64_t>(file.examples.size()), hash);
}

Json DevIdentity(const ScoredPairs& dev) {
  if (dev.path.empty() || dev.first.empty()) return {};
  TextHash hash;
  for (size_t i = 0; i < dev.first.size(); ++i) {
    hash.Add(dev.first[i]);
    hash.Add(dev.second[i]);
    hash.Add(fmt::format("{}", dev.score[i]));
  }
  return Identity(dev.path, static_cast<int64_t>(dev.first.size()), hash);
}

}  // namespace lacos
