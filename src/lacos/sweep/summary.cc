#include "lacos/sweep/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/base/nan.h"
#include "lacos/base/version.h"
#include "lacos/eval/results/results.h"
#include "lacos/eval/results/systems.h"
#include "lacos/io/json_numbers.h"
#include "lacos/sweep/statistics.h"

namespace lacos {
namespace {

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? kNaN : sum / static_cast<double>(values.size());
}

// A cell whose runs are all finished.
struct Finished {
  std::vector<uint64_t> seeds;
  std::vector<Json> records;                     // cell.json of each run
  std::vector<ScoreSeries> names;                // names, measures and n, from the first run
  std::vector<std::vector<ScoreSeries>> by_run;  // [runs][scores]
  std::vector<CellScore> scores;                 // parallel to `names`
};

// The mean of a number in the runs' records; NaN when no record has it.
double Cost(const Finished& cell, const char* group, const char* key) {
  std::vector<double> values;
  for (const Json& record : cell.records) {
    std::optional<Json> place = *group == 0 ? std::optional(record) : record.Find(group);
    const auto value = place ? place->Find(key) : std::nullopt;
    if (value && value->IsNumber()) values.push_back(value->AsDouble());
  }
  return values.empty() ? kNaN : MeanOf(values);
}

struct CostName {
  const char *name, *group, *key;
};
// The costs of a cell: the name in sweep.json, and the group and key in cell.json.
constexpr CostName kCosts[] = {
    {"examples", "train", "examples"},
    {"steps", "train", "steps"},
    {"train_tokens", "train", "tokens"},
    {"train_seconds", "train", "seconds"},
    {"train_tokens_per_second", "train", "tokens_per_second"},
    {"train_peak_rss_bytes", "train", "peak_rss_bytes"},
    {"trainable_parameters", "", "trainable_parameters"},
    {"adapter_bytes", "", "adapter_bytes"},
    {"base_layers", "", "base_layers"},
    {"base_parameters", "", "base_parameters"},
    {"base_bytes", "", "base_bytes"},
    {"encode_tokens_per_second", "encode", "tokens_per_second"},
    {"encode_ms_per_text", "encode", "ms_per_text"},
};

class Summary {
 public:
  Summary(const SweepRecipe& recipe, const Grid& grid,
          const std::map<size_t, std::string>& failures)
      : recipe_(recipe),
        grid_(grid),
        failures_(failures),
        bootstrap_(recipe.evaluation.bootstrap) {}

  Json Make(const std::vector<FinishedRun>& runs) {
    Read(runs);
    const std::string main = ScoreName(recipe_.evaluation.score);
    Json json = Json::Object();
    json.Set("title", recipe_.title);
    json.Set("lacos_version", kLacosVersion);
    Json seeds = Json::Array();
    for (const uint64_t seed : recipe_.seeds) seeds.Append(seed);
    json.Set("seeds", seeds);
    json.Set("score", main);
    json.Set("confidence", bootstrap_.confidence);
    json.Set("resamples", bootstrap_.resamples);
    json.Set("settings", SettingsJson(recipe_.settings));
    Json cells = Json::Array();
    for (size_t i = 0; i < grid_.cells.size(); ++i) cells.Append(CellJson(i));
    json.Set("cells", cells);
    Json studies = Json::Array();
    for (size_t i = 0; i < recipe_.studies.size(); ++i) studies.Append(StudyJson(i));
    json.Set("studies", studies);
    json.Set("pareto", ParetoJson(main));
    return json;
  }

 private:
  void Read(const std::vector<FinishedRun>& runs) {
    for (const FinishedRun& run : runs) {
      if (failures_.contains(run.cell)) continue;
      Finished& cell = finished_[run.cell];
      cell.seeds.push_back(run.seed);
      cell.records.push_back(Json::ReadFile(run.folder + "/cell.json"));
      cell.by_run.push_back(ScoresOf(ReadResults(run.folder, bootstrap_)));
    }
    for (auto& [index, cell] : finished_) {
      cell.names = cell.by_run[0];
      for (size_t k = 0; k < cell.names.size(); ++k) {
        std::vector<ScoreSeries> series;
        for (const auto& run : cell.by_run) series.push_back(run.at(k));
        cell.scores.push_back(CombineSeeds(series, bootstrap_));
        cell.names[k].resamples.clear();
      }
      cell.by_run.clear();
    }
  }

  // Checks that a score with this name exists. An empty name stands for the last score, which is
  // the mean of all sets, or the only score.
  std::string ScoreName(const std::string& name) const {
    if (finished_.empty()) return name;
    const std::vector<ScoreSeries>& names = finished_.begin()->second.names;
    if (name.empty()) return names.back().name;
    std::vector<std::string> known;
    for (const ScoreSeries& score : names) {
      if (score.name == name) return name;
      known.push_back("'" + score.name + "'");
    }
    throw UserError(fmt::format("[{}: score] found '{}'; expected one of {}; correct the recipe",
                                recipe_.path, name, fmt::join(known, ", ")));
  }
  const CellScore& Score(size_t cell, const std::string& name) const {
    const Finished& finished = finished_.at(cell);
    for (size_t k = 0; k < finished.names.size(); ++k) {
      if (finished.names[k].name == name) return finished.scores[k];
    }
    throw UserError(fmt::format(
        "[{}] has no score '{}'; expected the same sets for every cell; remove the folder and "
        "run the sweep again",
        grid_.cells[cell].name, name));
  }
  Interval IntervalOfScore(const CellScore& score) const {
    return PercentileInterval(score.resamples, bootstrap_.confidence);
  }

