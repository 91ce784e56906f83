#include "lacos/eval/results/result_folders.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <map>

#include "lacos/base/error.h"
#include "lacos/eval/results/evaluation_report.h"
#include "lacos/eval/results/mteb.h"
#include "lacos/eval/results/systems_report.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json_numbers.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

void Write(const fs::path& path, const std::string& text) {
  WriteFileAtomically(path.string(), text);
}
void Write(const fs::path& path, const Json& json) { Write(path, json.Dump(2) + "\n"); }

void Commit(AtomicFolder& folder, const char* kind, const OutputOptions& options,
            const WorkRecord& work) {
  Json extra = Json::Object();
  extra.Set("kind", kind);
  CommitFolder(folder, options, work, extra);
}

}  // namespace

void WriteResultsFolder(const EvaluationResults& results, double confidence,
                        const std::string& output, const OutputOptions& options,
                        const WorkRecord& work) {
  CheckOutput(output, {.overwrite = options.overwrite});
  AtomicFolder folder(output, options.overwrite);
  const fs::path path = folder.temporary();
  Write(path / "results.json", ResultsJson(results, confidence));
  Write(path / "results.csv", ResultsCsv(results, confidence));
  Write(path / "items.jsonl", ItemsJsonl(results));
  Write(path / "report.html", EvaluationReportHtml(results, confidence));
  const std::map<std::string, Json> mteb = MtebResults(results);
  if (!mteb.empty()) fs::create_directory(path / "mteb");
  for (const auto& [name, json] : mteb) Write(path / "mteb" / name, json);
  Commit(folder, "evaluation", options, work);
}

std::string FolderComparison::NoteOnSetsApart() const {
  if (apart.empty()) return "";
  return fmt::format("not compared, since only one has them or their items differ: {}",
                     fmt::join(apart, ", "));
}

Json FolderComparison::ToJson() const {
  Json list = Json::Array();
  for (const Comparison& c : differences) {
    Json json = Json::Object();
    json.Set("name", c.label);
    json.Set("convention", c.convention);
    json.Set("measure", c.measure);
    json.Set("n", c.n);
    json.Set("a", NumberOrNull(c.a));
    json.Set("b", NumberOrNull(c.b));
    json.Set("difference", NumberOrNull(c.a - c.b));
    SetInterval(c.difference.interval, json);
    json.Set("p", NumberOrNull(c.difference.p));
    list.Append(json);
  }
  Json report = Json::Object();
  report.Set("comparisons", list);
  report.Set("not_compared", Json::Strings(apart));
  return report;
}

FolderComparison CompareFolders(const std::string& a, const std::string& b,
                                const BootstrapOptions& bootstrap) {
  FolderComparison comparison{.folder_a = a,
                              .folder_b = b,
                              .a = ReadResults(a, bootstrap),
                              .b = ReadResults(b, bootstrap),
                              .differences = {},
                              .apart = {}};
  comparison.differences =
      CompareResults(comparison.a, comparison.b, bootstrap.confidence, comparison.apart);
  if (comparison.differences.empty()) {
    throw UserError(fmt::format(
        "[`compare`] {} and {} have no set in common; expected two evaluations of the same "
        "data; evaluate both on it",
        a, b));
  }
  return comparison;
}

void WriteComparisonFolder(const FolderComparison& comparison, double confidence,
                           const std::string& output, const OutputOptions& options) {
  CheckOutput(output, {.overwrite = options.overwrite});
  AtomicFolder folder(output, options.overwrite);
  const fs::path path = folder.temporary();
  Write(path / "comparison.json", comparison.ToJson());
  Write(path / "report.html",
        ComparisonReportHtml(comparison.a, comparison.b, comparison.differences, confidence));
  const auto add_inputs = [&](RunInputs& inputs) {
    for (const std::string& compared : {comparison.folder_a, comparison.folder_b})
      inputs.AddFile("compared", compared + "/results.json");
  };
  Commit(folder, "comparison", options, {.inputs = add_inputs});
}

void WriteSystemsFolder(const SystemsComparison& comparison, const std::string& output,
                        const OutputOptions& options, const WorkRecord& work) {
  AtomicFolder folder(output, options.overwrite);
  const fs::path path = folder.temporary();
  Write(path / "systems.json", SystemsJson(comparison));
  Write(path / "report.html", SystemsReportHtml(comparison));
  Commit(folder, "evaluations", options, work);
}

}  // namespace lacos
