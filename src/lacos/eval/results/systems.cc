#include "lacos/eval/results/systems.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lacos/base/nan.h"
#include "lacos/io/json_numbers.h"

namespace lacos {
namespace {

constexpr size_t kMostHeadlines = 3;

bool IsSameScore(const ScoreOf& a, const ScoreOf& b) {
  return a.label == b.label && a.convention == b.convention && a.measure == b.measure;
}

void AddOnce(const ScoreOf& score, std::vector<ScoreOf>& scores) {
  if (std::ranges::none_of(scores, [&](const ScoreOf& other) { return IsSameScore(score, other); }))
    scores.push_back(score);
}

ScoreOf ScoreOfSet(const TaskResult& set) {
  return {.label = set.set.Title(),
          .convention = "",
          .measure = set.measures[0].name,
          .set = set.set.name,
          .part = set.set.Part()};
}

void FillSets(SystemsComparison& comparison) {
  for (const EvaluatedSystem& system : comparison.systems) {
    for (const TaskResult& set : system.results.sets) AddOnce(ScoreOfSet(set), comparison.sets);
  }
  for (const ScoreOf& score : comparison.sets) {
    std::vector<SystemScore> row(comparison.systems.size());
    const TaskResult* first = nullptr;
    for (size_t i = 0; i < row.size(); ++i) {
      for (const TaskResult& set : comparison.systems[i].results.sets) {
        if (!IsSameScore(ScoreOfSet(set), score)) continue;
        if (first == nullptr) first = &set;
        row[i] = {.present = true,
                  .value = set.main(),
                  .interval = IntervalOf(set.resamples, comparison.confidence),
                  .n = set.n,
                  .same_items = set.n == first->n && set.gold == first->gold};
      }
    }
    comparison.set_scores.push_back(std::move(row));
  }
}

void FillAverages(SystemsComparison& comparison) {
  for (const EvaluatedSystem& system : comparison.systems) {
    for (const Aggregate& aggregate : system.results.aggregates) {
      AddOnce({.label = aggregate.group,
               .convention = aggregate.convention,
               .measure = aggregate.measure},
              comparison.averages);
    }
  }
  for (const ScoreOf& score : comparison.averages) {
    std::vector<SystemScore> row(comparison.systems.size());
    const Aggregate* first = nullptr;
    for (size_t i = 0; i < row.size(); ++i) {
      for (const Aggregate& aggregate : comparison.systems[i].results.aggregates) {
        if (aggregate.group != score.label || aggregate.convention != score.convention ||
            aggregate.measure != score.measure)
          continue;
        if (first == nullptr) first = &aggregate;
        row[i] = {.present = true,
                  .value = aggregate.value,
                  .interval = IntervalOf(aggregate.resamples, comparison.confidence),
                  .n = aggregate.n,
                  .same_items = aggregate.n == first->n && aggregate.sets == first->sets};
      }
    }
    comparison.average_scores.push_back(std::move(row));
  }
}

// Chooses as headlines the averages that two systems have. Those that most published tables use
// come first.
void ChooseHeadlines(SystemsComparison& comparison) {
  const auto rank = [](const ScoreOf& score) {
    if (score.label == "sts-en") return score.convention == "all" ? 0 : 9;
    if (score.convention == "in-language") return 1;
    if (score.convention == "mean") return 3;
    return score.convention == "all" || score.convention.empty() ? 2 : 9;
  };
  const std::vector<ScoreOf>& scores = comparison.headline_scores();
  const auto& rows = comparison.has_averages() ? comparison.average_scores : comparison.set_scores;
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order,
                           [&](size_t a, size_t b) { return rank(scores[a]) < rank(scores[b]); });
  std::vector<std::string> groups;
  for (const size_t i : order) {
    const auto have =
        std::ranges::count_if(rows[i], [](const SystemScore& score) { return score.present; });
    const bool is_new = std::ranges::find(groups, scores[i].label) == groups.end();
    if (comparison.headlines.size() < kMostHeadlines && rank(scores[i]) < 9 && is_new &&
        have >= 2) {
      comparison.headlines.push_back(i);
      groups.push_back(scores[i].label);
    }
  }
}

Json ScoresJson(const SystemsComparison& comparison, const std::vector<ScoreOf>& scores,
                const std::vector<std::vector<SystemScore>>& rows) {
  Json list = Json::Array();
  for (size_t i = 0; i < scores.size(); ++i) {
    Json entry = Json::Object();
    entry.Set("name", scores[i].label);
    entry.Set("convention", scores[i].convention);
    entry.Set("measure", scores[i].measure);
    Json each = Json::Array();
    for (size_t k = 0; k < rows[i].size(); ++k) {
      if (!rows[i][k].present) continue;
      Json score = Json::Object();
      score.Set("system", comparison.systems[k].name);
      score.Set("value", rows[i][k].value);
      SetInterval(rows[i][k].interval, score);
      score.Set("n", rows[i][k].n);
      score.Set("same_items", rows[i][k].same_items);
      each.Append(score);
    }
    entry.Set("scores", each);
    list.Append(entry);
  }
  return list;
}

}  // namespace

