// Renders sweep.json for readers: as CSV, as tables for a terminal and as report.html.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lacos/base/nan.h"
#include "lacos/eval/results/results.h"
#include "lacos/io/json_numbers.h"
#include "lacos/report/facts.h"
#include "lacos/report/page.h"
#include "lacos/report/quantity.h"
#include "lacos/sweep/summary.h"

namespace lacos {
namespace {

// Replaces a value that would be printed as -0.00 or 0.00 by 0.
double WithoutMinusZero(double value) { return std::abs(value) < 0.005 ? 0 : value; }
std::string Points(const Json& json, const char* key) {
  const double value = NumberOrNaN(json, key);
  return std::isfinite(value) ? fmt::format("{:.2f}", value) : "-";
}
std::string Signed(const Json& json, const char* key) {
  const double value = NumberOrNaN(json, key);
  return std::isfinite(value) ? fmt::format("{:+.2f}", WithoutMinusZero(value)) : "";
}
double End(const Json& json, const char* key, size_t end) {
  const auto interval = json.Find(key);
  return interval && interval->size() == 2 ? interval->operator[](end).AsDouble() : kNaN;
}
std::string Range(const Json& json, const char* key, bool is_signed) {
  const double low = End(json, key, 0), high = End(json, key, 1);
  if (!std::isfinite(low)) return "";
  return is_signed
             ? fmt::format("{:+.2f} to {:+.2f}", WithoutMinusZero(low), WithoutMinusZero(high))
             : fmt::format("{:.2f} to {:.2f}", low, high);
}
std::string ValueText(const Json& value) {
  return value.IsString() ? value.AsString() : value.Dump();
}

template <class F>
void ForEach(const Json& list, const F& f) {
  for (size_t i = 0; i < list.size(); ++i) f(list[i]);
}

std::vector<std::vector<std::string>> StudyRows(const Json& study,
                                                std::vector<std::string>& header) {
  const bool judged = study.Has("within");
  for (size_t i = 0; i < study.At("axes").size(); ++i)
    header.push_back(study.At("axes")[i].AsString());
  for (const char* name : {"score", "sd", "interval", "difference", "its interval", "p"})
    header.emplace_back(name);
  if (judged) header.push_back(fmt::format("within {}", study.At("within").AsDouble()));
  std::vector<std::vector<std::string>> rows;
  ForEach(study.At("rows"), [&](const Json& row) {
    std::vector<std::string> cells;
    for (const std::string& axis : row.At("values").Keys())
      cells.push_back(row.At("values").At(axis).AsString());
    cells.insert(cells.end(), {row.Has("mean") ? Points(row, "mean") : "failed", Points(row, "sd"),
                               Range(row, "interval", false), Signed(row, "difference"),
                               Range(row, "difference_interval", true)});
    if (row.At("cell").AsString() == study.At("baseline").AsString())
      cells[cells.size() - 2] = "baseline";
    const double p = NumberOrNaN(row, "p");
    cells.push_back(std::isfinite(p) ? fmt::format("{:.3f}", p) : "");
    if (judged) cells.push_back(row.Has("within") ? row.At("within").AsString() : "");
    rows.push_back(cells);
  });
  return rows;
}

HtmlTable StudyTable(const Json& study) {
  std::vector<std::string> header;
  const std::vector<std::vector<std::string>> rows = StudyRows(study, header);
  const size_t axes = study.At("axes").size();
  HtmlTable table{.title = study.At("title").AsString(), .columns = {}, .rows = {}};
  for (size_t i = 0; i < header.size(); ++i) {
    table.columns.emplace_back(header[i], i < axes ? ColumnKind::kName : ColumnKind::kNumber);
  }
  for (const auto& row : rows) table.rows.emplace_back(row.begin(), row.end());
  return table;
}

const char* SizeName(const std::string& size) {
  if (size == "examples") return "examples";
  if (size == "base_layers") return "layers";
  return size == "base_parameters" ? "parameters of the base" : "trainable parameters";
}

std::string GrowthSentence(const Json& growth) {
  const std::string others = growth.At("others").AsString();
  return fmt::format(
      "Each doubling of the {}{} changes the score by {} points ({}){}",
      SizeName(growth.At("size").AsString()), others.empty() ? "" : " (" + others + ")",
      Signed(growth, "points_per_doubling"), Range(growth, "interval", true),
      growth.At("has_zero").AsBool() ? ": the interval holds 0, so no growth was shown." : ".");
}

// A chart of a study's rows with their intervals. Shows the scores or, with `differences`, the
// differences from the baseline.
Chart StudyChart(const Json& study, const std::string& id, bool differences) {
  const char* value = differences ? "difference" : "mean";
  const char* interval = differences ? "difference_interval" : "interval";
  Series series{.name = study.At("score").AsString(), .style = SeriesStyle::kPoints};
  ForEach(study.At("rows"), [&](const Json& row) {
    std::vector<std::string> label;
    for (const std::string& axis : row.At("values").Keys()) {
      label.push_back(row.At("values").At(axis).AsString());
    }
    const bool is_zero =
        differences && row.At("cell").AsString() == study.At("baseline").AsString();
    series.x.push_back(static_cast<double>(series.x.size() + 1));
    series.y.push_back(is_zero ? 0 : NumberOrNaN(row, value));
    series.low.push_back(End(row, interval, 0));
    series.high.push_back(End(row, interval, 1));
    series.labels.push_back(fmt::format("{}", fmt::join(label, ", ")));
  });
  return {.id = id,
          .title = differences ? "Differences from the baseline" : study.At("score").AsString(),
          .x_title = "row of the table",
          .y_title = differences ? "points above the baseline" : "score × 100",
          .whole_x = true,
          .x_margin = true,
          .series = {series}};
}

Chart GrowthChart(const Json& growth, const std::string& id) {
  Series series{.name = "mean", .style = SeriesStyle::kDotted};
  std::vector<std::pair<double, Json>> points;
  ForEach(growth.At("points"),
          [&](const Json& point) { points.emplace_back(NumberOrNaN(point, "size"), point); });
  std::sort(points.begin(), points.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [size, point] : points) {
    series.x.push_back(size);
    series.y.push_back(NumberOrNaN(point, "mean"));
    series.low.push_back(End(point, "interval", 0));
    series.high.push_back(End(point, "interval", 1));
  }
  return {.id = id,
          .title = fmt::format("Growth with {}", SizeName(growth.At("size").AsString())),
          .x_title = SizeName(growth.At("size").AsString()),
          .y_title = "score × 100",
          .log_x = true,
          .series = {series},
          .note = GrowthSentence(growth)};
}

Unit UnitOfCost(const std::string& cost) {
  if (cost == "bytes") return Unit::kBytes;
  if (cost == "train_seconds") return Unit::kSeconds;
  return cost == "encode_ms_per_text" ? Unit::kMilliseconds : Unit::kNone;
}

// The quantity on the axis, whose ticks have the unit.
std::string QuantityOfCost(const std::string& cost, const std::string& title) {
  if (cost == "bytes") return "base and adapter";
  if (cost == "train_seconds") return "time of training";
  return cost == "encode_ms_per_text" ? "time to encode a text" : title;
}

Chart ParetoChart(const Json& pareto, size_t number) {
  const std::string cost = pareto.At("cost").AsString();
  // Encoding times lie within a small factor of each other, so they need no logarithmic axis.
  const bool log = cost != "encode_ms_per_text";
  Series others{.name = "beaten by another cell", .style = SeriesStyle::kPoints};
  Series front{.name = "front: none is as good and cheaper", .style = SeriesStyle::kDotted};
  int64_t free = 0;
  std::vector<std::pair<double, Json>> points;
  ForEach(pareto.At("points"),
          [&](const Json& point) { points.emplace_back(NumberOrNaN(point, "cost"), point); });
  std::stable_sort(points.begin(), points.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [value, point] : points) {
    if (log && !(value > 0)) {
      ++free;
      continue;
    }
    Series& series = point.At("front").AsBool() ? front : others;
    series.x.push_back(value);
    series.y.push_back(NumberOrNaN(point, "mean"));
    if (&series == &front) series.labels.push_back(point.At("cell").AsString());
  }
  const std::string quantity = QuantityOfCost(cost, pareto.At("title").AsString());
  return {
      .id = fmt::format("pareto-{}", number),
      .title = "Quality against " + quantity,
      .x_title = quantity,
      .y_title = pareto.At("score").AsString() + " × 100",
      .x_unit = UnitOfCost(cost),
      .log_x = log,
      .x_margin = true,
      .series = {front, others},
      .note = free == 0 ? ""
              : free == 1
                  ? "One cell without training costs nothing here and is not drawn."
                  : fmt::format("{} cells without training cost nothing here and are not drawn.",
                                free)};
}

void AddStudies(const Json& sweep, Page& page) {
  size_t number = 0;
  ForEach(sweep.At("studies"), [&](const Json& study) {
    page.Section(fmt::format("study-section-{}", number), study.At("title").AsString());
    page.Table(StudyTable(study));
    std::vector<Chart> charts = {StudyChart(study, fmt::format("study-{}", number), false),
                                 StudyChart(study, fmt::format("differences-{}", number), true)};
    ForEach(study.At("growth"), [&](const Json& growth) {
      charts.push_back(GrowthChart(growth, fmt::format("growth-{}-{}", number, charts.size())));
    });
    page.Charts(charts);
    ++number;
  });
}

void AddCells(const Json& sweep, Page& page) {
  page.Section("cells", "Cells");
  page.Paragraph(
      "Means over seeds. Training time and peak memory are of a process of its own for each run.");
  std::vector<std::string> names;
  ForEach(sweep.At("cells"), [&](const Json& cell) {
    if (!names.empty() || !cell.Has("scores")) return;
    ForEach(cell.At("scores"),
            [&](const Json& score) { names.push_back(score.At("name").AsString()); });
  });
  HtmlTable table{.title = "Cells", .columns = {{"cell", ColumnKind::kName}}, .rows = {}};
  for (const std::string& name : names) table.columns.emplace_back(name);
  for (const char* name : {"training time", "peak memory", "trained parameters",
                           "parameters of the base", "base", "time a text"})
    table.columns.emplace_back(name);
  HtmlTable failures{.title = "Failed cells",
                     .columns = {{"failed cell", ColumnKind::kName}, {"reason", ColumnKind::kText}},
                     .rows = {}};
  ForEach(sweep.At("cells"), [&](const Json& cell) {
    std::vector<HtmlCell> row = {cell.At("name").AsString()};
    if (!cell.Has("scores")) {
      failures.rows.push_back({cell.At("name").AsString(), cell.At("failed").AsString()});
      return;
    }
    ForEach(cell.At("scores"), [&](const Json& score) { row.emplace_back(Points(score, "mean")); });
    const Json costs = cell.At("costs");
    const auto add = [&](const char* cost, Unit unit) {
      const bool of_training = std::string_view(cost).starts_with("train_");
      row.emplace_back(of_training && !cell.At("trained").AsBool()
                           ? "-"
                           : QuantityText(NumberOrNaN(costs, cost), unit));
    };
    add("train_seconds", Unit::kSeconds);
    add("train_peak_rss_bytes", Unit::kBytes);
    add("trainable_parameters", Unit::kNone);
    add("base_parameters", Unit::kNone);
    add("base_bytes", Unit::kBytes);
    add("encode_ms_per_text", Unit::kMilliseconds);
    table.rows.push_back(std::move(row));
  });
  if (!table.rows.empty()) page.Table(table);
  if (!failures.rows.empty()) page.Table(failures);
}

void AddSettings(const Json& sweep, const Json& run, Page& page) {
  page.Section("settings", "Common settings");
  page.Table(FactsTable("Settings", FactsOf(sweep.At("settings"))));
  if (!run.IsObject()) return;
  page.Section("machine", "Command and machine");
  Facts machine;
  if (const auto arguments = run.Find("arguments")) {
    std::string command = "lacos sweep";
    ForEach(*arguments, [&](const Json& word) { command += " " + word.AsString(); });
    machine.emplace_back("command", command);
  }
  if (const auto version = run.Find("lacos_version"))
    machine.emplace_back("lacos", FactText("lacos_version", *version));
  for (const char* group : {"build", "machine"}) {
    const auto part = run.Find(group);
    if (!part || !part->IsObject()) continue;
    for (auto& fact : FactsOf(*part)) machine.push_back(std::move(fact));
  }
  page.Table(FactsTable("Command and machine", machine));
}

}  // namespace

std::string SweepCsv(const Json& sweep) {
  std::string csv = "cell,trained,score,measure,n,mean,sd,low,high";
  std::vector<std::string> costs;
  ForEach(sweep.At("cells"), [&](const Json& cell) {
    if (costs.empty() && cell.Has("costs")) costs = cell.At("costs").Keys();
  });
  const std::vector<std::string> settings = sweep.At("settings").Keys();
  for (const std::string& name : costs) csv += "," + name;
  for (const std::string& name : settings) csv += "," + name;
  csv += "\n";
  const auto number = [](double value) {
    return std::isfinite(value) ? fmt::format("{:.6g}", value) : "";
  };
  ForEach(sweep.At("cells"), [&](const Json& cell) {
    if (!cell.Has("scores")) return;
    std::string rest;
    for (const std::string& name : costs)
      rest += fmt::format(",{}", number(NumberOrNaN(cell.At("costs"), name.c_str())));
    for (const std::string& name : settings)
      rest += fmt::format(",{}", CsvCell(ValueText(cell.At("settings").At(name))));
    ForEach(cell.At("scores"), [&](const Json& score) {
      csv += fmt::format("{},{},{},{},{},{},{},{},{}{}\n", CsvCell(cell.At("name").AsString()),
                         cell.At("trained").AsBool() ? "yes" : "no",
                         CsvCell(score.At("name").AsString()), score.At("measure").AsString(),
                         score.At("n").AsInt(), number(NumberOrNaN(score, "mean")),
                         number(NumberOrNaN(score, "sd")), number(End(score, "interval", 0)),
                         number(End(score, "interval", 1)), rest);
    });
  });
  return csv;
}

std::string SweepText(const Json& sweep) {
  std::string text;
  ForEach(sweep.At("studies"), [&](const Json& study) {
    std::vector<std::vector<std::string>> rows(1);
    for (auto& row : StudyRows(study, rows[0])) rows.push_back(std::move(row));
    std::vector<size_t> widths(rows[0].size(), 0);
    for (const auto& row : rows) {
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    text += fmt::format("{} ({})\n", study.At("title").AsString(), study.At("score").AsString());
    for (const auto& row : rows) {
      std::string line;
      for (size_t i = 0; i < row.size(); ++i) {
        line += i == 0 ? fmt::format("  {:<{}}", row[i], widths[i])
                       : fmt::format("  {:>{}}", row[i], widths[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    ForEach(study.At("growth"),
            [&](const Json& growth) { text += "  " + GrowthSentence(growth) + "\n"; });
    text += "\n";
  });
  ForEach(sweep.At("cells"), [&](const Json& cell) {
    if (!cell.Has("scores"))
      text +=
          fmt::format("failed: {}: {}\n", cell.At("name").AsString(), cell.At("failed").AsString());
  });
  return text;
}

std::string SweepReportHtml(const Json& sweep, const Json& run) {
  Page page(sweep.At("title").AsString(), "A sweep of trainings and evaluations");
  size_t trained = 0, failed = 0;
  ForEach(sweep.At("cells"), [&](const Json& cell) {
    trained += cell.At("trained").AsBool() ? 1 : 0;
    failed += cell.Has("scores") ? 0 : 1;
  });
  page.Figures({{"cells trained", fmt::format("{}", trained)},
                {"seeds each", fmt::format("{}", sweep.At("seeds").size())},
                {"failed", fmt::format("{}", failed)},
                {"score", sweep.At("score").AsString()}});
  page.Section("reading", "How to read this");
  page.Paragraph(fmt::format(
      "Scores are × 100, means over seeds. Intervals cover {:.0f} % and hold both chances: of "
      "the training (seeds drawn "
      "with replacement) and of the test (items drawn with replacement, {} times). Differences "
      "are from the baseline of "
      "their study on the same seeds and items. 'Within' says whether the whole interval of a "
      "difference stays within "
      "the named points.",
      100 * sweep.At("confidence").AsDouble(), sweep.At("resamples").AsInt()));
  AddStudies(sweep, page);
  page.Section("pareto", "What quality costs");
  std::vector<Chart> charts;
  ForEach(sweep.At("pareto"),
          [&](const Json& pareto) { charts.push_back(ParetoChart(pareto, charts.size())); });
  page.Charts(charts);
  AddCells(sweep, page);
  AddSettings(sweep, run, page);
  return page.Html();
}

}  // namespace lacos
