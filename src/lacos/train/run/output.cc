#include "lacos/train/run/output.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/version.h"
#include "lacos/data/shards.h"
#include "lacos/data/training_texts.h"
#include "lacos/formats/export.h"
#include "lacos/formats/license.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/io/folder.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"
#include "lacos/record/run_record.h"
#include "lacos/train/run/identity.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void FailWrite(const fs::path& path, const std::string& reason) {
  throw UserError(fmt::format(
      "[{}] could not write: {}; expected a writable folder with free space; free space or choose "
      "another `output`",
      path.string(), reason));
}

// The "data" section of run.json: the training and dev files, and how many of their rows were
// dropped for which reason.
Json DataJson(const TrainingData& data, const ScoredPairs& dev,
              const std::map<std::string, std::string>& names) {
  const auto name_of = [&](const std::string& path) {
    const auto named = names.find(path);
    return named == names.end() ? path : named->second;
  };
  Json files = Json::Array();
  for (const ExampleFile& file : data.files()) {
    Json dropped = Json::Object();
    file.dropped.ForEachReason([&](const char* reason, int64_t rows) {
      if (rows > 0) dropped.Set(reason, rows);
    });
    Json entry = Json::Object();
    entry.Set("path", name_of(file.path));
    entry.Set("rows", file.rows);
    entry.Set("examples", static_cast<int64_t>(file.examples.size()));
    entry.Set("dropped", dropped);
    entry.Set("dropped_negatives", file.dropped_negatives);
    entry.Set("unused_columns", Json::Strings(file.unused_columns));
    files.Append(entry);
  }
  Json json = Json::Object();
  json.Set("train", files);
  json.Set("texts_truncated", data.truncated());
  json.Set("distinct_texts", data.distinct_texts());
  json.Set("distinct_tokens", data.distinct_tokens());
  if (!dev.path.empty()) {
    Json entry = Json::Object();
    entry.Set("path", name_of(dev.path));
    entry.Set("rows", dev.rows);
    entry.Set("pairs", static_cast<int64_t>(dev.score.size()));
    entry.Set("dropped_no_score", dev.dropped_no_score);
    entry.Set("dropped_other_split", dev.dropped_other_split);
    entry.Set("unused_columns", Json::Strings(dev.unused_columns));
    json.Set("dev", entry);
  }
  return json;
}

// The name and the contents of the file with hashes of the training texts; empty when
// `no_text_hashes` is set.
std::vector<std::pair<std::string, std::string>> TextHashes(const TrainOptions& options,
                                                            const LoadedModel& loaded,
                                                            const TrainingData& data) {
  if (options.run.no_text_hashes) return {};
  TrainingTexts texts;
  for (const ExampleFile& file : data.files()) {
    for (const Example& example : file.examples) texts.AddExample(example.texts);
  }
  if (const std::string& adapter = loaded.folder.adapter_path; !adapter.empty()) {
    const std::string earlier = (fs::path(adapter) / TrainingTexts::kFileName).string();
    if (FileExists(earlier)) texts.Merge(TrainingTexts::Read(earlier));
  }
  return {{TrainingTexts::kFileName, texts.Bytes()}};
}

}  // namespace

Json RunSettings(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
                 const ScoredPairs& dev, const Backend& backend, int64_t total_steps) {
  Json settings = Json::Object();
  settings.Set("lacos_version", kLacosVersion);
  for (const auto& [name, value] : RecipeOf(options)) settings.Set(name, value);
  settings.Set("total_steps", total_steps);
  settings.Set("base_config_sha256",
               Sha256Hex(loaded.base_weights->config_json().Dump(-1, /*sorted=*/true)));
  settings.Set("base_bytes", loaded.base_weights->Bytes());
  settings.Set("base_sample_sha256", SampleSha256(*loaded.base_weights));
  settings.Set("adapter_sha256", AdapterIdentity(loaded));
  settings.Set("tokenizer_sha256", TokenizerIdentity(loaded.folder, *loaded.tokenizer));
  Json files = Json::Array();
  for (const ExampleFile& file : data.files()) files.Append(ExamplesIdentity(file));
  settings.Set("train_files", files);
  settings.Set("score_maximum", data.score_maximum());
  settings.Set("dev_file", DevIdentity(dev));
  const KernelInfo kernels = backend.Describe();
  if (kernels.backend == "cpu") {
    for (const KernelInfo::Fact& fact : kernels.facts) settings.Set(fact.name, fact.value);
  } else {
    Json facts = Json::Object();
    for (const KernelInfo::Fact& fact : kernels.facts) facts.Set(fact.name, fact.value);
    settings.Set("backend", kernels.backend);
    settings.Set("backend_facts", facts);
  }
  return settings;
}

