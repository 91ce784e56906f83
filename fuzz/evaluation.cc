// The results of an evaluation, as `eval --compare` and `lacos report` read them.
#include <algorithm>

#include "files.h"
#include "lacos/eval/results/evaluation_report.h"
#include "lacos/eval/results/mteb.h"
#include "lacos/eval/results/results.h"
#include "lacos/eval/results/systems_report.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

constexpr std::string_view kNames[] = {"results.json", "items.jsonl"};

}  // namespace

void Evaluation(Input input) {
  const std::string folder = MakeFolder(Text(input), kNames);
  BootstrapOptions bootstrap = ReadBootstrapOptions(folder);
  bootstrap.resamples = std::min<int64_t>(bootstrap.resamples, 8);  // for speed
  const EvaluationResults results = ReadResults(folder, bootstrap);

  const std::string json = ResultsJson(results, bootstrap.confidence).Dump(2);
  WriteScratch("folder/results.json", json);
  WriteScratch("folder/items.jsonl", ItemsJsonl(results));
  const EvaluationResults again = ReadResults(folder, ReadBootstrapOptions(folder));
  Require(ResultsJson(again, bootstrap.confidence).Dump(2) == json,
          "results read back as they were");

  std::vector<std::string> apart;
  for (const Comparison& same : CompareResults(results, again, bootstrap.confidence, apart)) {
    Require(same.difference.interval.low == 0 ||
                same.difference.interval.low != same.difference.interval.low,
            "results do not differ from themselves");
  }
  ResultsCsv(results, bootstrap.confidence);
  EvaluationReportHtml(results, bootstrap.confidence);
  SystemsReportHtml(CompareSystems(
      {MakeEvaluatedSystem("a", results), MakeEvaluatedSystem("b", again)}, bootstrap.confidence));
  for (const auto& [name, file] : MtebResults(results)) Require(!name.empty(), "a file has a name");
}

}  // namespace lacos::fuzz
