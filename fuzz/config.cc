// The small JSON files of a model folder: each is read by its own reader, then all together.
#include <filesystem>

#include "files.h"
#include "lacos/base/error.h"
#include "lacos/formats/bloom_config.h"
#include "lacos/formats/model_folder.h"
#include "lacos/formats/peft_config.h"
#include "lacos/formats/sentence_transformers.h"
#include "lacos/formats/side_files.h"
#include "lacos/formats/weight_files.h"
#include "lacos/io/json.h"
#include "lacos/io/manifest.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

namespace fs = std::filesystem;

// Ignores a UserError, so that one reader's refusal does not hide the readers after it.
template <class F>
void Each(const fs::path& path, const F& read) {
  if (!fs::exists(path)) return;
  try {
    read(path.string());
  } catch (const UserError&) {
  }
}

void RequireInside(const std::string& name) {
  const fs::path path = fs::path(name).lexically_normal();
  Require(!path.empty() && path.is_relative() && *path.begin() != "..",
          "names of an index stay in the folder");
}

}  // namespace

void Config(Input input) {
  const fs::path folder = MakeModelFolder(Text(input));
  Each(folder / "config.json", [](const std::string& path) {
    const lacos::Json json = lacos::Json::ReadFile(path);
    const BloomConfig config = ParseBloomConfig(json, path);
    Require(config.Parameters() > 0 && config.head_dim() > 0, "sizes do not overflow");
    const BloomConfig again = ParseBloomConfig(BloomConfigToJson(config, "float32"), path);
    Require(again.hidden_size == config.hidden_size && again.layers == config.layers &&
                again.layer_norm_epsilon == config.layer_norm_epsilon,
            "a configuration reads back as it was");
  });
  Each(folder / "adapter_config.json", [](const std::string& path) {
    const PeftConfig config = ReadPeftConfig(path);
    for (const char* module :
         {"h.0.self_attention.query_key_value", "transformer.h.12.mlp.dense_4h_to_h"}) {
      config.targets(module, 0);
      Require(config.rank_of(module) >= 1, "a rank is at least 1");
      config.alpha_of(module);
    }
  });
  for (const char* index : {"model.safetensors.index.json", "pytorch_model.bin.index.json"}) {
    Each(folder / index, [](const std::string& path) {
      for (const auto& [name, file] : ReadWeightMap(path)) RequireInside(file);
    });
  }
  Each(folder / "modules.json", [&](const std::string&) {
    const auto read = ReadSentenceTransformers(folder.string());
    if (!read.transformer_path.empty()) RequireInside(read.transformer_path);
    Require(!read.settings.max_length || *read.settings.max_length >= 1,
            "a maximal length is at least 1");
  });
  Each(folder / "lacos.json", [&](const std::string&) {
    for (const VerifyProblem& problem : VerifyManifest(folder.string()))
      RequireInside(problem.file);
  });
  OpenModelFolder(folder.string(), "", "");
}

}  // namespace lacos::fuzz