  Json CellJson(size_t i) const {
    const Cell& cell = grid_.cells[i];
    Json json = Json::Object();
    json.Set("name", cell.name);
    json.Set("trained", cell.trained);
    json.Set("settings", SettingsJson(cell.settings));
    if (cell.trained) json.Set("untrained", grid_.cells[grid_.untrained_of[i]].name);
    const auto found = finished_.find(i);
    if (found == finished_.end()) {
      const auto failure = failures_.find(i);
      json.Set("failed", failure == failures_.end() ? "not run" : failure->second);
      return json;
    }
    const Finished& finished = found->second;
    Json scores = Json::Array();
    for (size_t k = 0; k < finished.names.size(); ++k) {
      Json score = Json::Object();
      score.Set("name", finished.names[k].name);
      score.Set("measure", finished.names[k].measure);
      score.Set("n", finished.names[k].n);
      score.Set("mean", NumberOrNull(finished.scores[k].mean));
      score.Set("sd", NumberOrNull(finished.scores[k].sd));
      score.Set("interval", IntervalJson(IntervalOfScore(finished.scores[k])));
      Json by_seed = Json::Array();
      for (const double value : finished.scores[k].by_seed) by_seed.Append(NumberOrNull(value));
      score.Set("by_seed", by_seed);
      scores.Append(score);
    }
    json.Set("scores", scores);
    Json costs = Json::Object();
    for (const CostName& cost : kCosts) {
      costs.Set(cost.name, NumberOrNull(!cell.trained && std::string(cost.group) == "train"
                                            ? 0
                                            : Cost(finished, cost.group, cost.key)));
    }
    if (!cell.trained) {
      costs.Set("trainable_parameters", 0);
      costs.Set("adapter_bytes", 0);
    }
    json.Set("costs", costs);
    const Json& record = finished.records[0];
    json.Set("relative_error", record.At("relative_error"));
    if (const auto kernels = record.Find("kernels")) {
      json.Set("kernels", *kernels);
    } else {
      json.Set("isa", record.At("isa"));  // the runs of earlier versions have no more
    }
    json.Set("lacos_version", record.At("lacos_version"));
    return json;
  }

  Json StudyJson(size_t i) const {
    const Study& study = recipe_.studies[i];
    const Grid::StudyCells& cells = grid_.studies[i];
    const std::string score_name =
        ScoreName(study.score.empty() ? recipe_.evaluation.score : study.score);
    Json json = Json::Object();
    json.Set("name", study.name);
    json.Set("title", study.title);
    Json axes = Json::Array();
    for (const Axis& axis : study.axes) axes.Append(axis.setting);
    json.Set("axes", axes);
    json.Set("score", score_name);
    json.Set("baseline", grid_.cells[cells.baseline].name);
    if (study.within) json.Set("within", *study.within);
    Json rows = Json::Array();
    const bool has_baseline = finished_.contains(cells.baseline);
    for (const size_t cell : cells.cells) {
      Json row = Json::Object();
      row.Set("cell", grid_.cells[cell].name);
      Json values = Json::Object();
      for (const Axis& axis : study.axes) {
        values.Set(axis.setting, SettingText(grid_.cells[cell].settings, axis.setting));
      }
      row.Set("values", values);
      if (finished_.contains(cell)) {
        const CellScore& score = Score(cell, score_name);
        row.Set("mean", NumberOrNull(score.mean));
        row.Set("sd", NumberOrNull(score.sd));
        row.Set("interval", IntervalJson(IntervalOfScore(score)));
        if (has_baseline && cell != cells.baseline) {
          const CellScore& other = Score(cells.baseline, score_name);
          row.Set("difference", NumberOrNull(score.mean - other.mean));
          const PairedDifference difference =
              CompareResamples(score.resamples, other.resamples, bootstrap_.confidence);
          row.Set("difference_interval", IntervalJson(difference.interval));
          row.Set("p", NumberOrNull(difference.p));
          if (study.within)
            row.Set("within", VerdictName(JudgeDifference(difference.interval, *study.within)));
        }
      }
      rows.Append(row);
    }
    json.Set("rows", rows);
    json.Set("growth", GrowthJson(study, cells, score_name));
    return json;
  }

  static const char* VerdictName(Verdict verdict) {
    return verdict == Verdict::kWithin ? "yes" : verdict == Verdict::kOutside ? "no" : "undecided";
  }

