// The results of an evaluation: their form in files, and the comparison of two systems.
#include "lacos/eval/results/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "lacos/base/error.h"
#include "lacos/eval/results/overlap.h"
#include "lacos/io/json_numbers.h"
#include "lacos/io/line_reader.h"

namespace lacos {
namespace {

constexpr int64_t kMostResamples = 1'000'000;  // the most that `lacos eval` accepts

Json Numbers(const std::vector<double>& list) {
  Json json = Json::Array();
  for (const double item : list) json.Append(NumberOrNull(item));
  return json;
}
std::vector<double> ReadNumbers(const Json& json) {
  std::vector<double> list;
  for (size_t i = 0; i < json.size(); ++i) list.push_back(NumberOrNaN(json[i]));
  return list;
}

void SetName(const TaskName& name, Json& json) {
  json.Set("task", name.task);
  json.Set("name", name.name);
  json.Set("subset", name.subset);
  json.Set("split", name.split);
}
bool IsSame(const TaskName& a, const TaskName& b) {
  return a.task == b.task && a.name == b.name && a.subset == b.subset && a.split == b.split;
}

std::string CsvNumber(double value) {
  return std::isfinite(value) ? fmt::format("{:.4f}", value) : "";
}

}  // namespace

std::string CsvCell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + "\"";
}

std::string FormatScore(double value) {
  return std::isfinite(value) ? fmt::format("{:.2f}", value) : "undefined";
}

std::string FormatInterval(const Interval& interval) {
  if (!std::isfinite(interval.low)) return "-";
  return fmt::format("{:.2f} to {:.2f}{}", interval.low, interval.high,
                     interval.undefined > 0 ? "*" : "");
}

std::string FormatDifferenceInterval(const Interval& interval) {
  if (!std::isfinite(interval.low)) return "-";
  return fmt::format("{:+.2f} to {:+.2f}{}", interval.low, interval.high,
                     interval.undefined > 0 ? "*" : "");
}

std::string FormatP(double p) { return std::isfinite(p) ? fmt::format("{:.4f}", p) : "-"; }

std::string FormatMeasure(const std::string& name) {
  std::string text = name;
  std::ranges::replace(text, '_', ' ');
  return text;
}

Json IntervalJson(const Interval& interval) {
  if (!std::isfinite(interval.low)) return {};
  Json ends = Json::Array();
  ends.Append(interval.low);
  ends.Append(interval.high);
  return ends;
}

void SetInterval(const Interval& interval, Json& json) {
  json.Set("interval", IntervalJson(interval));
  json.Set("undefined_resamples", interval.undefined);
}

void SetDetails(const TaskResult& result, double confidence, Json& json) {
  SetInterval(IntervalOf(result.resamples, confidence), json);
  json.Set("notes", Json::Strings(result.notes));
  if (result.similarity) json.Set("similarity", Name(*result.similarity));
  if (result.set.task == "retrieval") {
    json.Set("identical_ids", result.identical_ids);
    json.Set("keeps_identical_ids", result.keeps_identical_ids);
  }
  json.Set("truncated", result.truncated);
  json.Set("empty", result.empty);
  json.Set("overlap",
           result.overlap ? OverlapJson(*result.overlap, result.measures[0].name) : Json());
}

std::optional<Similarity> SimilarityOf(const EvaluationResults& results) {
  for (const TaskResult& result : results.sets) {
    if (result.similarity && result.set.task != "bitext") return result.similarity;
  }
  return std::nullopt;
}

std::vector<std::string> UndefinedResamples(const EvaluationResults& results, double confidence) {
  std::vector<std::string> lines;
  const auto add = [&](const std::string& label, const std::vector<double>& resamples) {
    const Interval interval = IntervalOf(resamples, confidence);
    if (interval.undefined <= 0) return;
    lines.push_back(fmt::format(
        "{}: {:.1f} % of the resamples have no value (all similarities or all gold scores are "
        "the same){}",
        label, 100 * interval.undefined,
        std::isfinite(interval.low) ? "; they are left out of its interval (*)"
                                    : "; too many for an interval"));
  };
  for (const TaskResult& result : results.sets) add(result.set.Label(), result.resamples);
  for (const Aggregate& aggregate : results.aggregates) {
    add(aggregate.group + " " + aggregate.convention, aggregate.resamples);
  }
  return lines;
}

