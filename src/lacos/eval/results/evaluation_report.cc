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
#include "lacos/eval/results/set_titles.h"
#include "lacos/report/facts.h"
#include "lacos/report/page.h"
#include "lacos/report/quantity.h"

namespace lacos {
namespace {

// Titles of the sets of one task, or of all if `task` is empty.
SetTitles TitlesOf(const EvaluationResults& results, const std::string& task = "") {
  std::vector<SetAndPart> sets;
  for (const TaskResult& result : results.sets) {
    if (task.empty() || result.set.task == task)
      sets.emplace_back(result.set.name, result.set.Part());
  }
  return SetTitles(std::move(sets));
}
SetAndPart SetOf(const TaskResult& result) { return {result.set.name, result.set.Part()}; }

std::string IntervalTitle(double confidence) {
  return fmt::format("{:.0f} % interval", 100 * confidence);
}

std::string TaskTitle(const std::string& task) {
  if (task == "sts") return "Semantic textual similarity";
  std::string title = FormatMeasure(task);
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
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
    page.Section("task-" + task, TaskTitle(task));
    const SetTitles titles = TitlesOf(results, task);
    HtmlTable table{.title = "Scores", .columns = {}, .rows = {}};
    for (const TaskResult& result : results.sets) {
      if (result.set.task != task) continue;
      if (table.columns.empty()) {
        table.columns = {{"set", ColumnKind::kName}, "n"};
        for (const Measure& measure : result.measures) {
          table.columns.emplace_back(FormatMeasure(measure.name));
          if (&measure == &result.measures[0])
            table.columns.emplace_back(IntervalTitle(confidence));
        }
        table.columns.emplace_back("truncated texts");
      }
      std::vector<HtmlCell> row = {titles.RowName(SetOf(result), table), GroupedText(result.n)};
      for (size_t i = 0; i < result.measures.size(); ++i) {
        row.emplace_back(FormatScore(result.measures[i].value));
        if (i == 0) row.emplace_back(FormatInterval(IntervalOf(result.resamples, confidence)));
      }
      row.emplace_back(GroupedText(result.truncated));
      table.rows.push_back(std::move(row));
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
  HtmlTable table{.title = "Averages",
                  .columns = {{"convention", ColumnKind::kName},
                              {"measure", ColumnKind::kWord},
                              "value",
                              IntervalTitle(confidence),
                              "sets",
                              "n"},
                  .rows = {}};
  for (const Aggregate& aggregate : results.aggregates) {
    table.StartGroup(aggregate.group);
    if (aggregate.group == "sts-en" && aggregate.convention == "all")
      table.strong_row = static_cast<int>(table.rows.size());
    table.rows.push_back({aggregate.convention, FormatMeasure(aggregate.measure),
                          FormatScore(aggregate.value),
                          FormatInterval(IntervalOf(aggregate.resamples, confidence)),
                          GroupedText(aggregate.sets), GroupedText(aggregate.n)});
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
  HtmlTable table{.title = "Scores by language",
                  .columns = {{"language", ColumnKind::kName}, {"in BLOOM", ColumnKind::kWord}},
                  .rows = {}};
  const NamesOfPaths names(scores.names);
  for (const std::string& name : scores.names) table.columns.emplace_back(names(name));
  for (const bool known : {true, false}) {
    for (const auto& [language, by_name] : scores.means) {
      if (IsBloomLanguage(language) != known) continue;
      std::vector<HtmlCell> row = {language, known ? "yes" : "no"};
      for (const std::string& name : scores.names) {
        const auto found = by_name.find(name);
        row.emplace_back(found == by_name.end() ? "" : FormatScore(found->second));
        if (found != by_name.end()) row.back().shade = found->second / 100;
      }
      table.rows.push_back(std::move(row));
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
  const SetTitles titles = TitlesOf(results);
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
         .title = titles.Title(SetOf(result)),
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
  HtmlTable table{.title = "Pairs to read",
                  .columns = {{"sentence 1", ColumnKind::kText},
                              {"sentence 2", ColumnKind::kText},
                              "gold",
                              similarity,
                              "rank difference"},
                  .rows = {}};
  std::vector<std::string> sets;
  for (const WorstPair& pair : results.worst) sets.push_back(pair.set);
  const NamesOfPaths names(sets);
  for (const WorstPair& pair : results.worst) {
    table.StartGroup(names(pair.set));
    table.rows.push_back({pair.first, pair.second, fmt::format("{:.2f}", pair.gold),
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
  const std::vector<HtmlColumn> columns = {
      {"set", ColumnKind::kName}, "texts", "of them trained on", "pairs",
      "of them trained on",       "score", "score without them", "pairs left"};
  HtmlTable table{.title = "Test texts that were trained on", .columns = columns, .rows = {}};
  const SetTitles titles = TitlesOf(results);
  for (const TaskResult& result : results.sets) {
    if (!result.overlap || result.overlap->texts_seen == 0) continue;
    std::vector<HtmlCell> row = {titles.Title(SetOf(result))};
    const std::vector<std::string> texts = OverlapRow(result);
    for (size_t i = 1; i < texts.size(); ++i) {
      const size_t note = texts[i].find(" (");  // "732 (700 exactly)"
      row.emplace_back(texts[i].substr(0, note),
                       note == std::string::npos ? "" : texts[i].substr(note + 1));
    }
    table.rows.push_back(std::move(row));
  }
  if (!table.rows.empty()) page.Table(table);
}

ShownText NameOf(const EvaluationResults& results) {
  const auto model = results.system.Find("model");
  if (!model) return "vectors";
  const std::string path = FactText("model", *model);
  return NamesOfPaths({path})(path);
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
  std::vector<std::pair<ShownText, std::string>> figures;
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
    const SetTitles titles = TitlesOf(results);
    for (const TaskResult& result : results.sets) {
      ShownText name = titles.Title(SetOf(result));
      name.text += ", " + FormatMeasure(result.measures[0].name);
      if (figures.size() < 4) figures.emplace_back(std::move(name), FormatScore(result.main()));
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
  page.Table(FactsTable("System", FactsOf(results.system)));
  return page.Html();
}

std::string ComparisonReportHtml(const EvaluationResults& a, const EvaluationResults& b,
                                 const std::vector<Comparison>& comparisons, double confidence) {
  const ShownText name_a = NameOf(a), name_b = NameOf(b);
  const bool same = name_a.text == name_b.text;  // two folders of one name, or one model twice
  Page page("Comparison", {"a: " + (same && name_a.has_full() ? name_a.full : name_a.text) +
                               ", b: " + (same && name_b.has_full() ? name_b.full : name_b.text),
                           "a: " + name_a.full + ", b: " + name_b.full});
  page.Section("differences", "Differences, a - b");
  page.Paragraph(
      "Paired bootstrap over the same items. p: twice the share of resamples on which the sign is the other "
      "one.");
  HtmlTable table{.title = "Differences",
                  .columns = {{"set", ColumnKind::kName},
                              {"measure", ColumnKind::kWord},
                              "n",
                              "a",
                              "b",
                              "a - b",
                              IntervalTitle(confidence),
                              "p"},
                  .rows = {}};
  std::vector<SetAndPart> sets;
  for (const Comparison& c : comparisons) sets.emplace_back(c.label, c.convention);
  const SetTitles titles(std::move(sets));
  for (const Comparison& c : comparisons) {
    table.rows.push_back(
        {titles.RowName({c.label, c.convention}, table), FormatMeasure(c.measure), GroupedText(c.n),
         FormatScore(c.a), FormatScore(c.b), fmt::format("{:+.2f}", c.a - c.b),
         FormatDifferenceInterval(c.difference.interval), FormatP(c.difference.p)});
  }
  page.Table(table);
  page.Section("systems", "Systems");
  page.Paragraph("≠ marks what differs.");
  page.Table(ComparedFacts("Systems", {{"a", name_a.full}, {"b", name_b.full}},
                           {FactsOf(a.system), FactsOf(b.system)}));
  return page.Html();
}

}  // namespace lacos