  // The cost that measures the size which an axis varies: examples, layers or parameters. Nothing
  // for an axis that does not vary a size.
  std::optional<const char*> SizeOfAxis(const std::string& setting) const {
    if (setting == "data_fraction") return "examples";
    if (setting == "layers") return "base_layers";
    if (setting == "base") return "base_parameters";
    if (setting == "lora_rank") return "trainable_parameters";
    return std::nullopt;
  }
  double SizeOfCell(size_t cell, const char* cost) const {
    for (const CostName& name : kCosts) {
      if (std::string(name.name) == cost) return Cost(finished_.at(cell), name.group, name.key);
    }
    return kNaN;
  }

  // Fits a line for each axis that varies a size and each combination of the other axes' values.
  Json GrowthJson(const Study& study, const Grid::StudyCells& cells,
                  const std::string& score_name) const {
    Json list = Json::Array();
    for (const Axis& axis : study.axes) {
      const auto size = SizeOfAxis(axis.setting);
      if (!size) continue;
      std::map<std::string, std::vector<size_t>> groups;  // cells by values of the other axes
      for (const size_t cell : cells.cells) {
        std::vector<std::string> key;
        for (const Axis& other : study.axes) {
          if (other.setting != axis.setting)
            key.push_back(other.setting + "=" +
                          SettingText(grid_.cells[cell].settings, other.setting));
        }
        if (finished_.contains(cell))
          groups[fmt::format("{}", fmt::join(key, ","))].push_back(cell);
      }
      for (const auto& [group, members] : groups) {
        std::vector<double> x;
        std::vector<const CellScore*> scores;
        Json points = Json::Array();
        for (const size_t cell : members) {
          const double value = SizeOfCell(cell, *size);
          if (!(value > 0)) continue;
          x.push_back(std::log2(value));
          scores.push_back(&Score(cell, score_name));
          Json point = Json::Object();
          point.Set("cell", grid_.cells[cell].name);
          point.Set("size", value);
          point.Set("mean", NumberOrNull(scores.back()->mean));
          point.Set("interval", IntervalJson(IntervalOfScore(*scores.back())));
          points.Append(point);
        }
        if (x.size() < 3 || *std::ranges::min_element(x) == *std::ranges::max_element(x)) continue;
        const Growth growth = FitGrowth(x, scores, bootstrap_.confidence);
        Json json = Json::Object();
        json.Set("setting", axis.setting);
        json.Set("size", *size);
        json.Set("others", group);
        json.Set("points_per_doubling", NumberOrNull(growth.slope));
        json.Set("interval", IntervalJson(growth.interval));
        json.Set("has_zero", growth.has_zero);
        json.Set("points", points);
        list.Append(json);
      }
    }
    return list;
  }

  Json ParetoJson(const std::string& score_name) const {
    struct Kind {
      const char *name, *title;
      std::vector<const char*> sum;  // the costs whose sum is used
    };
    const std::vector<Kind> kinds = {
        {"trainable_parameters", "trainable parameters", {"trainable_parameters"}},
        {"base_parameters", "parameters of the base", {"base_parameters"}},
        {"bytes", "bytes of base and adapter", {"base_bytes", "adapter_bytes"}},
        {"train_seconds", "seconds of training", {"train_seconds"}},
        {"encode_ms_per_text", "milliseconds to encode a text", {"encode_ms_per_text"}},
    };
    Json list = Json::Array();
    for (const Kind& kind : kinds) {
      std::vector<size_t> cells;
      std::vector<double> costs, qualities;
      for (const auto& [cell, finished] : finished_) {
        double cost = 0;
        for (const char* part : kind.sum) {
          const double value = SizeOfCell(cell, part);
          cost += std::isnan(value) && !grid_.cells[cell].trained ? 0 : value;
        }
        cells.push_back(cell);
        costs.push_back(cost);
        qualities.push_back(Score(cell, score_name).mean);
      }
      const std::vector<size_t> front = ParetoFront(costs, qualities);
      Json points = Json::Array();
      for (size_t k = 0; k < cells.size(); ++k) {
        Json point = Json::Object();
        point.Set("cell", grid_.cells[cells[k]].name);
        point.Set("cost", NumberOrNull(costs[k]));
        point.Set("mean", NumberOrNull(qualities[k]));
        point.Set("front", std::ranges::find(front, k) != front.end());
        points.Append(point);
      }
      Json json = Json::Object();
      json.Set("cost", kind.name);
      json.Set("title", kind.title);
      json.Set("score", score_name);
      json.Set("points", points);
      list.Append(json);
    }
    return list;
  }

  const SweepRecipe& recipe_;
  const Grid& grid_;
  const std::map<size_t, std::string>& failures_;
  BootstrapOptions bootstrap_;
  std::map<size_t, Finished> finished_;
};

}  // namespace

Json SummarizeSweep(const SweepRecipe& recipe, const Grid& grid,
                    const std::vector<FinishedRun>& runs,
                    const std::map<size_t, std::string>& failures) {
  return Summary(recipe, grid, failures).Make(runs);
}

}  // namespace lacos