void Summarize(EvaluationResults& results, const BootstrapOptions& bootstrap) {
  results.bootstrap = bootstrap;
  for (TaskResult& set : results.sets) Resample(set, bootstrap);
  results.aggregates = AggregateEnglishSts(results.sets, bootstrap);
  std::vector<TaskResult> others;
  const auto is_aggregated = [&](const TaskResult& set) {
    for (const Aggregate& aggregate : results.aggregates) {
      if (set.set.task == "sts" && aggregate.group == set.set.name) return true;
    }
    return false;
  };
  for (const TaskResult& set : results.sets) {
    if (!is_aggregated(set)) others.push_back(set);
  }
  for (Aggregate& aggregate : AggregateByName(others))
    results.aggregates.push_back(std::move(aggregate));
}

Json ResultsJson(const EvaluationResults& results, double confidence) {
  Json sets = Json::Array();
  for (const TaskResult& result : results.sets) {
    Json set = Json::Object();
    SetName(result.set, set);
    set.Set("languages", Json::Strings(result.set.languages));
    set.Set("usual", result.set.usual);
    set.Set("n", result.n);
    Json measures = Json::Object();
    for (const Measure& measure : result.measures)
      measures.Set(measure.name, NumberOrNull(measure.value));
    set.Set("measures", measures);
    set.Set("main_measure", result.measures[0].name);
    SetDetails(result, confidence, set);
    sets.Append(set);
  }
  Json aggregates = Json::Array();
  for (const Aggregate& aggregate : results.aggregates) {
    Json json = Json::Object();
    json.Set("group", aggregate.group);
    json.Set("convention", aggregate.convention);
    json.Set("measure", aggregate.measure);
    json.Set("value", NumberOrNull(aggregate.value));
    SetInterval(IntervalOf(aggregate.resamples, confidence), json);
    json.Set("sets", aggregate.sets);
    json.Set("n", aggregate.n);
    aggregates.Append(json);
  }
  Json json = Json::Object();
  json.Set("system", results.system);
  json.Set("sets", sets);
  json.Set("aggregates", aggregates);
  json.Set("confidence", confidence);
  json.Set("resamples", results.bootstrap.resamples);
  json.Set("seed", static_cast<int64_t>(results.bootstrap.seed));
  Json worst = Json::Array();
  const std::string similarity(Name(SimilarityOf(results).value_or(Similarity::kCosine)));
  for (const WorstPair& pair : results.worst) {
    Json entry = Json::Object();
    entry.Set("set", pair.set);
    entry.Set("sentence1", pair.first);
    entry.Set("sentence2", pair.second);
    entry.Set("gold", pair.gold);
    entry.Set(similarity, NumberOrNull(pair.similarity));
    entry.Set("rank_difference", pair.rank_difference);
    worst.Append(entry);
  }
  json.Set("worst_pairs", worst);
  return json;
}

std::string ResultsCsv(const EvaluationResults& results, double confidence) {
  std::string csv = "task,name,subset,split,languages,n,convention,measure,value,low,high\n";
  for (const TaskResult& result : results.sets) {
    for (size_t i = 0; i < result.measures.size(); ++i) {
      const Interval interval =
          IntervalOf(i == 0 ? result.resamples : std::vector<double>(), confidence);
      csv += fmt::format("{},{},{},{},{},{},,{},{},{},{}\n", result.set.task,
                         CsvCell(result.set.name), CsvCell(result.set.subset), result.set.split,
                         fmt::join(result.set.languages, " "), result.n, result.measures[i].name,
                         CsvNumber(result.measures[i].value), CsvNumber(interval.low),
                         CsvNumber(interval.high));
    }
  }
  for (const Aggregate& aggregate : results.aggregates) {
    const Interval interval = IntervalOf(aggregate.resamples, confidence);
    csv += fmt::format(",{},,,,{},{},{},{},{},{}\n", CsvCell(aggregate.group), aggregate.n,
                       aggregate.convention, aggregate.measure, CsvNumber(aggregate.value),
                       CsvNumber(interval.low), CsvNumber(interval.high));
  }
  return csv;
}

