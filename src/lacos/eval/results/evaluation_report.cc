// report.html of an evaluation: scores with intervals, averages, languages, scatter plots, and
// pairs to read.
#include "lacos/eval/results/evaluation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <numeric>

#include "lacos/eval/measures/statistics.h"
#include "lacos/eval/results/languages.h"
#include "lacos/eval/results/overlap.h"
#include "lacos/report/page.h"

namespace lacos {
namespace {

std::string ValueText(const Json& value) {
  return value.IsString() ? value.AsString() : value.Dump();
}

// Adds rows "name, value" about the system. Nested objects are flattened. Long values, such as
// hashes, stay whole, and the table wraps them.
void AddSystemRows(const Json& json, const std::string& prefix, HtmlTable& table) {
  for (const std::string& key : json.Keys()) {
    const Json value = json.At(key);
    if (value.IsObject()) {
      AddSystemRows(value, prefix + FormatMeasure(key) + ": ", table);
    } else {
      table.rows.push_back({prefix + FormatMeasure(key), ValueText(value)});
    }
  }
}

std::vector<std::string> Tasks(const EvaluationResults& results) {
  std::vector<std::string> tasks;
  for (const TaskResult& result : results.sets) {
    if (std::ranges::find(tasks, result.set.task) == tasks.end()) tasks.push_back(result.set.task);
  }
  return tasks;
}

void AddScores(const EvaluationResults& results, double confidence, Page& page) {
  const std::vector<std::string> undefined = UndefinedResamples(results, confidence);
  for (const std::string& task : Tasks(results)) {
    page.Section("task-" + task, FormatMeasure(task));
    HtmlTable table;
    for (const TaskResult& result : results.sets) {
      if (result.set.task != task) continue;
      if (table.header.empty()) {
        table.header = {"set", "n"};
        for (const Measure& measure : result.measures) {
          table.header.push_back(FormatMeasure(measure.name));
          if (&measure == &result.measures[0])
            table.header.push_back(fmt::format("{:.0f} % interval", 100 * confidence));
        }
        table.header.push_back("truncated");
      }
      std::vector<std::string> row = {
          result.set.Label() + (result.set.split == "test" ? "" : " " + result.set.split),
          fmt::format("{}", result.n)};
      for (size_t i = 0; i < result.measures.size(); ++i) {
        row.push_back(FormatScore(result.measures[i].value));
        if (i == 0) row.push_back(FormatInterval(IntervalOf(result.resamples, confidence)));
      }
      row.push_back(fmt::format("{}", result.truncated));
      table.rows.push_back(row);
    }
    page.Table(table);
  }
  for (const std::string& line : undefined) page.Paragraph(line + ".");
}

void AddAverages(const EvaluationResults& results, double confidence, Page& page) {
  if (results.aggregates.empty()) return;
  page.Section("averages", "Averages");
  page.Paragraph(
      "all: one Spearman over the pairs of all sub-sets (most published tables). mean, wmean: of the "
      "sub-sets, plain and "
      "weighted by pairs (SentEval). mteb: as all, with SICK-R's 9,927 pairs. in-language: BLOOM was trained "
      "on every "
      "language involved.");
  HtmlTable table{.header = {"average", "convention", "measure", "value",
                             fmt::format("{:.0f} % interval", 100 * confidence), "sets", "n"},
                  .rows = {}};
  for (const Aggregate& aggregate : results.aggregates) {
    if (aggregate.group == "sts-en" && aggregate.convention == "all")
      table.strong_row = static_cast<int>(table.rows.size());
    table.rows.push_back({aggregate.group, aggregate.convention, FormatMeasure(aggregate.measure),
                          FormatScore(aggregate.value),
                          FormatInterval(IntervalOf(aggregate.resamples, confidence)),
                          fmt::format("{}", aggregate.sets), fmt::format("{}", aggregate.n)});
  }
  page.Table(table);
}

// Adds a table of languages and sets, which shows the scores that a language contributes to.
void AddLanguages(const EvaluationResults& results, Page& page) {
  const LanguageScores scores = ScoresByLanguage(results);
  if (scores.means.size() < 2) return;
  page.Section("languages", "Languages");
  page.Paragraph(
      "Mean of the main measure over the sets of each name that a language takes part in, alone or with "
      "another. Colours go from 0 to 100.");
  HtmlTable table{.header = {"language", "in BLOOM"}, .rows = {}};
  table.header.insert(table.header.end(), scores.names.begin(), scores.names.end());
  for (const bool known : {true, false}) {
    for (const auto& [language, by_name] : scores.means) {
      if (IsBloomLanguage(language) != known) continue;
      std::vector<std::string> row = {language, known ? "yes" : "no"};
      std::vector<double> shades(2, std::nan(""));
      for (const std::string& name : scores.names) {
        const auto found = by_name.find(name);
        row.push_back(found == by_name.end() ? "" : FormatScore(found->second));
        shades.push_back(found == by_name.end() ? std::nan("") : found->second / 100);
      }
      table.rows.push_back(row);
      table.shades.push_back(shades);
    }
  }
  page.Table(table);
}

std::string SimilarityTitle(const EvaluationResults& results) {
  return std::string(kSimilarityNames[SimilarityOf(results).value_or(Similarity::kCosine)].title);
}

void AddScatter(const EvaluationResults& results, Page& page) {
  constexpr size_t kMost = 1000;
  std::vector<Chart> charts;
  const std::string similarity = SimilarityTitle(results);
  for (const TaskResult& result : results.sets) {
    if (result.set.task != "sts" || result.items.empty()) continue;
    Series series{.name = "pairs", .x = {}, .y = {}, .style = SeriesStyle::kPoints};
    const size_t stride = (result.items.size() + kMost - 1) / kMost;
    for (size_t i = 0; i < result.items.size(); i += stride) {
      series.x.push_back(result.gold[i]);
      series.y.push_back(result.items[i]);
    }
    charts.push_back(
        {.id = fmt::format("scatter-{}", charts.size()),
         .title = result.set.Label() + (result.set.split == "test" ? "" : " " + result.set.split),
         .x_title = "gold score",
         .y_title = similarity,
         .series = {series},
         .note = stride > 1 ? fmt::format("Every {}th of {} pairs.", stride, result.items.size())
                            : ""});
  }
  if (charts.empty()) return;
  std::string title = similarity + " against gold score";
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  page.Section("scatter", title);
  page.Charts(charts);
}

void AddWorstPairs(const EvaluationResults& results, Page& page) {
  if (results.worst.empty()) return;
  const std::string similarity = SimilarityTitle(results);
  page.Section("worst", "Pairs to read");
  page.Paragraph(fmt::format(
      "Pairs whose rank by {} lies furthest from that by gold score, as a share of all ranks of their "
      "set: above 0 the model finds them more alike than people do.",
      similarity));
  HtmlTable table{
      .header = {"set", "sentence 1", "sentence 2", "gold", similarity, "rank difference"},
      .rows = {},
      .prose = true};
  for (const WorstPair& pair : results.worst) {
    table.rows.push_back({pair.set, pair.first, pair.second, fmt::format("{:.2f}", pair.gold),
                          fmt::format("{:.3f}", pair.similarity),
                          fmt::format("{:+.2f}", pair.rank_difference)});
  }
  page.Table(table);
}

// Adds a table of sets whose texts were among the training texts, if that is known.
void AddOverlap(const EvaluationResults& results, Page& page) {
  const auto trained = results.system.Find("training_texts");
  if (!trained) return;
  page.Section("overlap", "Test texts that were trained on");
  page.Paragraph(OverlapSummary(results));
  HtmlTable table{.header = OverlapHeader(), .rows = {}};
  for (const TaskResult& result : results.sets) {
    if (result.overlap && result.overlap->texts_seen > 0) table.rows.push_back(OverlapRow(result));
  }
  if (!table.rows.empty()) page.Table(table);
}

std::string NameOf(const EvaluationResults& results) {
  return results.system.Has("model") ? ValueText(results.system.At("model")) : "vectors";
}

}  // namespace

LanguageScores ScoresByLanguage(const EvaluationResults& results) {
  LanguageScores scores;
  std::map<std::string, std::map<std::string, int>> counts;
  for (const TaskResult& result : results.sets) {
    if (result.set.languages.empty() || !result.set.usual || !std::isfinite(result.main()))
      continue;
    if (std::ranges::find(scores.names, result.set.name) == scores.names.end())
      scores.names.push_back(result.set.name);
    std::vector<std::string> languages = result.set.languages;
    std::ranges::sort(languages);
    languages.erase(std::unique(languages.begin(), languages.end()), languages.end());
    for (const std::string& language : languages) {
      scores.means[language][result.set.name] += result.main();
      ++counts[language][result.set.name];
    }
  }
  for (auto& [language, by_name] : scores.means) {
    for (auto& [name, sum] : by_name) sum /= counts[language][name];
  }
  return scores;
}

HtmlTable SystemTable(const EvaluationResults& results) {
  HtmlTable table{.header = {}, .rows = {}, .prose = true};
  AddSystemRows(results.system, "", table);
  return table;
}

void FindWorstPairs(const TextTable& texts, int64_t count, EvaluationResults& results) {
  results.worst.clear();
  for (const TaskResult& result : results.sets) {
    if (result.set.task != "sts" || result.items.size() < 2 || !std::isfinite(result.main()))
      continue;
    const std::vector<double> ranks = AverageRanks(result.items), gold = AverageRanks(result.gold);
    std::vector<size_t> order(ranks.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const auto apart = [&](size_t i) { return std::abs(ranks[i] - gold[i]); };
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return apart(a) > apart(b); });
    order.resize(std::min(order.size(), static_cast<size_t>(count)));
    for (const size_t i : order) {
      results.worst.push_back(
          {.set = result.set.Label(),
           .first = texts.text(result.first[i]),
           .second = texts.text(result.second[i]),
           .gold = result.gold[i],
           .similarity = result.items[i],
           .rank_difference = (ranks[i] - gold[i]) / static_cast<double>(ranks.size())});
    }
  }
}

