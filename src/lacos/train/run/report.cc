#include "lacos/train/run/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/base/nan.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/json_numbers.h"
#include "lacos/io/line_reader.h"
#include "lacos/io/paths.h"
#include "lacos/record/run_file.h"
#include "lacos/record/run_record.h"
#include "lacos/report/facts.h"
#include "lacos/report/page.h"
#include "lacos/report/quantity.h"
#include "lacos/train/losses/make_loss.h"
#include "lacos/train/settings.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

struct Evaluation {
  int64_t step = 0;
  double spearman = kNaN, pearson = kNaN;
  bool best = false;
};

// The contents of metrics.jsonl, one vector for each quantity.
struct RunMetrics {
  std::vector<double> step, loss, accuracy, learning_rate, gradient_norm, tokens, tokens_per_second,
      rss, peak_rss;
  std::vector<double> bad_steps, resumed_at;
  int64_t last_step = 0;
  double texts = 0, truncated = 0, clipped = 0;
  std::vector<Evaluation> evaluations;
};

void AddLine(const Json& line, RunMetrics& metrics, double& seconds_before) {
  const int64_t at = line.At("step").AsInt();
  const auto step = static_cast<double>(at);
  if (line.Has("dev_spearman")) {
    const auto best = line.Find("best");
    metrics.evaluations.push_back({.step = at,
                                   .spearman = NumberOrNaN(line, "dev_spearman"),
                                   .pearson = NumberOrNaN(line, "dev_pearson"),
                                   .best = best && best->IsBool() && best->AsBool()});
    return;
  }
  // The count of seconds restarts with each session, so a smaller value marks a resumption.
  const double seconds = NumberOrNaN(line, "seconds");
  if (seconds < seconds_before) metrics.resumed_at.push_back(step);
  seconds_before = seconds;
  const bool bad = line.Has("bad");
  if (bad) metrics.bad_steps.push_back(step);
  metrics.step.push_back(step);
  metrics.last_step = at;
  metrics.loss.push_back(NumberOrNaN(line, "loss"));
  metrics.accuracy.push_back(bad ? kNaN : 100 * NumberOrNaN(line, "accuracy"));
  metrics.learning_rate.push_back(NumberOrNaN(line, "learning_rate"));
  metrics.gradient_norm.push_back(NumberOrNaN(line, "gradient_norm"));
  metrics.tokens.push_back(NumberOrNaN(line, "tokens"));
  metrics.tokens_per_second.push_back(NumberOrNaN(line, "tokens_per_second"));
  metrics.rss.push_back(NumberOrNaN(line, "rss_bytes"));
  metrics.peak_rss.push_back(NumberOrNaN(line, "peak_rss_bytes"));
  const auto add = [&](const char* key, double& sum) {
    const double value = NumberOrNaN(line, key);
    if (std::isfinite(value)) sum += value;
  };
  add("texts", metrics.texts);
  add("truncated", metrics.truncated);
  const auto clipped = line.Find("clipped");
  if (clipped && clipped->IsBool() && clipped->AsBool()) metrics.clipped += 1;
}

RunMetrics ReadMetrics(const std::string& path) {
  RunMetrics metrics;
  if (!FileExists(path)) return metrics;
  double seconds_before = 0;
  try {
    LineReader reader(path);
    for (std::string line; reader.Next(line);) {
      const Json json = Json::Parse(line, path);
      const auto step = json.IsObject() ? json.Find("step") : std::nullopt;
      if (step && step->IsInteger()) AddLine(json, metrics, seconds_before);
    }
  } catch (const UserError&) {
    // The last line is incomplete when the run was killed while writing it.
  }
  return metrics;
}

// The evaluation of the adapter that is the result: the last evaluation that was the best so far
// when it was made.
std::optional<Evaluation> Best(const std::vector<Evaluation>& evaluations) {
  std::optional<Evaluation> best;
  for (const Evaluation& evaluation : evaluations) {
    if (evaluation.best) best = evaluation;
  }
  return best;
}

// An exponential moving average over about `span` values, with bias correction at its start.
// Values that are not finite are skipped and become NaN.
std::vector<double> Smoothed(const std::vector<double>& values, double span) {
  const double keep = 1 - 2 / (span + 1);
  std::vector<double> smooth;
  double sum = 0, weight = 0;
  for (const double value : values) {
    if (std::isfinite(value)) {
      sum = keep * sum + (1 - keep) * value;
      weight = keep * weight + (1 - keep);
    }
    smooth.push_back(std::isfinite(value) ? sum / weight : kNaN);
  }
  return smooth;
}

