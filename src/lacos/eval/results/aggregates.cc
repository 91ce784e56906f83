// Averages of tables, under the conventions that published tables use.
#include "lacos/eval/results/aggregates.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include "lacos/base/nan.h"
#include "lacos/base/rng.h"
#include "lacos/eval/measures/statistics.h"
#include "lacos/eval/results/languages.h"

namespace lacos {
namespace {

constexpr const char* kEnglish[] = {"STS12", "STS13",        "STS14", "STS15",
                                    "STS16", "STSBenchmark", "SICK-R"};

struct Part {
  double value = 0, weight = 1;
  const std::vector<double>* resamples = nullptr;
  int64_t n = 0;
};

// The weighted mean of parts, computed for each resample.
Aggregate Average(std::string group, std::string convention, std::string measure,
                  const std::vector<Part>& parts) {
  Aggregate mean{.group = std::move(group),
                 .convention = std::move(convention),
                 .measure = std::move(measure),
                 .sets = static_cast<int64_t>(parts.size())};
  double weights = 0;
  for (const Part& part : parts) weights += part.weight;
  bool resampled = true;
  for (const Part& part : parts) {
    mean.value += part.weight / weights * part.value;
    mean.n += part.n;
    resampled = resampled && !part.resamples->empty() &&
                part.resamples->size() == parts[0].resamples->size();
  }
  if (!resampled) return mean;
  mean.resamples.assign(parts[0].resamples->size(), 0.0);
  for (const Part& part : parts) {
    for (size_t b = 0; b < mean.resamples.size(); ++b) {
      mean.resamples[b] += part.weight / weights * (*part.resamples)[b];
    }
  }
  return mean;
}

Part PartOf(const TaskResult& result, double weight) {
  return {.value = result.main(), .weight = weight, .resamples = &result.resamples, .n = result.n};
}

// A single Spearman correlation over the pairs of several sets.
Aggregate Together(const std::string& group, const std::string& convention,
                   const std::vector<const TaskResult*>& sets, const BootstrapOptions& bootstrap) {
  Aggregate all{.group = group,
                .convention = convention,
                .measure = "spearman",
                .sets = static_cast<int64_t>(sets.size())};
  std::vector<double> values, gold;
  uint64_t key = 0;
  for (const TaskResult* set : sets) {
    values.insert(values.end(), set->items.begin(), set->items.end());
    gold.insert(gold.end(), set->gold.begin(), set->gold.end());
    key = Mix64(key, static_cast<uint64_t>(set->n));
  }
  for (const char c : group) key = Mix64(key, static_cast<unsigned char>(c));
  all.n = static_cast<int64_t>(gold.size());
  all.value = 100 * Spearman(values, gold);
  if (sets.size() == 1) {
    all.resamples = sets[0]->resamples;
  } else if (all.n > 1) {
    all.resamples = BootstrapValues(all.n, ResampledSpearman(values, gold), bootstrap, key);
    for (double& value : all.resamples) value *= 100;
  }
  return all;
}

}  // namespace

std::vector<Aggregate> AggregateEnglishSts(const std::vector<TaskResult>& results,
                                           const BootstrapOptions& bootstrap) {
  std::vector<Aggregate> aggregates;
  // for each convention, the indices of the seven averages
  std::map<std::string, std::vector<size_t>> conventions;
  for (const char* name : kEnglish) {
    std::vector<const TaskResult*> test, every;
    for (const TaskResult& result : results) {
      if (result.set.task != "sts" || result.set.name != name) continue;
      every.push_back(&result);
      if (result.set.split == "test" || result.set.split == "all") test.push_back(&result);
    }
    if (test.empty()) continue;
    const auto add = [&](Aggregate aggregate) {
      conventions[aggregate.convention].push_back(aggregates.size());
      aggregates.push_back(std::move(aggregate));
    };
    add(Together(name, "all", test, bootstrap));
    std::vector<Part> equal, weighted;
    for (const TaskResult* set : test) {
      equal.push_back(PartOf(*set, 1));
      weighted.push_back(PartOf(*set, static_cast<double>(set->n)));
    }
    add(Average(name, "mean", "spearman", equal));
    add(Average(name, "wmean", "spearman", weighted));
    // MTEB scores all pairs of SICK-R together; the other conventions score the test pairs.
    const bool whole = std::string_view(name) == "SICK-R";
    if (!whole || every.size() == 3) add(Together(name, "mteb", whole ? every : test, bootstrap));
  }
  for (const char* convention : {"all", "mean", "wmean", "mteb"}) {
    const std::vector<size_t>& seven = conventions[convention];
    if (seven.size() != std::size(kEnglish)) continue;
    std::vector<Part> parts;
    for (const size_t i : seven) {
      parts.push_back({.value = aggregates[i].value,
                       .weight = 1,
                       .resamples = &aggregates[i].resamples,
                       .n = aggregates[i].n});
    }
    aggregates.push_back(Average("sts-en", convention, "spearman", parts));
  }
  return aggregates;
}

std::vector<Aggregate> AggregateByName(const std::vector<TaskResult>& results) {
  std::vector<std::string> names;  // in order of first use
  for (const TaskResult& result : results) {
    const std::string key = result.set.task + "\n" + result.set.name;
    if (std::ranges::find(names, key) == names.end()) names.push_back(key);
  }
  std::vector<Aggregate> aggregates;
  for (const std::string& key : names) {
    std::vector<const TaskResult*> sets;
    for (const TaskResult& result : results) {
      if (result.set.task + "\n" + result.set.name == key && result.set.usual)
        sets.push_back(&result);
    }
    if (sets.size() < 2) continue;
    const auto add = [&](const char* convention,
                         const std::function<bool(const TaskName&)>& is_in) {
      std::vector<Part> parts;
      for (const TaskResult* set : sets) {
        if (is_in(set->set)) parts.push_back(PartOf(*set, 1));
      }
      if (parts.empty()) return;
      aggregates.push_back(
          Average(sets[0]->set.name, convention, sets[0]->measures[0].name, parts));
    };
    add("mean", [](const TaskName&) { return true; });
    const bool several = std::ranges::any_of(
        sets, [&](const TaskResult* set) { return set->set.languages != sets[0]->set.languages; });
    if (!several) continue;
    add("in-language", [](const TaskName& set) { return AreBloomLanguages(set.languages); });
    add("out-of-language", [](const TaskName& set) { return !AreBloomLanguages(set.languages); });
  }
  return aggregates;
}

Interval IntervalOf(const std::vector<double>& resamples, double confidence) {
  return resamples.empty() ? Interval{.low = kNaN, .high = kNaN}
                           : PercentileInterval(resamples, confidence);
}

}  // namespace lacos