std::string EvaluationReportHtml(const EvaluationResults& results, double confidence) {
  Page page("Evaluation", NameOf(results));
  std::vector<std::pair<std::string, std::string>> figures;
  for (const Aggregate& aggregate : results.aggregates) {
    const bool shown =
        aggregate.group == "sts-en"
            ? aggregate.convention == "all" || aggregate.convention == "mteb"
            : aggregate.convention == "in-language" || aggregate.convention == "out-of-language";
    if (shown)
      figures.emplace_back(aggregate.group + ", " + aggregate.convention,
                           FormatScore(aggregate.value));
  }
  if (figures.empty() && !results.sets.empty()) {
    for (const TaskResult& result : results.sets) {
      if (figures.size() < 4)
        figures.emplace_back(result.set.Label() + ", " + FormatMeasure(result.measures[0].name),
                             FormatScore(result.main()));
    }
  }
  page.Figures(figures);
  AddAverages(results, confidence, page);
  AddScores(results, confidence, page);
  AddLanguages(results, page);
  AddOverlap(results, page);
  AddScatter(results, page);
  AddWorstPairs(results, page);
  page.Section("system", "System");
  page.Table(SystemTable(results));
  return page.Html();
}

std::string ComparisonReportHtml(const EvaluationResults& a, const EvaluationResults& b,
                                 const std::vector<Comparison>& comparisons, double confidence) {
  Page page("Comparison", fmt::format("a: {}; b: {}", NameOf(a), NameOf(b)));
  page.Section("differences", "Differences, a - b");
  page.Paragraph(
      "Paired bootstrap over the same items. p: twice the share of resamples on which the sign is the other "
      "one.");
  HtmlTable table{.header = {"set", "measure", "n", "a", "b", "a - b",
                             fmt::format("{:.0f} % interval", 100 * confidence), "p"},
                  .rows = {}};
  for (const Comparison& c : comparisons) {
    table.rows.push_back({c.convention.empty() ? c.label : c.label + " " + c.convention,
                          FormatMeasure(c.measure), fmt::format("{}", c.n), FormatScore(c.a),
                          FormatScore(c.b), fmt::format("{:+.2f}", c.a - c.b),
                          FormatDifferenceInterval(c.difference.interval),
                          FormatP(c.difference.p)});
  }
  page.Table(table);
  for (const auto& [name, results] :
       {std::pair<const char*, const EvaluationResults*>{"a", &a}, {"b", &b}}) {
    page.Section(std::string("system-") + name, std::string("System ") + name);
    page.Table(SystemTable(*results));
  }
  return page.Html();
}

}  // namespace lacos
