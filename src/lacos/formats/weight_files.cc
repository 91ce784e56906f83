#include "lacos/formats/weight_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/formats/bloom_tensors.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"
#include "lacos/io/torch_file.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "transformer.";

// The texts among the tensors. bitsandbytes 0.38 to 0.42 named the order of its codes in a text,
// and only one of the orders is supported.
const std::map<std::string, std::string>& CheckedTexts(const TensorFile& file) {
  static const std::map<std::string, std::string> none;
  const auto* torch = dynamic_cast<const TorchFile*>(&file);
  if (torch == nullptr) return none;
  for (const auto& [name, text] : torch->texts()) {
    if (IsHeadTensor(name) || (name.ends_with(".weight_format") && text == "row")) continue;
    throw UserError(fmt::format(
        "[{}: {}] is the text '{}'; expected tensors, and the weight_format 'row' at most; save "
        "the model again, best as safetensors",
        file.path(), name, text));
  }
  return torch->texts();
}

// The weight files of a folder: for each file, the names of the tensors that the index places
// there, without those of heads. Without an index there is one file.
struct Listing {
  std::string index;  // the path of the index; empty if there is none
  std::map<std::string, std::vector<std::string>> names;
};

Listing ListFiles(const fs::path& root) {
  Listing listing;
  for (const char* form : {"model.safetensors", "pytorch_model.bin"}) {
    const fs::path index = root / (std::string(form) + ".index.json");
    if (PathExists((root / form).string())) {
      listing.names[form];
    } else if (PathExists(index.string())) {
      listing.index = index.string();
      for (const auto& [name, shard] : ReadWeightMap(listing.index)) {
        std::vector<std::string>& names = listing.names[shard];
        if (!IsHeadTensor(name)) names.push_back(name);
      }
    } else {
      continue;
    }
    return listing;
  }
  throw UserError(fmt::format(
      "[{}] holds neither model.safetensors nor pytorch_model.bin, nor the index of either; "
      "expected a BLOOM folder; check the path",
      root.string()));
}

}  // namespace

std::map<std::string, std::string> ReadWeightMap(const std::string& index_path) {
  std::map<std::string, std::string> map;
  ReadRecordedJson(index_path)
      .At("weight_map")
      .ForEachItem([&](std::string_view name, const Json& value) {
        const fs::path shard(value.AsString());
        if (!StaysInside(shard.string()) || !shard.has_filename()) {
          throw UserError(fmt::format(
              "{} found '{}'; expected the name of a file in the same folder; get the index again "
              "from its source",
              value.Where(), shard.string()));
        }
        map.emplace(name, shard.lexically_normal().string());
      });
  return map;
}

WeightFiles OpenWeightFiles(const std::string& folder) {
  const fs::path root(folder);
  const Listing listing = ListFiles(root);
  WeightFiles weights;
  std::string prefixed, plain;  // an example of each kind, for the message
  for (const auto& [shard, names] : listing.names) {
    // Without a shard that would hold only a head, nothing is missing.
    const bool only_heads = !listing.index.empty() && names.empty();
    if (only_heads && !PathExists((root / shard).string())) continue;
    auto file = OpenTensorFile((root / shard).string());
    const auto& texts = CheckedTexts(*file);
    for (const std::string& name : names) {
      if (file->Find(name) != nullptr || texts.contains(name)) continue;
      throw UserError(fmt::format(
          "[{}] lacks {}; expected it there because {} says so; get both again from their "
          "source",
          file->path(), name, listing.index));
    }
    for (const TensorEntry& entry : file->tensors()) {
      if (IsHeadTensor(entry.name)) {
        weights.heads.push_back(entry.name);
        continue;
      }
      if (!listing.index.empty() && !std::binary_search(names.begin(), names.end(), entry.name)) {
        throw UserError(fmt::format(
            "[{}] holds {}; expected only tensors that {} places there; get both again from "
            "their source",
            file->path(), entry.name, listing.index));
      }
      const bool has_prefix = entry.name.starts_with(kPrefix);
      (has_prefix ? prefixed : plain) = entry.name;
      weights.tensors.emplace(has_prefix ? entry.name.substr(kPrefix.size()) : entry.name,
                              StoredTensor{file, entry});
    }
    weights.files.push_back(std::move(file));
  }
  if (!prefixed.empty() && !plain.empty()) {
    throw UserError(fmt::format(
        "[{}] names some tensors with the prefix 'transformer.' ({}) and some without ({}); "
        "expected one form for all; save the model again with transformers",
        folder, prefixed, plain));
  }
  std::sort(weights.heads.begin(), weights.heads.end());
  return weights;
}

}  // namespace lacos