double LastFinite(const std::vector<double>& values) {
  for (size_t i = values.size(); i-- > 0;) {
    if (std::isfinite(values[i])) return values[i];
  }
  return kNaN;
}

double Largest(const std::vector<double>& values) {
  double largest = kNaN;
  for (const double value : values) {
    if (std::isfinite(value) && !(value <= largest)) largest = value;
  }
  return largest;
}

int64_t CountOf(const Json& json) {
  if (json.AsInt() >= 0) return json.AsInt();
  throw UserError(
      fmt::format("{} is {}; expected a count; check the file", json.Where(), json.AsInt()));
}

std::string Fixed(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "undefined";
}

class RunPage {
 public:
  RunPage(const std::string& folder, Json run, RunMetrics metrics)
      : run_(std::move(run)),
        m_(std::move(metrics)),
        finished_(PathExists((fs::path(folder) / "lacos.json").string())) {
    const fs::path place = fs::absolute(folder).lexically_normal();
    name_ = (place.has_filename() ? place : place.parent_path()).filename().string();
    steps_ = m_.last_step;
    total_ = run_.At("settings").At("total_steps").AsInt();
    best_ = Best(m_.evaluations);
    span_ = std::max(10.0, static_cast<double>(m_.step.size()) / 50);
  }

  std::string Html() {
    const std::string state =
        finished_ ? fmt::format("Finished after {} of {} steps.", GroupedText(steps_),
                                GroupedText(total_))
                  : fmt::format("At step {} of {}: still running, or stopped before its end.",
                                GroupedText(steps_), GroupedText(total_));
    Page page("Training run " + name_, state);
    page.Figures(KeyFigures());
    AddResult(page);
    page.Section("curves", "Curves");
    page.Charts(Curves());
    AddSettings(page);
    AddData(page);
    AddMachine(page);
    return page.Html();
  }

 private:
  std::vector<std::pair<ShownText, std::string>> KeyFigures() const {
    std::vector<std::pair<ShownText, std::string>> figures = {
        {"steps", fmt::format("{} of {}", GroupedText(steps_), GroupedText(total_))},
        {"loss, smoothed", Fixed(LastFinite(Smoothed(m_.loss, span_)), 4)}};
    if (best_) figures.emplace_back("best dev Spearman × 100", Fixed(best_->spearman, 2));
    double tokens = 0, seconds = 0;
    for (size_t i = 0; i < m_.tokens.size(); ++i) {
      if (!(m_.tokens_per_second[i] > 0)) continue;
      tokens += m_.tokens[i];
      seconds += m_.tokens[i] / m_.tokens_per_second[i];
    }
    figures.emplace_back("tokens", GroupedText(tokens));
    if (seconds > 0) figures.emplace_back("tokens / s", GroupedText(tokens / seconds));
    figures.emplace_back("peak memory", QuantityText(Largest(m_.peak_rss), Unit::kBytes));
    if (!m_.bad_steps.empty())
      figures.emplace_back("steps without update",
                           GroupedText(static_cast<int64_t>(m_.bad_steps.size())));
    return figures;
  }

  void AddResult(Page& page) const {
    page.Section("result", "Result");
    if (m_.evaluations.empty()) {
      page.Paragraph("No dev set was scored: the result is the adapter of the last step.");
      return;
    }
    HtmlTable table{
        .title = "Dev scores",
        .columns = {{"dev score", ColumnKind::kName}, "step", "Spearman × 100", "Pearson × 100"},
        .rows = {}};
    const auto add = [&](const char* name, const Evaluation& evaluation) {
      table.rows.push_back({name, GroupedText(evaluation.step), Fixed(evaluation.spearman, 2),
                            Fixed(evaluation.pearson, 2)});
    };
    add("first", m_.evaluations.front());
    if (best_) {
      table.strong_row = 1;
      add("best", *best_);
    }
    add("last", m_.evaluations.back());
    page.Table(table);
    page.Paragraph(
        best_ ? fmt::format("The result is the adapter of step {}.", GroupedText(best_->step))
              : "No score is defined: the result is the adapter of the last step.");
  }

  // A curve over the steps. If `smooth` is set and the curve is long enough, it is smoothed and the
  // raw values are drawn faintly behind it.
  Chart StepChart(const char* id, const char* title, std::string_view y_title,
                  const std::vector<double>& values, bool smooth) const {
    Chart chart{.id = id,
                .title = title,
                .x_title = "step",
                .y_title = std::string(y_title),
                .whole_x = true};
    if (smooth && m_.step.size() >= 20) {
      chart.series.push_back({"each step", m_.step, values, SeriesStyle::kFaint});
      chart.series.push_back(
          {fmt::format("smoothed over {:.0f} steps", span_), m_.step, Smoothed(values, span_)});
    } else {
      chart.series.push_back({title, m_.step, values});
    }
    if (!m_.bad_steps.empty()) chart.events.push_back({"no update", m_.bad_steps});
    return chart;
  }

