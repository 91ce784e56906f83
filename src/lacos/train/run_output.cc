#include "lacos/train/run_output.h"

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/version.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/manifest.h"
#include "lacos/io/mapped_file.h"
#include "lacos/model/export.h"
#include "lacos/model/model_card.h"
#include "lacos/model/run_inputs.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void FailWrite(const fs::path& path, const std::string& reason) {
  throw UserError(fmt::format(
      "[{}] could not write: {}; expected a writable folder with free space; free space or choose "
      "another --output",
      path.string(), reason));
}

// What was read, and what of it was left out.
Json DataJson(const TrainingData& data, const ScoredPairs& dev) {
  Json files = Json::Array();
  for (const ExampleFile& file : data.files()) {
    Json dropped = Json::Object();
    const auto add = [&](const char* reason, int64_t rows) {
      if (rows > 0) dropped.Set(reason, rows);
    };
    add("without a gold label", file.dropped_no_gold_label);
    add("with another label than entailment", file.dropped_other_label);
    add("with two identical texts", file.dropped_identical_texts);
    add("of another split", file.dropped_other_split);
    Json entry = Json::Object();
    entry.Set("path", file.path);
    entry.Set("rows", file.rows);
    entry.Set("examples", static_cast<int64_t>(file.examples.size()));
    entry.Set("dropped", dropped);
    entry.Set("dropped_negatives", file.dropped_negatives);
    files.Append(entry);
  }
  Json json = Json::Object();
  json.Set("train", files);
  json.Set("texts_truncated", data.truncated());
  json.Set("distinct_texts", data.distinct_texts());
  json.Set("distinct_tokens", data.distinct_tokens());
  if (!dev.path.empty()) {
    Json entry = Json::Object();
    entry.Set("path", dev.path);
    entry.Set("rows", dev.rows);
    entry.Set("pairs", static_cast<int64_t>(dev.score.size()));
    entry.Set("dropped_no_score", dev.dropped_no_score);
    entry.Set("dropped_other_split", dev.dropped_other_split);
    json.Set("dev", entry);
  }
  return json;
}

}  // namespace

Json RunSettings(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
                 const Backend& backend, int64_t total_steps) {
  Json settings = Json::Object();
  for (const auto& [name, value] : options.recipe) settings.Set(name, value);
  settings.Set("total_steps", total_steps);
  settings.Set("base_config_sha256", Sha256Hex(loaded.checkpoint->config_json().Dump(-1, /*sorted=*/true)));
  settings.Set("base_bytes", loaded.checkpoint->Bytes());
  settings.Set("tokenizer_sha256", FileSha256(loaded.folder.tokenizer_path));
  Json files = Json::Array();
  for (const ExampleFile& file : data.files()) {
    Json entry = Json::Object();
    entry.Set("examples", static_cast<int64_t>(file.examples.size()));
    entry.Set("sha256", FileSha256(file.path));
    files.Append(entry);
  }
  settings.Set("train_files", files);
  settings.Set("isa", backend.Describe().isa);
  return settings;
}

void PrepareOutput(const std::string& output, bool clear) {
  std::error_code error;
  if (clear) fs::remove_all(output, error);
  fs::create_directories(output, error);
  if (error) FailWrite(output, error.message());
}

Json MakeRunFile(const TrainOptions& options, const LoadedModel& loaded, const TrainingData& data,
                 const ScoredPairs& dev, const Backend& backend, const Json& settings) {
  Json run = options.run_record.empty() ? Json::Object() : Json::Parse(options.run_record, "run record");
  if (!run.Has("lacos_version")) run.Set("lacos_version", kLacosVersion);
  RunInputs inputs;
  inputs.AddModel(loaded.folder);
  for (const std::string& path : options.train_files) inputs.AddFile("train", path);
  if (!options.dev_file.empty()) inputs.AddFile("dev", options.dev_file);
  run.Set("inputs", inputs.ToJson());
  const KernelInfo info = backend.Describe();
  Json names = Json::Array();
  for (const std::string& kernel : info.kernels) names.Append(kernel);
  Json kernels = Json::Object();
  kernels.Set("backend", info.backend);
  kernels.Set("isa", info.isa);
  kernels.Set("kernels", names);
  run.Set("kernels", kernels);
  run.Set("settings", settings);
  run.Set("data", DataJson(data, dev));
  return run;
}

void WriteRunFile(const std::string& output, const Json& run) {
  WriteFileAtomically((fs::path(output) / "run.json").string(), run.Dump(2) + "\n");
}

std::vector<std::string> DifferencesFromRun(const Json& before, const Json& run) {
  std::vector<std::string> differences;
  if (const auto inputs = before.Find("inputs")) differences = InputDifferences(*inputs, run.At("inputs"));
  const auto compare = [&](const char* what, std::optional<Json> then, std::optional<Json> now) {
    if (then && now && then->Dump() != now->Dump()) {
      differences.push_back(fmt::format("{}: {} then, {} now", what, then->Dump(), now->Dump()));
    }
  };
  compare("lacos", before.Find("lacos_version"), run.Find("lacos_version"));
  const auto kernels = before.Find("kernels");
  if (kernels) compare("instruction set", kernels->Find("isa"), run.At("kernels").Find("isa"));
  return differences;
}

bool RunFinished(const std::string& output) { return fs::exists(fs::path(output) / "lacos.json"); }

TrainReport FinishedReport(const std::string& output) {
  TrainReport report;
  const Json run = Json::ReadFile((fs::path(output) / "run.json").string());
  report.steps = run.At("settings").At("total_steps").AsInt();
  return report;
}

void ExportRun(const TrainOptions& options, const LoadedModel& loaded, const LoraAdapter& adapter,
               const std::vector<std::pair<std::string, std::string>>& scores) {
  // Beside the output, so that relative paths in the files are the same and a rename is enough.
  const fs::path output = fs::absolute(options.output).lexically_normal();
  const fs::path target = output.has_filename() ? output : output.parent_path();
  const fs::path temporary =
      target.parent_path() / fmt::format(".{}.lacos-final", target.filename().string());
  std::error_code error;
  fs::remove_all(temporary, error);
  fs::create_directories(temporary, error);
  if (error) FailWrite(temporary, error.message());
  try {
    WriteSentenceTransformersFolder(
        temporary.string(), adapter,
        {.base_name = loaded.folder.base_name,
         .base_folder = loaded.folder.base_path,
         .tokenizer_folder = fs::path(loaded.folder.tokenizer_path).parent_path().string(),
         .hidden_size = loaded.checkpoint->config().hidden_size,
         .pooling = options.pooling,
         .normalize = options.normalize,
         .max_length = options.max_length,
         .strip = options.strip,
         .base_license = ReadLicense(loaded.folder.base_path),
         .recipe = options.recipe,
         .scores = scores});
    std::vector<fs::path> entries;
    for (const fs::directory_entry& entry : fs::directory_iterator(temporary)) {
      if (entry.path().filename() != "lacos.json") entries.push_back(entry.path());
    }
    entries.push_back(temporary / "lacos.json");  // last: its presence says that the run is finished
    for (const fs::path& entry : entries) {
      const fs::path place = target / entry.filename();
      if (fs::is_directory(entry)) fs::remove_all(place);
      fs::rename(entry, place);
    }
    SyncPath(target.string());
    fs::remove_all(temporary, error);
  } catch (const fs::filesystem_error& problem) {
    fs::remove_all(temporary, error);
    FailWrite(target, problem.code().message());
  } catch (...) {
    fs::remove_all(temporary, error);
    throw;
  }
}

}  // namespace lacos
