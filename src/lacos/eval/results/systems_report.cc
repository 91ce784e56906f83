#include "lacos/eval/results/systems_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lacos/base/nan.h"
#include "lacos/eval/results/evaluation_report.h"
#include "lacos/eval/results/languages.h"
#include "lacos/io/json_numbers.h"
#include "lacos/report/page.h"

namespace lacos {
namespace {

std::string CountText(double value, const char* unit) {
  if (!std::isfinite(value)) return "-";
  for (const auto& [size, name] : {std::pair{1e9, "G"}, {1e6, "M"}, {1e3, "k"}}) {
    if (value >= size)
      return fmt::format("{:.{}f} {}{}", value / size, value >= 100 * size ? 0 : 1, name, unit);
  }
  return fmt::format("{:.0f}{}{}", value, *unit == 0 ? "" : " ", unit);
}

std::string ScoreText(const SystemScore& score) {
  if (!score.present) return "";
  const std::string interval = FormatInterval(score.interval);
  return FormatScore(score.value) + (interval == "-" ? "" : " (" + interval + ")") +
         (score.same_items ? "" : " †");
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
      without += (without.empty() ? "" : ", ") + comparison.systems[i].name + " " +
                 FormatScore(values.back());
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
  return {.id = fmt::format("{}-{}", cost.id, headline),
          .title = fmt::format("{} against {}", score.Title(), cost.title),
          .x_title = cost.unit,
          .y_title = FormatMeasure(score.measure) + " x 100",
          .log_x = true,
          .x_margin = true,
          .series = {points, front},
          .note = without.empty() ? "" : fmt::format("Unknown here: {}.", without)};
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
      "Bars are intervals over the test items. The line is the Pareto front: no other system is as good at "
      "as "
      "low a cost. Time is that of embedding on the machine of each run, and is unknown where vectors were "
      "read "
      "from a file or a cache.");
  page.Charts(charts);
}

void AddScoreTable(const SystemsComparison& comparison, const std::vector<ScoreOf>& scores,
                   const std::vector<std::vector<SystemScore>>& rows, Page& page) {
  HtmlTable table{.header = {"", "n"}, .rows = {}};
  for (const EvaluatedSystem& system : comparison.systems) table.header.push_back(system.name);
  bool differs = false;
  for (size_t i = 0; i < scores.size(); ++i) {
    int64_t n = 0;
    std::vector<std::string> row = {scores[i].Title() + ", " + FormatMeasure(scores[i].measure),
                                    ""};
    for (const SystemScore& score : rows[i]) {
      if (n == 0 && score.present) n = score.n;
      differs = differs || !score.same_items;
      row.push_back(ScoreText(score));
    }
    row[1] = fmt::format("{}", n);
    table.rows.push_back(std::move(row));
  }
  page.Table(table);
  if (differs)
    page.Paragraph("† other items than the first system that has the score: not comparable.");
}

void AddSystems(const SystemsComparison& comparison, Page& page) {
  page.Section("systems", "Systems");
  HtmlTable table{.header = {"system", "parameters", "memory", "ms a text", "tokens/s", "compute",
                             "base in 8 bit", "truncated texts", "adapter"},
                  .rows = {}};
  for (const EvaluatedSystem& system : comparison.systems) {
    const Json& about = system.results.system;
    const auto text = [&](const char* key) {
      const auto value = about.Find(key);
      return value && value->IsString() ? value->AsString() : std::string("-");
    };
    std::string adapter = "-";
    if (const auto hashes = about.Find("adapter_sha256"); hashes && hashes->IsObject()) {
      for (const std::string& name : hashes->Keys()) {
        if (name.starts_with("adapter_model")) adapter = hashes->At(name).AsString().substr(0, 12);
      }
    }
    const double truncated = NumberOrNaN(about, "truncated_texts");
    table.rows.push_back(
        {system.name, CountText(system.parameters, ""), CountText(system.memory_bytes, "B"),
         std::isfinite(system.ms_per_text) ? fmt::format("{:.2f}", system.ms_per_text) : "-",
         std::isfinite(system.ms_per_text) ? CountText(NumberOrNaN(about, "tokens_per_second"), "")
                                           : "-",
         text("compute"), text("quantization"),
         std::isfinite(truncated) ? fmt::format("{:.0f}", truncated) : "-", adapter});
  }
  page.Table(table);
}

void AddDifferences(const SystemsComparison& comparison, Page& page) {
  const EvaluatedSystem& first = comparison.systems[0];
  page.Section("differences", "Differences from " + first.name);
  page.Paragraph(
      "Averages, by a paired bootstrap over the same items. p: twice the share of resamples on which the "
      "sign is "
      "the other one; several comparisons are made here, and none is corrected for the others.");
  HtmlTable table{.header = {"system", "average", "difference",
                             fmt::format("{:.0f} % interval", 100 * comparison.confidence), "p"},
                  .rows = {}};
  for (size_t i = 1; i < comparison.systems.size(); ++i) {
    std::vector<std::string> apart;
    const auto differences =
        CompareResults(comparison.systems[i].results, first.results, comparison.confidence, apart);
    const bool has_averages =
        std::ranges::any_of(differences, [](const Comparison& c) { return !c.convention.empty(); });
    for (const Comparison& c : differences) {
      if (has_averages && c.convention.empty()) continue;
      table.rows.push_back({comparison.systems[i].name,
                            c.convention.empty() ? c.label : c.label + ", " + c.convention,
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
          "Colours go "
          "from the lowest to the highest score of each table.");
      begun = true;
    }
    HtmlTable table{.header = {name, "in BLOOM"}, .rows = {}};
    for (const EvaluatedSystem& system : comparison.systems) table.header.push_back(system.name);
    for (const bool known : {true, false}) {
      for (const std::string& language : languages) {
        if (IsBloomLanguage(language) != known) continue;
        std::vector<std::string> row = {language, known ? "yes" : "no"};
        std::vector<double> shades = {kNaN, kNaN};
        for (const LanguageScores& of_system : scores) {
          const auto by_name = of_system.means.find(language);
          const bool has = by_name != of_system.means.end() && by_name->second.contains(name);
          const double value = has ? by_name->second.at(name) : kNaN;
          row.push_back(has ? FormatScore(value) : "");
          shades.push_back(high > low ? (value - low) / (high - low) : kNaN);
        }
        table.rows.push_back(std::move(row));
        table.shades.push_back(std::move(shades));
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
  for (size_t i = 0; i < comparison.systems.size(); ++i) {
    page.Section(fmt::format("system-{}", i), comparison.systems[i].name);
    page.Table(SystemTable(comparison.systems[i].results));
  }
  return page.Html();
}

}  // namespace lacos