  LossKind Objective() const {
    const auto word = FindRecorded(run_.At("settings"), "loss");
    const auto kind = word && word->IsString() ? Parse<LossKind>(word->AsString()) : std::nullopt;
    return kind.value_or(TrainSettings().loss);
  }

  std::vector<Chart> Curves() const {
    std::vector<Chart> charts = {StepChart("loss", "Loss", "loss", m_.loss, true)};
    if (!m_.resumed_at.empty()) {
      const size_t times = m_.resumed_at.size();
      charts[0].note =
          "The run was resumed " + (times == 1 ? "once." : fmt::format("{} times.", times));
    }
    if (!m_.evaluations.empty()) charts.push_back(DevChart());
    if (std::any_of(m_.accuracy.begin(), m_.accuracy.end(),
                    [](double value) { return std::isfinite(value); })) {
      charts.push_back(StepChart("accuracy", "Accuracy in the batch",
                                 DescribeLoss(Objective()).accuracy, m_.accuracy, true));
    }
    charts.push_back(
        StepChart("learning_rate", "Learning rate", "learning rate", m_.learning_rate, false));
    charts.back().y_from_zero = true;
    charts.push_back(StepChart("gradient_norm", "Gradient norm", "Euclidean norm before clipping",
                               m_.gradient_norm, true));
    charts.back().note = fmt::format("{} of {} steps were clipped.", GroupedText(m_.clipped),
                                     GroupedText(static_cast<int64_t>(m_.step.size())));
    charts.push_back(
        StepChart("throughput", "Throughput", "tokens / s", m_.tokens_per_second, true));
    charts.back().y_from_zero = true;
    charts.push_back(MemoryChart());
    return charts;
  }

  Chart DevChart() const {
    Chart chart{.id = "dev",
                .title = "Dev score",
                .x_title = "step",
                .y_title = "correlation × 100",
                .whole_x = true};
    Series spearman{"Spearman", {}, {}, SeriesStyle::kDotted},
        pearson{"Pearson", {}, {}, SeriesStyle::kDotted};
    for (const Evaluation& evaluation : m_.evaluations) {
      for (Series* series : {&spearman, &pearson})
        series->x.push_back(static_cast<double>(evaluation.step));
      spearman.y.push_back(evaluation.spearman);
      pearson.y.push_back(evaluation.pearson);
    }
    chart.series = {spearman, pearson};
    if (best_) {
      chart.marks.push_back({static_cast<double>(best_->step), best_->spearman, "best"});
      chart.note =
          fmt::format("The best: {:.2f} at step {}.", best_->spearman, GroupedText(best_->step));
    }
    return chart;
  }

  Chart MemoryChart() const {
    Chart chart{.id = "memory",
                .title = "Memory",
                .x_title = "step",
                .y_title = "resident",
                .y_unit = Unit::kBytes,
                .whole_x = true,
                .y_from_zero = true};
    chart.series = {{"now", m_.step, m_.rss}, {"peak so far", m_.step, m_.peak_rss}};
    return chart;
  }

  void AddSettings(Page& page) const {
    page.Section("settings", "Settings");
    Facts facts;
    run_.At("settings").ForEachItem([&](std::string_view name, const Json& value) {
      if (value.IsString() && !name.ends_with("_sha256") && name != "isa")
        facts.emplace_back(name, FactText(name, value));
    });
    facts.emplace_back("steps in all", GroupedText(total_));
    page.Table(FactsTable("Settings", facts));
  }

