// The tables that `lacos eval` prints.
#include "commands/eval/output.h"

#include <fmt/format.h>

#include "lacos/eval/results/overlap.h"
#include "lacos/eval/results/summary_json.h"
#include "terminal/output.h"

namespace lacos::cli {
namespace {

// The column heading for a measure.
std::string Heading(const std::string& measure) {
  if (measure == "spearman") return "Spearman";
  return measure == "pearson" ? "Pearson" : FormatMeasure(measure);
}

// The table of sets that contain texts from the training data.
std::string OverlapTable(const EvaluationResults& results) {
  Table table(OverlapHeader());
  bool any = false;
  for (const TaskResult& result : results.sets) {
    if (!result.overlap || result.overlap->texts_seen == 0) continue;
    table.AddRow(OverlapRow(result));
    any = true;
  }
  return OverlapSummary(results) + "\n" + (any ? "\n" + table.Text() : "");
}

}  // namespace

std::string ResultTables(const EvaluationResults& results, double confidence) {
  std::string text;
  const std::string interval = fmt::format("{:.0f} % interval", 100 * confidence);
  const std::vector<std::string> tasks = TasksInOrder(results);
  for (const std::string& task : tasks) {
    const auto sets = SetsOfTask(results, task);
    std::vector<std::string> header = {tasks.size() > 1 ? Heading(task) : "data", "n"};
    for (const Measure& measure : sets[0]->measures) {
      header.push_back(Heading(measure.name));
      if (&measure == &sets[0]->measures[0]) header.push_back(interval);
    }
    header.push_back("truncated");
    Table table(header);
    int64_t n = 0, truncated = 0;
    const auto add = [&](const std::string& label, int64_t items,
                         const std::vector<Measure>& measures, const std::string& range,
                         int64_t cut) {
      std::vector<std::string> cells = {label, fmt::format("{}", items)};
      for (size_t i = 0; i < measures.size(); ++i) {
        cells.push_back(FormatScore(measures[i].value));
        if (i == 0) cells.push_back(range);
      }
      cells.push_back(fmt::format("{}", cut));
      table.AddRow(cells);
    };
    for (const TaskResult& result : results.sets) {
      if (result.set.task != task) continue;
      add(result.set.Title(), result.n, result.measures,
          FormatInterval(IntervalOf(result.resamples, confidence)), result.truncated);
      n += result.n;
      truncated += result.truncated;
    }
    // The averages of published tables follow below; a user's own files only have this one.
    if (results.aggregates.empty()) add("average", n, MeanMeasures(sets), "", truncated);
    text += (text.empty() ? "" : "\n") + table.Text();
  }
  if (const auto similarity = SimilarityOf(results);
      similarity && *similarity != Similarity::kCosine)
    text += fmt::format("\nsimilarity: {} ({})\n", Name(*similarity),
                        kSimilarityNames[*similarity].title);
  if (results.system.Has("training_texts")) text += "\n" + OverlapTable(results);
  if (results.aggregates.empty()) return text;
  Table table({"average", "convention", "measure", "value", interval, "sets", "n"});
  for (const Aggregate& aggregate : results.aggregates) {
    table.AddRow({aggregate.group, aggregate.convention, Heading(aggregate.measure),
                  FormatScore(aggregate.value),
                  FormatInterval(IntervalOf(aggregate.resamples, confidence)),
                  fmt::format("{}", aggregate.sets), fmt::format("{}", aggregate.n)});
  }
  return text + "\n" + table.Text();
}

std::string ComparisonTable(const std::vector<Comparison>& comparisons, const std::string& a,
                            const std::string& b) {
  Table table({"a - b", "measure", "n", "a", "b", "difference", "interval", "p"});
  for (const Comparison& c : comparisons) {
    const Interval& interval = c.difference.interval;
    table.AddRow({c.convention.empty() ? c.label : c.label + " " + c.convention, Heading(c.measure),
                  fmt::format("{}", c.n), FormatScore(c.a), FormatScore(c.b),
                  fmt::format("{:+.2f}", c.a - c.b), FormatDifferenceInterval(interval),
                  FormatP(c.difference.p)});
  }
  return fmt::format("a  {}\nb  {}\n\n{}", a, b, table.Text());
}

}  // namespace lacos::cli
