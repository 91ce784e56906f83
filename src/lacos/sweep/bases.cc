#include "lacos/sweep/bases.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/version.h"
#include "lacos/convert/prune.h"
#include "lacos/convert/quantize.h"
#include "lacos/formats/model_folder.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"
#include "lacos/train/run/identity.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

PreparedBase Describe(const std::string& path) {
  const std::shared_ptr<BaseWeights> base_weights = BaseWeights::Open(path);
  return {.path = path,
          .layers = base_weights->config().layers,
          .parameters = base_weights->config().Parameters(),
          .bytes = base_weights->Bytes(),
          .relative_error = Json()};
}

// The contents of NAME.json beside a derived base, provided that the base exists and was made from
// sources with this identity.
std::optional<Json> RecordOf(const std::string& path, const std::string& identity) {
  if (!FileExists(path + ".json") || !HasManifest(path)) return std::nullopt;
  const Json record = Json::ReadFile(path + ".json");
  return record.At("identity").AsString() == identity ? std::optional(record) : std::nullopt;
}

}  // namespace

const SweepBases::Source& SweepBases::Open(const std::string& base) {
  const auto found = sources_.find(base);
  if (found != sources_.end()) return found->second;
  const ModelFolder folder = OpenModelFolder(recipe_.bases.at(base), "", "");
  if (folder.kind == ModelFolder::Kind::kTrained) {
    throw UserError(fmt::format(
        "[{}: bases.{}] {} is a trained model; expected a BLOOM folder, original or quantized; name its base",
        recipe_.path, base, folder.path));
  }
  Source source{.base_weights = BaseWeights::Open(folder.base_path), .path = folder.base_path};
  source.identity = Sha256Hex(source.base_weights->config_json().Dump(-1, /*sorted=*/true) +
                              SampleSha256(*source.base_weights) +
                              TokenizerIdentity(folder, *OpenTokenizer(folder)));
  return sources_.emplace(base, std::move(source)).first->second;
}

int64_t SweepBases::Layers(const CellSettings& settings) {
  const Source& source = Open(settings.base);
  const int64_t all = source.base_weights->config().layers;
  if (settings.layers > all) {
    throw UserError(fmt::format(
        "[{}: layers] found {}; expected at most {}, the layers of '{}'; correct the recipe",
        recipe_.path, settings.layers, all, settings.base));
  }
  if (settings.quantization != "none" &&
      source.base_weights->quantization().scheme != QuantScheme::kNone) {
    throw UserError(fmt::format(
        "[{}: quantization] found '{}', but the base '{}' is quantized already; expected none, or an "
        "original base; correct the recipe",
        recipe_.path, settings.quantization, settings.base));
  }
  return settings.layers == 0 ? all : settings.layers;
}

std::string SweepBases::Identity(const CellSettings& settings) {
  return Sha256Hex(fmt::format("{}\n{}\n{}", Open(settings.base).identity, Layers(settings),
                               settings.quantization));
}

PreparedBase SweepBases::Prepare(const CellSettings& settings,
                                 const std::function<void(const std::string&)>& made) {
  const Source& source = Open(settings.base);
  const int64_t layers = Layers(settings);
  std::string path = source.path;
  std::string name = settings.base;
  const auto make = [&](const CellSettings& step, const auto& write) {
    path = (fs::path(folder_) / name).string();
    const std::string identity = Identity(step);
    if (const auto record = RecordOf(path, identity)) return record->At("relative_error");
    std::error_code error;  // ignored: writing a file there reports the failure
    fs::create_directories(folder_, error);
    if (made) made(path);
    const Json relative_error = write();
    Json record = Json::Object();
    record.Set("identity", identity);
    record.Set("base", settings.base);
    record.Set("layers", layers);
    record.Set("quantization", step.quantization);
    record.Set("relative_error", relative_error);
    record.Set("lacos_version", kLacosVersion);
    WriteFileAtomically(path + ".json", record.Dump(2) + "\n");
    return relative_error;
  };
  if (layers < source.base_weights->config().layers) {
    CellSettings pruned = settings;
    pruned.quantization = "none";
    name += fmt::format("-{}layers", layers);
    make(pruned, [&] {
      PruneFolder(source.path, path, {.layers = layers, .writing = {.overwrite = true}});
      return Json();
    });
  }
  PreparedBase base;
  if (settings.quantization == "none") {
    base = Describe(path);
  } else {
    const std::string from = path;
    const QuantizationChoice choice = ParseQuantization(settings.quantization);
    std::string suffix = settings.quantization;
    std::ranges::replace(suffix, '/', '-');
    name += "-" + suffix;
    const Json error = make(settings, [&] {
      const QuantizeReport report = QuantizeFolder(from, path,
                                                   {.scheme = choice.scheme,
                                                    .block_size = choice.block_size,
                                                    .writing = {.overwrite = true}});
      Json errors = Json::Object();
      for (const auto& [kind, value] : report.relative_error) errors.Set(kind, value);
      return errors;
    });
    base = Describe(path);
    base.relative_error = error;
  }
  return base;
}

std::shared_ptr<BaseWeights> SweepBases::Shape(const CellSettings& settings) {
  const Source& source = Open(settings.base);
  BloomConfig config = source.base_weights->config();
  config.layers = Layers(settings);
  QuantizationInfo info = source.base_weights->quantization();
  if (settings.quantization != "none") {
    const QuantizationChoice choice = ParseQuantization(settings.quantization);
    info = {.scheme = choice.scheme, .block_size = choice.block_size};
  }
  const DType dtype = source.base_weights->Tensor("word_embeddings_layernorm.weight").entry.dtype;
  return BaseWeights::WithoutWeights(config, info, dtype);
}

}  // namespace lacos