std::string ItemsJsonl(const EvaluationResults& results) {
  std::string lines;
  for (const TaskResult& result : results.sets) {
    Json line = Json::Object();
    SetName(result.set, line);
    line.Set("trials", Numbers(result.trials ? result.resamples : std::vector<double>()));
    line.Set("items", Numbers(result.items));
    line.Set("gold", Numbers(result.gold));
    lines += line.Dump() + "\n";
  }
  return lines;
}

BootstrapOptions ReadBootstrapOptions(const std::string& folder) {
  const Json json = Json::ReadFile((std::filesystem::path(folder) / "results.json").string());
  const BootstrapOptions options{.resamples = json.At("resamples").AsInt(),
                                 .confidence = json.At("confidence").AsDouble(),
                                 .seed = static_cast<uint64_t>(json.At("seed").AsInt())};
  if (options.resamples < 1 || options.resamples > kMostResamples) {
    throw UserError(fmt::format("{} is {}; expected 1 to {}; evaluate again",
                                json.At("resamples").Where(), options.resamples, kMostResamples));
  }
  if (!(options.confidence > 0 && options.confidence < 1)) {
    throw UserError(fmt::format("{} is {}; expected a share between 0 and 1; evaluate again",
                                json.At("confidence").Where(), options.confidence));
  }
  return options;
}

namespace {

// Adds the items in one line to `result`, to which they belong.
void AddItems(const Json& entry, const std::string& where, TaskResult& result) {
  result.items = ReadNumbers(entry.At("items"));
  result.gold = ReadNumbers(entry.At("gold"));
  result.resamples = ReadNumbers(entry.At("trials"));
  result.trials = !result.resamples.empty();
  const bool paired = result.set.task == "sts" || result.set.task == "pair_classification";
  const auto n = static_cast<int64_t>(result.items.size());
  const bool complete = n == result.n || (result.trials && n == 0);
  if (!complete || result.gold.size() != (paired ? result.items.size() : 0)) {
    throw UserError(fmt::format(
        "[{}] has {} items and {} gold values; expected {}, as results.json says; evaluate "
        "again",
        where, result.items.size(), result.gold.size(), result.n));
  }
}

// Reads a line for each set, in the order of results.json.
void ReadItems(const std::string& path, EvaluationResults& results) {
  LineReader reader(path);
  std::string line;
  size_t read = 0;
  for (; reader.Next(line); ++read) {
    const std::string where = fmt::format("{}:{}", path, read + 1);
    const Json entry = Json::Parse(line, where);
    if (read >= results.sets.size() || results.sets[read].set.task != entry.At("task").AsString() ||
        results.sets[read].set.name != entry.At("name").AsString()) {
      throw UserError(fmt::format(
          "[{}] found items of another set; expected those of results.json beside it, in its "
          "order; evaluate again",
          where));
    }
    AddItems(entry, where, results.sets[read]);
  }
  if (read != results.sets.size()) {
    throw UserError(fmt::format(
        "[{}] has items of {} sets; expected {}, as results.json beside it says; evaluate again",
        path, read, results.sets.size()));
  }
}

}  // namespace