  void AddData(Page& page) const {
    page.Section("data", "Data");
    if (const auto data = run_.Find("data")) {
      HtmlTable table{
          .title = "Files of examples",
          .columns = {{"file", ColumnKind::kName}, "rows", "used", {"left out", ColumnKind::kText}},
          .rows = {}};
      std::vector<std::string> paths;
      data->At("train").ForEachElement(
          [&](const Json& file) { paths.push_back(file.At("path").AsString()); });
      if (const auto dev = data->Find("dev")) paths.push_back(dev->At("path").AsString());
      const NamesOfPaths names(paths);
      data->At("train").ForEachElement([&](const Json& file) {
        std::string dropped;
        file.At("dropped").ForEachItem([&](std::string_view reason, const Json& rows) {
          dropped += fmt::format("{}{} {}", dropped.empty() ? "" : "; ", GroupedText(rows.AsInt()),
                                 reason);
        });
        table.rows.push_back(
            {names(file.At("path").AsString()), GroupedText(file.At("rows").AsInt()),
             GroupedText(file.At("examples").AsInt()), dropped.empty() ? "none" : dropped});
      });
      if (const auto dev = data->Find("dev")) {
        const int64_t rows = CountOf(dev->At("rows")), pairs = CountOf(dev->At("pairs"));
        table.rows.push_back(
            {names(dev->At("path").AsString(), " (dev)"), GroupedText(rows), GroupedText(pairs),
             rows == pairs ? "none"
                           : GroupedText(rows - pairs) + " without a score or of another split"});
      }
      page.Table(table);
      page.Paragraph(fmt::format(
          "{} texts are longer than the maximum length and are truncated; "
          "of the {} texts in the batches so far, {} were cut. {} distinct texts have {} tokens.",
          GroupedText(data->At("texts_truncated").AsInt()), GroupedText(m_.texts),
          GroupedText(m_.truncated), GroupedText(data->At("distinct_texts").AsInt()),
          GroupedText(data->At("distinct_tokens").AsInt())));
    }
    if (const auto inputs = run_.Find("inputs")) {
      HtmlTable table{.title = "Input files",
                      .columns = {{"file", ColumnKind::kName},
                                  {"used as", ColumnKind::kWord},
                                  "size",
                                  {"SHA-256", ColumnKind::kWord}},
                      .rows = {}};
      std::vector<std::string> paths;
      inputs->ForEachElement(
          [&](const Json& input) { paths.push_back(input.At("path").AsString()); });
      const NamesOfPaths names(paths);
      inputs->ForEachElement([&](const Json& input) {
        const auto hash = input.Find("sha256");
        table.rows.push_back(
            {names(input.At("path").AsString()), input.At("role").AsString(),
             QuantityText(static_cast<double>(input.At("bytes").AsInt()), Unit::kBytes),
             hash ? ShownText(fmt::format("{:.12}…", hash->AsString()), hash->AsString())
                  : ShownText("not taken")});
      });
      page.Table(table);
    }
  }

  void AddMachine(Page& page) const {
    page.Section("machine", "Command and machine");
    Facts facts;
    if (const auto arguments = run_.Find("arguments")) {
      std::string command = "lacos train";
      arguments->ForEachElement([&](const Json& word) {
        command += ' ';
        command += word.AsString();
      });
      facts.emplace_back("command", command);
    } else if (const auto call = run_.Find("call")) {
      const auto function = run_.Find("function");
      facts.emplace_back("call", (function ? function->AsString() : "") + " " + call->Dump());
    }
    const auto add = [&](const char* name, const char* group, const char* key) {
      const auto part = run_.Find(group);
      if (!part || !part->IsObject()) return;
      if (const auto value = part->Find(key)) facts.emplace_back(name, FactText(key, *value));
    };
    if (const auto version = run_.Find("lacos_version"))
      facts.emplace_back("lacos", FactText("lacos_version", *version));
    add("commit", "build", "commit");
    add("compiler", "build", "compiler");
    add("processor", "machine", "cpu");
    add("its features", "machine", "features");
    add("cores", "machine", "cores");
    add("threads", "machine", "threads");
    add("instruction set", "kernels", "isa");
    add("GPU", "kernels", "card");
    add("driver", "kernels", "driver");
    add("kernels", "kernels", "kernels");
    if (const auto environment = run_.Find("environment")) {
      environment->ForEachItem([&](std::string_view name, const Json& value) {
        facts.emplace_back(name, FactText(name, value));
      });
    }
    page.Table(FactsTable("Command and machine", facts));
  }

  Json run_;
  RunMetrics m_;
  bool finished_;
  std::string name_;
  int64_t steps_ = 0, total_ = 0;
  std::optional<Evaluation> best_;
  double span_ = 10;  // span of smoothing, in steps
};

}  // namespace

void WriteRunReport(const std::string& folder) {
  const std::string run_path = RunFileOfFolder(folder);
  if (!FileExists(run_path)) {
    throw UserError(fmt::format(
        "[{}] has no run.json; expected the output folder of 'lacos train'; check the path",
        folder));
  }
  const RunFile run(run_path);
  if (!run.json().Has("settings") || !run.IsOf("train")) {
    throw UserError(fmt::format(
        "[{}] is no record of a training run; expected the output folder of 'lacos train'; "
        "check the path",
        run_path));
  }
  RunPage page(folder, run.json(), ReadMetrics((fs::path(folder) / "metrics.jsonl").string()));
  WriteFileAtomically((fs::path(folder) / "report.html").string(), page.Html());
}

}  // namespace lacos
