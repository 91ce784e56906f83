#include "lacos/eval/results/systems_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lacos/base/nan.h"
#include "lacos/eval/results/evaluation_report.h"
#include "lacos/eval/results/languages.h"
#include "lacos/eval/results/set_titles.h"
#include "lacos/io/json_numbers.h"
#include "lacos/report/facts.h"
#include "lacos/report/page.h"
#include "lacos/report/quantity.h"

namespace lacos {
namespace {

HtmlCell ScoreCell(const SystemScore& score) {
  if (!score.present) return "";
  const std::string interval = FormatInterval(score.interval);
  return {FormatScore(score.value) + (score.same_items ? "" : " †"),
          interval == "-" ? "" : interval};
}

// A system's name, with the place of its model on hover.
ShownText NameOfSystem(const EvaluatedSystem& system) {
  const auto model = system.results.system.Find("model");
  return {system.name, model && model->IsString() ? model->AsString() : ""};
}

SetTitles TitlesOfSets(const SystemsComparison& comparison) {
  std::vector<SetAndPart> sets;
  for (const ScoreOf& score : comparison.sets) sets.emplace_back(score.set, score.part);
  return SetTitles(std::move(sets));
}

Chart CostChart(const SystemsComparison& comparison, size_t headline, const SystemCost& cost) {
  const ScoreOf& score = comparison.headline_scores()[comparison.headlines[headline]];
  const std::vector<SystemScore>& scores = comparison.headline(headline);
  std::vector<double> costs, values;
  std::string without;
  Series points{.name = "systems", .style = SeriesStyle::kPoints};
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool usable = scores[i].present && scores[i].same_items;
    costs.push_back(comparison.systems[i].*cost.value);
    values.push_back(usable ? scores[i].value : kNaN);
    if (usable && !(costs.back() > 0))
      without += (without.empty() ? "" : ", ") + comparison.systems[i].name + " (" +
                 FormatScore(values.back()) + ")";
    points.x.push_back(costs.back());
    points.y.push_back(values.back());
    points.low.push_back(scores[i].interval.low);
    points.high.push_back(scores[i].interval.high);
    points.labels.push_back(comparison.systems[i].name);
  }
  Series front{.name = "Pareto front", .style = SeriesStyle::kLine};
  for (const size_t i : ParetoFront(comparison, headline, cost)) {
    front.x.push_back(costs[i]);
    front.y.push_back(values[i]);
  }
  ShownText title = comparison.has_averages()
                        ? ShownText(score.Title())
                        : TitlesOfSets(comparison).Title({score.set, score.part});
  title.text += std::string(" against ") + cost.title;
  return {.id = fmt::format("{}-{}", cost.id, headline),
          .title = std::move(title),
          .x_title = cost.quantity,
          .y_title = FormatMeasure(score.measure) + " × 100",
          .x_unit = cost.unit,
          .log_x = true,
          .x_margin = true,
          .series = {points, front},
          .note = without.empty() ? "" : fmt::format("Cost not known: {}.", without)};
}

void AddCharts(const SystemsComparison& comparison, Page& page) {
  std::vector<Chart> charts;
  for (size_t i = 0; i < comparison.headlines.size(); ++i) {
    for (const SystemCost& cost : kSystemCosts) {
      Chart chart = CostChart(comparison, i, cost);
      const auto known = std::ranges::count_if(chart.series[0].x,
                                               [](double x) { return std::isfinite(x) && x > 0; });
      if (known > 0) charts.push_back(std::move(chart));
    }
  }
  if (charts.empty()) return;
  page.Section("costs", "Quality against size, memory and time");
  page.Paragraph(
      "Bars are intervals over the test items. The line is the Pareto front: no other system is as good "
      "at as low a cost. Time is that of embedding on the machine of each run, and is unknown where "
      "vectors were read from a file or a cache.");
  page.Charts(charts);
}

SetAndPart NameAndPart(const ScoreOf& score) {
  return score.set.empty() ? SetAndPart(score.label, score.convention)
                           : SetAndPart(score.set, score.part);
}

void AddScoreTable(const SystemsComparison& comparison, const std::vector<ScoreOf>& scores,
                   const std::vector<std::vector<SystemScore>>& rows, Page& page) {
  HtmlTable table{
      .title = "Scores of each system",
      .columns = {{comparison.sets.data() == scores.data() ? "set" : "average", ColumnKind::kName},
                  {"measure", ColumnKind::kWord},
                  "n"},
      .rows = {}};
  for (const EvaluatedSystem& system : comparison.systems)
    table.columns.emplace_back(NameOfSystem(system));
  std::vector<SetAndPart> names;
  for (const ScoreOf& score : scores) names.push_back(NameAndPart(score));
  const SetTitles titles(names);
  bool differs = false;
  for (size_t i = 0; i < scores.size(); ++i) {
    int64_t n = 0;
    std::vector<HtmlCell> row = {titles.RowName(names[i], table), FormatMeasure(scores[i].measure),
                                 ""};
    for (const SystemScore& score : rows[i]) {
      if (n == 0 && score.present) n = score.n;
      differs = differs || !score.same_items;
      row.push_back(ScoreCell(score));
    }
    row[2] = GroupedText(n);
    table.rows.push_back(std::move(row));
  }
  page.Table(table);
  if (differs)
    page.Paragraph("† other items than the first system that has the score: not comparable.");
}

void AddSystems(const SystemsComparison& comparison, Page& page) {
  page.Section("systems", "Systems");
  HtmlTable table{.title = "Systems",
                  .columns = {{"system", ColumnKind::kName},
                              "parameters",
                              "memory",
                              "time a text",
                              "tokens / s",
                              {"compute", ColumnKind::kWord},
                              {"8-bit base", ColumnKind::kName},
                              "truncated texts"},
                  .rows = {}};
  for (const EvaluatedSystem& system : comparison.systems) {
    const Json& about = system.results.system;
    const auto text = [&](const char* key) {
      const auto value = about.Find(key);
      return value && value->IsString() ? value->AsString() : std::string("-");
    };
    const bool timed = std::isfinite(system.ms_per_text);
    const double truncated = NumberOrNaN(about, "truncated_texts");
    table.rows.push_back({NameOfSystem(system), QuantityText(system.parameters),
                          QuantityText(system.memory_bytes, Unit::kBytes),
                          QuantityText(system.ms_per_text, Unit::kMilliseconds),
                          timed ? QuantityText(NumberOrNaN(about, "tokens_per_second")) : "-",
                          text("compute"), text("quantization"), QuantityText(truncated)});
  }
  page.Table(table);
}

void AddDifferences(const SystemsComparison& comparison, Page& page) {
  const EvaluatedSystem& first = comparison.systems[0];
  page.Section("differences", "Differences from " + first.name);
  page.Paragraph(
      "By a paired bootstrap over the same items. p: twice the share of resamples on which the sign is "
      "the other one; several comparisons are made here, and none is corrected for the others.");
  HtmlTable table{.title = "Differences",
                  .columns = {{comparison.has_averages() ? "average" : "set", ColumnKind::kName},
                              "difference",
                              fmt::format("{:.0f} % interval", 100 * comparison.confidence),
                              "p"},
                  .rows = {}};
  std::vector<std::string> labels;
  for (const ScoreOf& score : comparison.sets) labels.push_back(score.label);
  const NamesOfPaths names(labels);
  for (size_t i = 1; i < comparison.systems.size(); ++i) {
    std::vector<std::string> apart;
    const auto differences =
        CompareResults(comparison.systems[i].results, first.results, comparison.confidence, apart);
    const bool has_averages =
        std::ranges::any_of(differences, [](const Comparison& c) { return !c.convention.empty(); });
    for (const Comparison& c : differences) {
      if (has_averages && c.convention.empty()) continue;
      table.StartGroup(NameOfSystem(comparison.systems[i]));
      table.rows.push_back({names(c.label, c.convention.empty() ? "" : ", " + c.convention),
                            fmt::format("{:+.2f}", c.a - c.b),
                            FormatDifferenceInterval(c.difference.interval),
                            FormatP(c.difference.p)});
    }
  }
  if (table.rows.empty()) {
    page.Paragraph("No set in common.");
  } else {
    page.Table(table);
  }
}

// Adds one table for each name of sets: languages and systems, coloured by score.
void AddLanguageMaps(const SystemsComparison& comparison, Page& page) {
  std::vector<std::string> names;
  std::vector<LanguageScores> scores;
  for (const EvaluatedSystem& system : comparison.systems) {
    scores.push_back(ScoresByLanguage(system.results));
    for (const std::string& name : scores.back().names) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  bool begun = false;
  for (const std::string& name : names) {
    std::vector<std::string> languages;
    double low = kNaN, high = kNaN;
    for (const LanguageScores& of_system : scores) {
      for (const auto& [language, by_name] : of_system.means) {
        const auto found = by_name.find(name);
        if (found == by_name.end()) continue;
        languages.push_back(language);
        low = std::fmin(low, found->second);
        high = std::fmax(high, found->second);
      }
    }
    std::ranges::sort(languages);
    languages.erase(std::unique(languages.begin(), languages.end()), languages.end());
    if (languages.size() < 2) continue;
    if (!begun) {
      page.Section("languages", "Languages");
      page.Paragraph(
          "Mean of the main measure over the sets that a language takes part in, alone or with another. "
          "Colours go from the lowest to the highest score of each table.");
      begun = true;
    }
    HtmlTable table{.title = "Scores by language",
                    .columns = {{NamesOfPaths({name})(name), ColumnKind::kName},
                                {"in BLOOM", ColumnKind::kWord}},
                    .rows = {}};
    for (const EvaluatedSystem& system : comparison.systems)
      table.columns.emplace_back(NameOfSystem(system));
    for (const bool known : {true, false}) {
      for (const std::string& language : languages) {
        if (IsBloomLanguage(language) != known) continue;
        std::vector<HtmlCell> row = {language, known ? "yes" : "no"};
        for (const LanguageScores& of_system : scores) {
          const auto by_name = of_system.means.find(language);
          const bool has = by_name != of_system.means.end() && by_name->second.contains(name);
          const double value = has ? by_name->second.at(name) : kNaN;
          row.emplace_back(has ? FormatScore(value) : "");
          if (has && high > low) row.back().shade = (value - low) / (high - low);
        }
        table.rows.push_back(std::move(row));
      }
    }
    page.Table(table);
  }
}

}  // namespace

std::string SystemsReportHtml(const SystemsComparison& comparison) {
  std::vector<std::string> names;
  for (const EvaluatedSystem& system : comparison.systems) names.push_back(system.name);
  Page page("Evaluations", fmt::format("{}", fmt::join(names, ", ")));
  AddSystems(comparison, page);
  AddCharts(comparison, page);
  if (comparison.has_averages()) {
    page.Section("averages", "Averages");
    AddScoreTable(comparison, comparison.averages, comparison.average_scores, page);
  }
  page.Section("sets", "Sets");
  AddScoreTable(comparison, comparison.sets, comparison.set_scores, page);
  AddLanguageMaps(comparison, page);
  AddDifferences(comparison, page);
  page.Section("details", "Details of each system");
  for (size_t i = 0; i < comparison.systems.size(); ++i) {
    page.FoldedTable(NameOfSystem(comparison.systems[i]),
                     FactsTable("System", FactsOf(comparison.systems[i].results.system)));
  }
  return page.Html();
}

}  // namespace lacos
