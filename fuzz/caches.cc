// The files of the two caches that runs share: hidden states (train --cache-layers) and vectors
// (eval --cache).
#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "lacos/base/hash.h"
#include "lacos/eval/tasks/vector_cache.h"
#include "lacos/io/json.h"
#include "lacos/io/mapped_file.h"
#include "lacos/model/layer_cache.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

constexpr int64_t kRowBytes = 8;                // size of one token's state
constexpr int64_t kDimension = 2;               // dimension of the vectors
constexpr std::string_view kMark = "lacosrow";  // start of an entry of the layer cache
constexpr size_t kAlignment = 64, kHeadBytes = 144, kHashDigits = 64;
constexpr size_t kRecordBytes = 32 + kDimension * 4 + 8;  // size of a record of the vector cache

lacos::Json Identity() { return lacos::Json::Parse(R"({"base":"nano","layers":2})", "identity"); }

// The entries of an input have wrong hashes. SignStates and SignVectors correct them, so that the
// code behind the check of the hash is tested too.
void SignStates(std::string& file, size_t header) {
  for (size_t at = header; at + kHeadBytes <= file.size(); at += kAlignment) {
    if (std::string_view(file).substr(at, kMark.size()) != kMark) continue;
    uint64_t tokens = 0;
    std::memcpy(&tokens, file.data() + at + 8, sizeof(tokens));
    const size_t rest = file.size() - at - kHeadBytes;
    if (tokens == 0 || tokens > rest / (4 + kRowBytes)) continue;
    const std::string_view ids = std::string_view(file).substr(at + kHeadBytes, 4 * tokens);
    const std::string states(
        std::string_view(file).substr(at + kHeadBytes + 4 * tokens, kRowBytes * tokens));
    file.replace(at + 16, kHashDigits, Sha256Hex(states));
    file.replace(at + 80, kHashDigits, Sha256Hex(file.substr(at, 80) + std::string(ids)));
  }
}

// Each record is for one of `texts`, which the first of the 32 bytes of its text's hash selects.
void SignVectors(std::string& file, size_t header, const std::vector<std::string>& texts) {
  const auto digest = [](const std::string& text) {
    const std::string hex = Sha256Hex(text);
    std::string bytes;
    for (size_t i = 0; i < hex.size(); i += 2)
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
  };
  for (size_t at = header; at + kRecordBytes <= file.size(); at += kRecordBytes) {
    file.replace(at, 32, digest(texts[static_cast<unsigned char>(file[at]) % texts.size()]));
    file.replace(at + kRecordBytes - 8, 8, digest(file.substr(at, kRecordBytes - 8)).substr(0, 8));
  }
}

// Makes an empty cache with `open` and puts the input after its header, or in place of the header.
template <class Open>
void MakeFile(const Open& open, Input input, bool keep_header,
              const std::function<void(std::string&, size_t)>& sign) {
  const std::string path = open().path();
  std::string file = keep_header ? ReadFileToString(path) : "";
  const size_t header = file.size();
  file += Text(input);
  if (sign) sign(file, header);
  WriteScratch("caches/" + path.substr(path.rfind('/') + 1), file);
}

void ReadLayerCache(const std::string& folder, unsigned choice, Input input) {
  const auto open = [&] { return lacos::LayerCache({.folder = folder}, Identity(), kRowBytes); };
  MakeFile(open, input, (choice & 2) == 0,
           (choice & 4) ? SignStates : std::function<void(std::string&, size_t)>());
  const std::vector<std::vector<int32_t>> texts = {{1}, {1, 2}, {7, 8, 9}};
  std::vector<std::optional<std::vector<std::byte>>> states;
  int64_t known = 0;
  {
    lacos::LayerCache cache = open();
    for (const auto& ids : texts) {
      std::vector<std::byte> rows(ids.size() * kRowBytes), added(rows.size(), std::byte{3});
      const bool found = cache.Read(ids, rows);
      Require(!found || cache.Has(ids), "what can be read is there");
      if (!found) cache.Add(ids, added);
      states.push_back(found ? rows : added);
    }
    known = cache.texts();
  }
  lacos::LayerCache cache = open();
  Require(cache.texts() == known, "a cache opens as it was left");
  for (size_t i = 0; i < texts.size(); ++i) {
    std::vector<std::byte> rows(texts[i].size() * kRowBytes);
    Require(cache.Read(texts[i], rows) && rows == *states[i], "states read back as they were");
  }
}

void ReadVectorCache(const std::string& folder, unsigned choice, Input input) {
  const std::vector<std::string> texts = {"a", "b c", ""};
  const auto open = [&] {
    return lacos::VectorCache(folder, Identity(), kDimension, [](const std::string&) {});
  };
  MakeFile(open, input, (choice & 2) == 0,
           (choice & 4)
               ? [&](std::string& file, size_t header) { SignVectors(file, header, texts); }
               : std::function<void(std::string&, size_t)>());
  std::vector<std::vector<float>> vectors;
  {
    lacos::VectorCache cache = open();
    for (const std::string& text : texts) {
      vectors.emplace_back(kDimension, 0.5f);
      std::vector<float> found(kDimension);
      if (cache.Read(text, found)) {
        vectors.back() = found;
      } else {
        cache.Add(text, vectors.back());
      }
    }
  }
  const lacos::VectorCache cache = open();
  for (size_t i = 0; i < texts.size(); ++i) {
    std::vector<float> found(kDimension);
    Require(cache.Read(texts[i], found) &&
                std::memcmp(found.data(), vectors[i].data(), kDimension * sizeof(float)) == 0,
            "a vector reads back as it was");
  }
}

}  // namespace

// Byte 0 has the options: use the cache of vectors (bit 0), take the header from the input too (bit
// 1), sign the entries (bit 2).
void Caches(Input input) {
  if (input.empty()) return;
  RemoveScratch("caches");
  const std::string none = WriteScratch("caches/none", "");
  const std::string folder = none.substr(0, none.rfind('/'));
  const auto choice = static_cast<unsigned>(input[0]);
  (choice & 1) ? ReadVectorCache(folder, choice, input.subspan(1))
               : ReadLayerCache(folder, choice, input.subspan(1));
}

}  // namespace lacos::fuzz