void ForgetRecords(const std::string& output) {
  std::error_code error;
  for (const FolderEntry& entry : ListFolder(output)) {
    const bool events = entry.name.starts_with("events.out.tfevents.") &&
                        entry.name.find(".lacos") != std::string::npos;
    if (!error && (events || entry.name == "metrics.jsonl"))
      fs::remove(fs::path(output) / entry.name, error);
  }
  if (error) FailWrite(output, error.message());
}

Json MakeRunFile(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
                 const ScoredPairs& dev, const Backend& backend, const Json& settings) {
  const Json& record = options.run.writing.record;
  Json run = record.IsNull() ? Json::Object() : record;
  if (!run.Has("lacos_version")) run.Set("lacos_version", kLacosVersion);
  RunInputs inputs;
  inputs.SetNames(options.run.names);
  inputs.AddModel(loaded.folder);
  for (const std::string& path : options.train_files) {
    for (const Shard& shard : ShardsOf(path)) inputs.AddFile("train", shard.path);
  }
  if (!options.dev_file.empty()) {
    for (const Shard& shard : ShardsOf(options.dev_file)) inputs.AddFile("dev", shard.path);
  }
  run.Set("inputs", inputs.ToJson());
  run.Set("kernels", KernelsJson(backend.Describe()));
  run.Set("settings", settings);
  run.Set("data", DataJson(data, dev, options.run.names));
  return run;
}

bool RunFinished(const std::string& output) {
  const fs::path folder(output);
  return FileExists((folder / "lacos.json").string()) &&
         FileExists((folder / "adapter_config.json").string());
}

TrainReport FinishedReport(const std::string& output) {
  for (const VerifyProblem& problem : VerifyManifest(output)) {
    if (problem.file == "README.md") continue;  // users are expected to edit the model card
    throw UserError(fmt::format(
        "[{}] is finished, but {} has {}; expected {}, as lacos.json records; see `lacos verify`; "
        "without lacos.json `resume` goes on from the last checkpoint and writes the files anew",
        output, problem.file, problem.found, problem.expected));
  }
  TrainReport report;
  const Json run = Json::ReadFile(RunFileOfFolder(output));
  report.steps = run.At("settings").At("total_steps").AsInt();
  return report;
}

void ExportRun(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
               const LoraAdapter& adapter,
               const std::vector<std::pair<std::string, std::string>>& scores) {
  WriteSentenceTransformersFolder(
      options.run.output, adapter,
      {.base_name = loaded.folder.base_name,
       .base_folder = loaded.folder.base_path,
       .tokenizer_folder = fs::path(loaded.folder.tokenizer_path).parent_path().string(),
       .hidden_size = loaded.base_weights->config().hidden_size,
       .pooling = *options.settings.pooling,
       .normalize = *options.settings.normalize,
       .max_length = *options.settings.max_length,
       .tokenizer_args = loaded.folder.tokenizer_overrides,
       .strip = *options.settings.strip,
       .origin = loaded.folder.settings,
       .base_license = ReadLicense(loaded.folder.base_path),
       .recipe = RecipeOf(options),
       .scores = scores,
       .more_files = TextHashes(options, loaded, data)});
}

}  // namespace lacos
