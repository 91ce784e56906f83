// Several systems measured on the same sets: their scores side by side, and what they cost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/eval/results/results.h"

namespace lacos {

// One evaluation among others. What a system does not say of itself (vectors that were read from a
// file, or all from a cache) is NaN.
struct EvaluatedSystem {
  std::string name;  // short and unique: for tables and beside points
  EvaluationResults results;
  double parameters = 0;    // of base and adapter
  double memory_bytes = 0;  // what stays in memory to compute with
  double ms_per_text = 0;   // embedding, where nothing came from a cache
};
EvaluatedSystem MakeEvaluatedSystem(std::string name, EvaluationResults results);

// Short names of folders: as much of the end of each path as tells it from the others.
std::vector<std::string> ShortNames(const std::vector<std::string>& paths);

// A number to compare systems by: an average under its convention, or a set's main measure.
struct ScoreOf {
  std::string label, convention, measure;  // of a set: no convention
  std::string Title() const { return convention.empty() ? label : label + ", " + convention; }
};
struct SystemScore {
  bool present = false;
  double value = 0;
  Interval interval;
  int64_t n = 0;
  // as many items with the same gold scores as the first system that has it
  bool same_items = true;
};

struct SystemsComparison {
  std::vector<EvaluatedSystem> systems;
  std::vector<ScoreOf> averages, sets;
  std::vector<std::vector<SystemScore>> average_scores, set_scores;  // [row][system]
  std::vector<size_t> headlines;  // at most three of `averages` (where there are none: of `sets`)
  double confidence = 0.95;

  bool has_averages() const { return !averages.empty(); }
  const std::vector<ScoreOf>& headline_scores() const { return has_averages() ? averages : sets; }
  const std::vector<SystemScore>& headline(size_t i) const {
    return (has_averages() ? average_scores : set_scores)[headlines[i]];
  }
};
SystemsComparison CompareSystems(std::vector<EvaluatedSystem> systems, double confidence);

// Indices of the systems on the Pareto front: no other has a score as high at a cost as low, one of
// them better. Systems without a finite cost or score are not on it. In the order of their cost.
std::vector<size_t> ParetoFront(const std::vector<double>& cost, const std::vector<double>& score);

// What a system costs, in three ways.
struct SystemCost {
  const char* id;
  const char* title;
  const char* unit;
  double EvaluatedSystem::*value;
};
inline constexpr SystemCost kSystemCosts[] = {
    {"parameters", "parameters", "parameters (base and adapter)", &EvaluatedSystem::parameters},
    {"memory", "memory", "bytes of the model in memory", &EvaluatedSystem::memory_bytes},
    {"time", "encoding time", "ms a text", &EvaluatedSystem::ms_per_text}};
// Indices of the systems on the front of a headline's scores and a cost; scores on other items do
// not count.
std::vector<size_t> ParetoFront(const SystemsComparison& comparison, size_t headline,
                                const SystemCost& cost);

// {"systems": [{"name", "model", "parameters", "memory_bytes", "ms_per_text", ...}], "averages":
// [{"group", "convention", "measure", "scores": [{"system", "value", "interval", "n",
// "same_items"}]}], "sets": [...], "fronts": [{"score", "cost", "systems"}]}.
Json SystemsJson(const SystemsComparison& comparison);

}  // namespace lacos
