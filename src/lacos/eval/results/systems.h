// Several systems that were measured on the same sets: their scores side by side, and their costs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/eval/results/results.h"
#include "lacos/report/quantity.h"

namespace lacos {

// One evaluation among others. Numbers that are not known are NaN, for example if the vectors were
// read from a file or came from a cache.
struct EvaluatedSystem {
  std::string name;  // short and unique, for tables and labels
  EvaluationResults results;
  double parameters = 0;    // parameters of base and adapter together
  double memory_bytes = 0;  // bytes of the model that stay in memory
  double ms_per_text = 0;   // time to embed a text, if nothing came from a cache
};
EvaluatedSystem MakeEvaluatedSystem(std::string name, EvaluationResults results);

// A number by which systems are compared: an average under its convention, or a set's main measure.
struct ScoreOf {
  std::string label, convention, measure;  // a set has no convention
  std::string set, part;                   // a set's name and the rest of its title
  std::string Title() const { return convention.empty() ? label : label + ", " + convention; }
};
struct SystemScore {
  bool present = false;
  double value = 0;
  Interval interval;
  int64_t n = 0;
  // whether it has as many items, with the same gold scores, as the first system
  bool same_items = true;
};

struct SystemsComparison {
  std::vector<EvaluatedSystem> systems;
  std::vector<ScoreOf> averages, sets;
  std::vector<std::vector<SystemScore>> average_scores, set_scores;  // [row][system]
  std::vector<size_t> headlines;  // at most three of `averages`, or of `sets` if there are none
  double confidence = 0.95;

  bool has_averages() const { return !averages.empty(); }
  const std::vector<ScoreOf>& headline_scores() const { return has_averages() ? averages : sets; }
  const std::vector<SystemScore>& headline(size_t i) const {
    return (has_averages() ? average_scores : set_scores)[headlines[i]];
  }
};
SystemsComparison CompareSystems(std::vector<EvaluatedSystem> systems, double confidence);

// The indices of the systems on the Pareto front, in the order of their costs. No other system has
// a score at least as high at a cost at most as high, with one of the two better. Systems without a
// finite cost or score are not on the front.
std::vector<size_t> ParetoFront(const std::vector<double>& cost, const std::vector<double>& score);

// One of the three costs of a system: parameters, memory, time.
struct SystemCost {
  const char* id;
  const char* title;
  const char* quantity;
  Unit unit;
  double EvaluatedSystem::*value;
};
inline constexpr SystemCost kSystemCosts[] = {
    {"parameters", "parameters", "parameters (base and adapter)", Unit::kNone,
     &EvaluatedSystem::parameters},
    {"memory", "memory", "the model in memory", Unit::kBytes, &EvaluatedSystem::memory_bytes},
    {"time", "encoding time", "time to embed a text", Unit::kMilliseconds,
     &EvaluatedSystem::ms_per_text}};
// The indices of the systems on the front of a headline's scores and a cost. Scores on other items
// are ignored.
std::vector<size_t> ParetoFront(const SystemsComparison& comparison, size_t headline,
                                const SystemCost& cost);

// {"systems": [{"name", "model", "parameters", "memory_bytes", "ms_per_text", ...}], "averages":
// [{"group", "convention", "measure", "scores": [{"system", "value", "interval", "n",
// "same_items"}]}], "sets": [...], "fronts": [{"score", "cost", "systems"}]}.
Json SystemsJson(const SystemsComparison& comparison);

}  // namespace lacos
