#include "lacos/train/run_output.h"

#include <filesystem>

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/version.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/manifest.h"
#include "lacos/io/mapped_file.h"
#include "lacos/model/export.h"
#include "lacos/model/model_card.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void FailWrite(const fs::path& path, const std::string& reason) {
  throw UserError(fmt::format(
      "[{}] could not write: {}; expected a writable folder with free space; free space or choose "
      "another --output",
      path.string(), reason));
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

void WriteRunFile(const TrainOptions& options, const Json& settings) {
  Json arguments = Json::Array();
  for (const std::string& argument : options.arguments) arguments.Append(argument);
  Json run = Json::Object();
  run.Set("lacos_version", kLacosVersion);
  run.Set("arguments", arguments);
  run.Set("settings", settings);
  WriteFileAtomically((fs::path(options.output) / "run.json").string(), run.Dump(2) + "\n");
}

bool RunFinished(const std::string& output) { return fs::exists(fs::path(output) / "lacos.json"); }

TrainReport FinishedReport(const std::string& output) {
  TrainReport report;
  const Json run = Json::ReadFile((fs::path(output) / "run.json").string());
  report.steps = run.At("settings").At("total_steps").AsInt();
  return report;
}

void ExportRun(const TrainOptions& options, const LoadedModel& loaded, const LoraAdapter& adapter,
               const std::vector<std::pair<std::string, double>>& scores) {
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