EvaluationResults ReadResults(const std::string& folder, const BootstrapOptions& bootstrap) {
  const std::string path = (std::filesystem::path(folder) / "results.json").string();
  const Json json = Json::ReadFile(path);
  EvaluationResults results{.system = json.At("system"), .sets = {}, .aggregates = {}, .worst = {}};
  const Json sets = json.At("sets");
  for (size_t i = 0; i < sets.size(); ++i) {
    const Json set = sets[i];
    TaskResult result{.set = {.task = set.At("task").AsString(),
                              .name = set.At("name").AsString(),
                              .subset = set.At("subset").AsString(),
                              .split = set.At("split").AsString(),
                              .languages = {},
                              .usual = set.At("usual").AsBool()},
                      .n = set.At("n").AsInt()};
    // Results of earlier versions do not name the similarity: it was always the cosine.
    if (const auto similarity = set.Find("similarity"))
      result.similarity = Parse<Similarity>(similarity->AsString());
    if (const auto count = set.Find("identical_ids")) result.identical_ids = count->AsInt();
    if (const auto keeps = set.Find("keeps_identical_ids"))
      result.keeps_identical_ids = keeps->AsBool();
    if (const auto notes = set.Find("notes")) {
      notes->ForEachElement([&](const Json& note) { result.notes.push_back(note.AsString()); });
    }
    if (const auto count = set.Find("truncated")) result.truncated = count->AsInt();
    if (const auto count = set.Find("empty")) result.empty = count->AsInt();
    if (const auto overlap = set.Find("overlap")) result.overlap = ReadOverlap(*overlap);
    for (size_t j = 0; j < set.At("languages").size(); ++j) {
      result.set.languages.push_back(set.At("languages")[j].AsString());
    }
    const std::string main = set.At("main_measure").AsString();
    result.measures.push_back({main, NumberOrNaN(set.At("measures").At(main))});
    for (const std::string& name : set.At("measures").Keys()) {
      if (name != main) result.measures.push_back({name, NumberOrNaN(set.At("measures").At(name))});
    }
    results.sets.push_back(std::move(result));
  }
  const Json worst = json.At("worst_pairs");
  const std::string similarity(Name(SimilarityOf(results).value_or(Similarity::kCosine)));
  for (size_t i = 0; i < worst.size(); ++i) {
    results.worst.push_back({.set = worst[i].At("set").AsString(),
                             .first = worst[i].At("sentence1").AsString(),
                             .second = worst[i].At("sentence2").AsString(),
                             .gold = worst[i].At("gold").AsDouble(),
                             .similarity = NumberOrNaN(worst[i].At(similarity)),
                             .rank_difference = worst[i].At("rank_difference").AsDouble()});
  }
  ReadItems((std::filesystem::path(folder) / "items.jsonl").string(), results);
  Summarize(results, bootstrap);
  return results;
}

std::vector<Comparison> CompareResults(const EvaluationResults& a, const EvaluationResults& b,
                                       double confidence, std::vector<std::string>& apart) {
  std::vector<Comparison> comparisons;

  for (const TaskResult& first : a.sets) {
    const TaskResult* second = nullptr;
    for (const TaskResult& candidate : b.sets) {
      if (IsSame(first.set, candidate.set)) second = &candidate;
    }
    if (second == nullptr || first.resamples.size() != second->resamples.size() ||
        first.gold != second->gold || first.measures[0].name != second->measures[0].name ||
        first.resamples.empty()) {
      apart.push_back(first.set.Label());

      continue;
    }
    comparisons.push_back(
        {.label = first.set.Label(),
         .convention = "",
         .measure = first.measures[0].name,
         .n = first.n,
         .a = first.main(),
         .b = second->main(),
         .difference = CompareResamples(first.resamples, second->resamples, confidence)});
  }
  for (const TaskResult& second : b.sets) {
    bool found = false;
    for (const TaskResult& first : a.sets) found = found || IsSame(first.set, second.set);
    if (!found) apart.push_back(second.set.Label());
  }
  for (const Aggregate& first : a.aggregates) {
    for (const Aggregate& second : b.aggregates) {
      if (first.group != second.group || first.convention != second.convention) continue;
      if (first.n != second.n || first.resamples.empty() ||
          first.resamples.size() != second.resamples.size())
        continue;
      comparisons.push_back(
          {.label = first.group,
           .convention = first.convention,
           .measure = first.measure,
           .n = first.n,
           .a = first.value,
           .b = second.value,
           .difference = CompareResamples(first.resamples, second.resamples, confidence)});
    }
  }
  return comparisons;
}

}  // namespace lacos
