#include "lacos/eval/results/result_folders.h"

#include <filesystem>
#include <map>

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

Json ComparisonJson(const std::vector<Comparison>& comparisons,
                    const std::vector<std::string>& apart) {
  Json list = Json::Array();
  for (const Comparison& c : comparisons) {
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
  Json names = Json::Array();
  for (const std::string& name : apart) names.Append(name);
  Json report = Json::Object();
  report.Set("comparisons", list);
  report.Set("not_compared", names);
  return report;
}

void WriteComparisonFolder(const EvaluationResults& a, const EvaluationResults& b,
                           const std::vector<Comparison>& comparisons,
                           const std::vector<std::string>& apart, double confidence,
                           const std::string& output, const OutputOptions& options,
                           const WorkRecord& work) {
  CheckOutput(output, {.overwrite = options.overwrite});
  AtomicFolder folder(output, options.overwrite);
  const fs::path path = folder.temporary();
  Write(path / "comparison.json", ComparisonJson(comparisons, apart));
  Write(path / "report.html", ComparisonReportHtml(a, b, comparisons, confidence));
  Commit(folder, "comparison", options, work);
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
