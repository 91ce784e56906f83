#include "lacos/model/weight_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "lacos/base/error.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "transformer.";

void RefusePickle(const fs::path& folder) {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (!fs::exists(folder / name)) continue;
    throw UserError(
        fmt::format("[{}] holds {} and no model.safetensors; expected safetensors weights, since only "
                    "safetensors are read; convert the model to safetensors or download that form",
                    folder.string(), name));
  }
}

// lm_head is tied to the word embedding and not used by an encoder.
bool IsHead(const std::string& name) {
  return name == "lm_head.weight" || name == "transformer.lm_head.weight";
}

}  // namespace

std::map<std::string, std::string> ReadWeightMap(const std::string& index_path) {
  std::map<std::string, std::string> map;
  Json::ReadFile(index_path).At("weight_map").ForEachItem([&](std::string_view name, const Json& value) {
    const fs::path shard(value.AsString());
    const bool inside =
        !shard.empty() && shard.is_relative() && shard.has_filename() &&
        std::none_of(shard.begin(), shard.end(), [](const fs::path& part) { return part == ".."; });
    if (!inside) {
      throw UserError(
          fmt::format("{} found '{}'; expected the name of a file in the same folder; get the index again "
                      "from its source",
                      value.Where(), shard.string()));
    }
    map.emplace(name, shard.lexically_normal().string());
  });
  return map;
}

WeightFiles OpenWeightFiles(const std::string& folder) {
  const fs::path root(folder);
  std::map<std::string, std::vector<std::string>> expected;  // by file: the names that the index places there
  const bool single = fs::exists(root / "model.safetensors");
  const fs::path index = root / "model.safetensors.index.json";
  if (single) {
    expected["model.safetensors"];
  } else if (fs::exists(index)) {
    for (const auto& [name, shard] : ReadWeightMap(index.string())) expected[shard].push_back(name);
  } else {
    RefusePickle(root);
    throw UserError(
        fmt::format("[{}] holds neither model.safetensors nor model.safetensors.index.json; expected a BLOOM "
                    "folder; check the path",
                    folder));
  }

  WeightFiles weights;
  std::string prefixed, plain;  // an example of each, for the message
  for (const auto& [shard, names] : expected) {
    auto file = OpenTensorFile((root / shard).string());
    for (const std::string& name : names) {
      if (file->Find(name) != nullptr) continue;
      throw UserError(
          fmt::format("[{}] lacks {}; expected it there because {} says so; get both again from their "
                      "source",
                      file->path(), name, index.string()));
    }
    for (const TensorEntry& entry : file->tensors()) {
      if (IsHead(entry.name)) continue;
      if (!single && !std::binary_search(names.begin(), names.end(), entry.name)) {
        throw UserError(
            fmt::format("[{}] holds {}; expected only tensors that {} places there; get both again from "
                        "their source",
                        file->path(), entry.name, index.string()));
      }
      const bool has_prefix = entry.name.starts_with(kPrefix);
      (has_prefix ? prefixed : plain) = entry.name;
      weights.tensors.emplace(has_prefix ? entry.name.substr(kPrefix.size()) : entry.name,
                              StoredTensor{file, entry});
    }
    weights.files.push_back(std::move(file));
  }
  if (!prefixed.empty() && !plain.empty()) {
    throw UserError(
        fmt::format("[{}] names some tensors with the prefix 'transformer.' ({}) and some without ({}); "
                    "expected one form for all; save the model again with transformers",
                    folder, prefixed, plain));
  }
  return weights;
}

}  // namespace lacos
