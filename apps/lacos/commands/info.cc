// `lacos info`: shows what a model folder contains and how this machine would run it.
#include <fmt/format.h>

#include <memory>

#include "commands/commands.h"
#include "flags/common.h"
#include "flags/setting_flags.h"
#include "lacos/base/parallel.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/license.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/formats/model_folder.h"
#include "lacos/formats/model_size.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/loaded_model.h"
#include "lacos/record/machine.h"
#include "terminal/machine.h"
#include "terminal/output.h"
#include "terminal/progress.h"
#include "terminal/rates.h"

namespace lacos::cli {
namespace {

std::string KindName(ModelFolder::Kind kind) {
  switch (kind) {
    case ModelFolder::Kind::kOriginal:
      return "original";
    case ModelFolder::Kind::kQuantized:
      return "quantized";
    case ModelFolder::Kind::kTrained:
      return "trained";
  }
  return "?";
}

// All facts that are shown, gathered once for both forms of output.
struct Facts {
  ModelFolder folder;
  std::shared_ptr<BaseWeights> base_weights;
  std::optional<LoraAdapter> adapter;
  BaseSize size;
  Cpu cpu;
  KernelInfo kernels;
  BackendMemory memory;
  std::optional<DeviceRates> rates;  // only of a GPU
  std::string license;               // word in the base's README, or empty
  std::vector<std::string> notes;
};

Json ArchitectureJson(const BloomConfig& config) {
  Json json = Json::Object();
  json.Set("type", "bloom");
  json.Set("layers", config.layers);
  json.Set("hidden_size", config.hidden_size);
  json.Set("heads", config.heads);
  json.Set("head_dim", config.head_dim());
  json.Set("vocab_size", config.vocab_size);
  return json;
}

Json SettingsJson(const GlobalOptions& globals, const EmbeddingSettings& settings) {
  Json prompts = Json::Object();
  for (const auto& [name, text] : settings.prompts) prompts.Set(name, text);
  Json json = Json::Object();
  json.Set("compute", Name(globals.compute));
  json.Set("threads", ThreadCount());
  json.Set("pooling", Name(settings.pooling.value_or(Pooling::kMean)));
  json.Set("normalize", settings.normalize.value_or(false));
  json.Set("strip", settings.strip.value_or(false));
  json.Set("similarity", Name(settings.similarity.value_or(Similarity::kCosine)));
  json.Set("max_length", settings.max_length.value_or(2048));
  json.Set("truncate_dim", settings.truncate_dim ? Json(*settings.truncate_dim) : Json());
  json.Set("prompts", prompts);
  json.Set("default_prompt_name", settings.default_prompt_name);
  return json;
}

Json AdapterJson(const LoraAdapter& adapter) {
  Json json = Json::Object();
  json.Set("rank", adapter.settings.rank);
  json.Set("alpha", adapter.settings.alpha);
  json.Set("dropout", adapter.settings.dropout);
  json.Set("targets", Json::Strings(adapter.settings.targets));
  json.Set("modules", static_cast<int64_t>(adapter.modules.size()));
  json.Set("biases", static_cast<int64_t>(adapter.biases.size()));
  return json;
}

void PrintFactsJson(const GlobalOptions& globals, const Facts& facts) {
  Json bytes = Json::Object();
  for (const auto& [type, count] : facts.size.bytes_by_type) bytes.Set(type, count);
  const QuantizationInfo& info = facts.base_weights->quantization();
  Json quantization;
  if (info.scheme != QuantScheme::kNone) {
    quantization = Json::Object();
    quantization.Set("scheme", std::string(Name(info.scheme)));
    quantization.Set("block_size", info.block_size == 0 ? Json("row") : Json(info.block_size));
  }
  Json cpu = Json::Object();
  cpu.Set("name", facts.cpu.name);
  cpu.Set("features", Json::Strings(facts.cpu.features));
  Json json = Json::Object();
  json.Set("model", facts.folder.path);
  json.Set("kind", KindName(facts.folder.kind));
  json.Set("base", facts.folder.base_path);
  json.Set("base_name", facts.folder.base_name);
  json.Set("license", facts.license.empty() ? Json() : Json(facts.license));
  json.Set("license_notice", LicenseNotice(facts.license));
  json.Set("architecture", ArchitectureJson(facts.base_weights->config()));
  json.Set("parameters", facts.base_weights->config().Parameters());
  json.Set("trainable", facts.adapter ? CountParameters(*facts.adapter) : int64_t{0});
  json.Set("quantization", quantization);
  json.Set("dtypes", bytes);
  json.Set("bytes", facts.base_weights->Bytes());
  json.Set("resident_base_bytes", facts.size.resident_bytes);
  json.Set("adapter", facts.adapter ? AdapterJson(*facts.adapter) : Json());
  json.Set("settings", SettingsJson(globals, facts.folder.settings));
  json.Set("cpu", cpu);
  json.Set("backend", facts.kernels.backend);
  for (const KernelInfo::Fact& fact : facts.kernels.facts) json.Set(fact.name, fact.value);
  json.Set("kernels", Json::Strings(facts.kernels.kernels));
  json.Set("device", NameOf(globals.device));
  json.Set("memory_total_bytes", facts.memory.total);
  json.Set("memory_free_bytes", facts.memory.free);
  json.Set("rates", facts.rates ? RatesJson(*facts.rates) : Json());
  json.Set("notes", Json::Strings(facts.notes));
  PrintJson(json);
}

std::string Size(int64_t bytes) {
  return fmt::format("{} ({})", bytes, FormatBytes(static_cast<double>(bytes)));
}

void PrintFactsText(const GlobalOptions& globals, const Facts& facts) {
  const BloomConfig& config = facts.base_weights->config();
  const QuantizationInfo& info = facts.base_weights->quantization();
  const EmbeddingSettings& settings = facts.folder.settings;
  FieldList fields;
  fields.Add("model", fmt::format("{} ({})", facts.folder.path, KindName(facts.folder.kind)));
  if (facts.folder.base_path != facts.folder.path) fields.Add("base", facts.folder.base_path);
  fields.Add("original base", facts.folder.base_name);
  fields.Add("licence", LicenseNotice(facts.license));
  fields.Add(
      "architecture",
      fmt::format("bloom: {} layers, hidden {}, {} heads of {}, vocabulary {}", config.layers,
                  config.hidden_size, config.heads, config.head_dim(), config.vocab_size));
  fields.Add("parameters", fmt::format("{}", config.Parameters()));
  if (info.scheme != QuantScheme::kNone) fields.Add("quantization", QuantizationText(info));
  for (const auto& [type, bytes] : facts.size.bytes_by_type)
    fields.Add("stored as " + type, Size(bytes));
  fields.Add("bytes", Size(facts.base_weights->Bytes()));
  fields.Add("resident base", Size(facts.size.resident_bytes));
  if (facts.adapter) {
    const LoraSettings& lora = facts.adapter->settings;
    fields.Add("adapter",
               facts.adapter->modules.empty()
                   ? fmt::format("{} biases", facts.adapter->biases.size())
                   : fmt::format("rank {}, alpha {}, on {} ({} modules)", lora.rank, lora.alpha,
                                 fmt::join(lora.targets, ", "), facts.adapter->modules.size()));
    fields.Add("trainable", fmt::format("{}", CountParameters(*facts.adapter)));
  }
  fields.Add("pooling", std::string(Name(settings.pooling.value_or(Pooling::kMean))));
  fields.Add("normalize", settings.normalize.value_or(false) ? "yes" : "no");
  fields.Add("strip", settings.strip.value_or(false) ? "yes" : "no");
  fields.Add("similarity", std::string(Name(settings.similarity.value_or(Similarity::kCosine))));
  fields.Add("max length", fmt::format("{}", settings.max_length.value_or(2048)));
  if (settings.truncate_dim)
    fields.Add("truncate dim", fmt::format("{} leading values", *settings.truncate_dim));
  for (const auto& [name, text] : settings.prompts) {
    fields.Add("prompt " + name,
               text + (name == settings.default_prompt_name ? "   (default)" : ""));
  }
  fields.Add("cpu", facts.cpu.name);
  fields.Add("cpu features", fmt::format("{}", fmt::join(facts.cpu.features, " ")));
  fields.Add("compute", fmt::format("{}, {} threads", Name(globals.compute), ThreadCount()));
  fields.Add("backend", fmt::format("{}, {}", facts.kernels.backend, facts.kernels.FactsText()));
  for (const std::string& kernel : facts.kernels.kernels) fields.Add("kernel", kernel);
  fields.Add("memory",
             fmt::format("{}, {} free", FormatBytes(static_cast<double>(facts.memory.total)),
                         FormatBytes(static_cast<double>(facts.memory.free))));
  if (facts.rates) AddRates(*facts.rates, fields);
  for (const std::string& note : facts.notes) fields.Add("note", note);
  Out().Write(fields.Text());
}

void Info(const GlobalOptions& globals, const ModelOptions& options) {
  Facts facts;
  facts.folder = OpenModelFolder(options.model, options.base, options.adapter);
  facts.base_weights = BaseWeights::Open(facts.folder.base_path);
  if (!facts.folder.adapter_path.empty()) {
    facts.adapter = ReadLoraAdapter(facts.folder.adapter_path, facts.base_weights->config());
  }
  // A tokenizer that cannot be read is reported here rather than by the first command that needs it.
  OpenTokenizer(facts.folder);
  facts.license = ReadLicense(facts.folder.base_path);
  facts.size = MeasureBase(*facts.base_weights);
  facts.cpu = ReadCpu();
  const std::unique_ptr<Backend> backend =
      MakeBackend({.device = globals.device, .compute = globals.compute});
  facts.memory = backend->Memory();
  // The algorithms of a GPU's products depend on the shapes of the base, which all blocks share.
  if (facts.memory.kind == MemoryKind::kDevice) {
    for (const char* name : {"self_attention.query_key_value", "self_attention.dense",
                             "mlp.dense_h_to_4h", "mlp.dense_4h_to_h"})
      backend->AddWeight(facts.base_weights->Matrix(fmt::format("h.0.{}.weight", name)));
  }
  facts.kernels = backend->Describe();
  const QuantizationInfo& info = facts.base_weights->quantization();
  facts.notes =
      NotesOn(facts.folder, *facts.base_weights, facts.adapter ? &*facts.adapter : nullptr);
  facts.notes.insert(facts.notes.begin(), facts.folder.warnings.begin(),
                     facts.folder.warnings.end());
  for (const std::string& difference :
       DifferencesFromSentenceTransformers(facts.folder, *facts.base_weights))
    facts.notes.push_back(SpellKnownFlags(difference));
  std::string note;
  facts.rates = RatesOf(globals.device, note);
  if (facts.rates) note = SlowInt8Note(facts.rates->products);
  if (!note.empty()) facts.notes.push_back(note);
  const bool works_on_codes = info.scheme == QuantScheme::kLinear && info.block_size == 0;
  if (globals.compute == Compute::kInt8 && !works_on_codes) {
    facts.notes.push_back(
        "int8 re-encodes this base row by row as each matrix is used: only row-wise linear codes "
        "are multiplied as they are stored");
  }
  if (globals.json) {
    PrintFactsJson(globals, facts);
  } else {
    PrintFactsText(globals, facts);
  }
}

}  // namespace

void AddInfoCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(app, globals, "info",
                                 "Show what a model folder holds and how this machine runs it",
                                 "lacos info --model bloom-560m-int8 --compute int8");
  auto options = std::make_shared<ModelOptions>();
  AddModelOptions(command, *options);
  AddDeviceOption(command, globals);
  OnRun(command, globals, [&globals, options] { Info(globals, *options); });
}

}  // namespace lacos::cli
