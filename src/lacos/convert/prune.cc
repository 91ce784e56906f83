#include "lacos/convert/prune.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include "lacos/base/error.h"
#include "lacos/base/version.h"
#include "lacos/convert/output/weight_files.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/model_place.h"
#include "lacos/formats/side_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/paths.h"
#include "lacos/io/safetensors.h"
#include "lacos/record/run_record.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// The number of the block in a stored tensor's name ("transformer.h.3.mlp..."), or nothing.
std::optional<int64_t> BlockOf(std::string_view name) {
  constexpr std::string_view kPrefix = "transformer.", kBlock = "h.";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  if (!name.starts_with(kBlock)) return std::nullopt;
  name.remove_prefix(kBlock.size());
  int64_t block = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), block);
  if (error != std::errc() || end == name.data() + name.size() || *end != '.') return std::nullopt;
  return block;
}

// Opens the model. Throws UserError if the options do not fit it.
std::shared_ptr<BaseWeights> OpenInput(const std::string& input, const PruneOptions& options) {
  if (!FileExists((fs::path(input) / "config.json").string())) {
    throw UserError(fmt::format(
        "[{}] has no config.json; expected a BLOOM folder, original or quantized; check the path",
        input));
  }
  std::shared_ptr<BaseWeights> base_weights = BaseWeights::Open(input);
  const int64_t layers = base_weights->config().layers;
  if (options.layers >= 1 && options.layers < layers) return base_weights;
  throw UserError(
      fmt::format("[prune] {} of {} layers are to stay; expected 1 to {}; choose another `layers`",
                  options.layers, layers, layers - 1));
}

class FolderPruner {
 public:
  FolderPruner(const BaseWeights& base_weights, const PruneOptions& options) : options_(options) {
    for (const TensorSpec& spec : ListTensors(base_weights.config())) {
      const StoredTensor& tensor = base_weights.Tensor(spec.name);
      own_.insert({tensor.file.get(), tensor.entry.name});
    }
    for (const auto& file : base_weights.files()) {
      for (const TensorEntry& entry : file->tensors()) {
        bytes_before_ += entry.bytes;
        if (Stays(*file, entry)) total_ += entry.bytes;
      }
    }
  }

  bool HoldsAny(const TensorFile& file) const {
    for (const TensorEntry& entry : file.tensors()) {
      if (Stays(file, entry)) return true;
    }
    return false;
  }

  TensorHashes WriteFile(const std::shared_ptr<TensorFile>& input, const std::string& output) {
    SafetensorsWriter writer(output);
    for (const TensorEntry& entry : input->tensors()) {
      if (Stays(*input, entry)) writer.Declare(entry.name, entry.dtype, entry.shape);
    }
    for (const TensorEntry& target : writer.Begin()) {
      CopyTensor({input, *input->Find(target.name)}, target, writer, {.done = [&](int64_t bytes) {
                   done_ += bytes;
                   options_.writing.Report({.done = done_, .total = total_});
                 }});
    }
    return writer.Finish();
  }

  int64_t bytes_before() const { return bytes_before_; }
  int64_t bytes_after() const { return done_; }

 private:
  bool Stays(const TensorFile& file, const TensorEntry& entry) const {
    if (const auto block = BlockOf(entry.name)) return *block < options_.layers;
    return own_.contains({&file, entry.name}) || !IsAlias(file, entry);
  }

  const PruneOptions& options_;
  std::set<std::pair<const TensorFile*, std::string>> own_;  // tensors that an encoder has
  int64_t bytes_before_ = 0, total_ = 0, done_ = 0;
};

}  // namespace

PruneReport PruneFolder(const std::string& given, const std::string& output,
                        const PruneOptions& options) {
  const std::string input = FindModelPlace(given, "a BLOOM folder");
  CheckOutput(output, {.overwrite = options.writing.overwrite, .inputs = {input}});
  const std::shared_ptr<BaseWeights> base_weights = OpenInput(input, options);
  AtomicFolder folder(output, options.writing.overwrite);
  const fs::path target(folder.temporary());

  FolderPruner pruner(*base_weights, options);
  // A shard that has only upper blocks has no counterpart in the result.
  const RecordedTensors written = WriteWeightFiles(
      *base_weights, input, target.string(),
      [&](const auto& file, const std::string& path) { return pruner.WriteFile(file, path); },
      [&](const TensorFile& file) { return pruner.HoldsAny(file); });
  WriteWeightIndex(target.string(), written, pruner.bytes_after(), /*like=*/input);

  CopySideFiles(input, target.string());
  Json config = base_weights->config_json();
  for (const char* key : {"n_layer", "num_hidden_layers"}) {
    if (config.Has(key)) config.Set(key, options.layers);
  }
  WriteFileAtomically((target / "config.json").string(), config.Dump(2) + "\n");
  const BloomConfig after = ParseBloomConfig(config, (target / "config.json").string());

  Json extra = Json::Object();
  extra.Set("lacos_version", kLacosVersion);
  extra.Set("kind", "pruned");
  extra.Set("original", AbsolutePath(input));
  extra.Set("layers", after.layers);
  extra.Set("layers_of_original", base_weights->config().layers);
  CommitFolder(folder, options.writing,
               {.inputs = [&](RunInputs& inputs) { inputs.AddBase(input); }}, extra, written);
  return {.layers_before = base_weights->config().layers,
          .layers_after = after.layers,
          .parameters_before = base_weights->config().Parameters(),
          .parameters_after = after.Parameters(),
          .bytes_before = pruner.bytes_before(),
          .bytes_after = pruner.bytes_after()};
}

}  // namespace lacos