EvaluatedSystem MakeEvaluatedSystem(std::string name, EvaluationResults results) {
  EvaluatedSystem system{.name = std::move(name), .results = std::move(results)};
  const Json& about = system.results.system;
  const double adapter = NumberOrNaN(about, "adapter_parameters"),
               cached = NumberOrNaN(about, "cached_texts");
  system.parameters = NumberOrNaN(about, "parameters") + (std::isfinite(adapter) ? adapter : 0);
  system.memory_bytes = NumberOrNaN(about, "memory_bytes");
  system.ms_per_text = cached > 0 ? kNaN : NumberOrNaN(about, "ms_per_text");
  return system;
}

std::vector<size_t> ParetoFront(const std::vector<double>& cost, const std::vector<double>& score) {
  std::vector<size_t> order;
  for (size_t i = 0; i < cost.size(); ++i) {
    if (std::isfinite(cost[i]) && std::isfinite(score[i])) order.push_back(i);
  }
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return cost[a] != cost[b] ? cost[a] < cost[b] : score[a] > score[b];
  });
  std::vector<size_t> front;
  for (const size_t i : order) {
    const bool equal =
        !front.empty() && cost[front.back()] == cost[i] && score[front.back()] == score[i];
    if (front.empty() || equal || score[i] > score[front.back()]) front.push_back(i);
  }
  return front;
}

SystemsComparison CompareSystems(std::vector<EvaluatedSystem> systems, double confidence) {
  SystemsComparison comparison{.systems = std::move(systems), .confidence = confidence};
  FillSets(comparison);
  FillAverages(comparison);
  ChooseHeadlines(comparison);
  return comparison;
}

std::vector<size_t> ParetoFront(const SystemsComparison& comparison, size_t headline,
                                const SystemCost& cost) {
  std::vector<double> costs, values;
  for (size_t i = 0; i < comparison.systems.size(); ++i) {
    const SystemScore& score = comparison.headline(headline)[i];
    costs.push_back(comparison.systems[i].*cost.value);
    values.push_back(score.present && score.same_items ? score.value : kNaN);
  }
  return ParetoFront(costs, values);
}

Json SystemsJson(const SystemsComparison& comparison) {
  Json systems = Json::Array();
  for (const EvaluatedSystem& system : comparison.systems) {
    Json entry = Json::Object();
    entry.Set("name", system.name);
    entry.Set("parameters", system.parameters);
    entry.Set("memory_bytes", system.memory_bytes);
    entry.Set("ms_per_text", system.ms_per_text);
    entry.Set("system", system.results.system);
    systems.Append(entry);
  }
  Json fronts = Json::Array();
  for (size_t i = 0; i < comparison.headlines.size(); ++i) {
    for (const SystemCost& cost : kSystemCosts) {
      Json on_front = Json::Array();
      for (const size_t k : ParetoFront(comparison, i, cost))
        on_front.Append(comparison.systems[k].name);
      Json front = Json::Object();
      front.Set("score", comparison.headline_scores()[comparison.headlines[i]].Title());
      front.Set("cost", cost.id);
      front.Set("systems", on_front);
      fronts.Append(front);
    }
  }
  Json json = Json::Object();
  json.Set("systems", systems);
  json.Set("averages", ScoresJson(comparison, comparison.averages, comparison.average_scores));
  json.Set("sets", ScoresJson(comparison, comparison.sets, comparison.set_scores));
  json.Set("fronts", fronts);
  json.Set("confidence", comparison.confidence);
  return json;
}

}  // namespace lacos
