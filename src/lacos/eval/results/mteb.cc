// Results in the files that MTEB's leaderboard and its tools read.
#include "lacos/eval/results/mteb.h"

#include <cmath>
#include <string_view>

#include "lacos/base/version.h"
#include "lacos/eval/measures/statistics.h"

namespace lacos {
namespace {

// The language as MTEB writes it, with three letters and the script. A code that is not in this
// table is kept as it is.
std::string LanguageOf(const std::string& code) {
  static const std::map<std::string_view, const char*> kLanguages = {
      {"ar", "ara-Arab"}, {"de", "deu-Latn"}, {"en", "eng-Latn"}, {"es", "spa-Latn"},
      {"fr", "fra-Latn"}, {"it", "ita-Latn"}, {"ja", "jpn-Jpan"}, {"ko", "kor-Hang"},
      {"nl", "nld-Latn"}, {"pl", "pol-Latn"}, {"pt", "por-Latn"}, {"ru", "rus-Cyrl"},
      {"tr", "tur-Latn"}, {"zh", "cmn-Hans"}};
  const auto found = kLanguages.find(code);
  return found != kLanguages.end() ? found->second : code;
}

Json Scores(const std::string& subset, const std::vector<std::string>& languages,
            const std::vector<Measure>& measures) {
  Json json = Json::Object();
  json.Set("hf_subset", subset);
  Json list = Json::Array();
  for (const std::string& language : languages) list.Append(LanguageOf(language));
  json.Set("languages", list);
  json.Set("main_score", measures[0].value);
  for (const Measure& measure : measures) json.Set(measure.name, measure.value);
  return json;
}

// Adds the scores of a sub-set to a task's file.
void Add(std::map<std::string, Json>& files, const std::string& task, const Json& scores) {
  Json& file = files[task + ".json"];
  Json test = Json::Array();
  if (!file.IsNull()) {
    const Json before = file.At("scores").At("test");
    for (size_t i = 0; i < before.size(); ++i) test.Append(before[i]);
  } else {
    file = Json::Object();
    file.Set("task_name", task);
    file.Set("mteb_version", "lacos " + std::string(kLacosVersion));
    file.Set("dataset_revision", "not of the hub: prepared from the published archives");
    file.Set("evaluation_time", Json());
    file.Set("kg_co2_emissions", Json());
  }
  test.Append(scores);
  Json splits = Json::Object();
  splits.Set("test", test);
  file.Set("scores", splits);
}

// MTEB's names: cosine_spearman, euclidean_spearman and manhattan_spearman, and plain spearman for
// the similarity that the model itself names, which may be the dot product.
std::vector<Measure> StsMeasures(Similarity similarity, const std::vector<double>& values,
                                 const std::vector<double>& gold) {
  const std::string prefix =
      similarity == Similarity::kDot ? "" : std::string(Name(similarity)) + "_";
  return {{prefix + "spearman", Spearman(values, gold)},
          {prefix + "pearson", Pearson(values, gold)}};
}

}  // namespace

std::map<std::string, Json> MtebResults(const EvaluationResults& results) {
  std::map<std::string, Json> files;
  const Similarity similarity = SimilarityOf(results).value_or(Similarity::kCosine);
  for (const Aggregate& aggregate : results.aggregates) {
    if (aggregate.convention != "mteb" || aggregate.group == "sts-en" ||
        std::isnan(aggregate.value))
      continue;
    std::vector<double> values, gold;
    for (const TaskResult& result : results.sets) {
      const bool whole = aggregate.group == "SICK-R";
      if (result.set.task != "sts" || result.set.name != aggregate.group) continue;
      if (!whole && result.set.split != "test" && result.set.split != "all") continue;
      values.insert(values.end(), result.items.begin(), result.items.end());
      gold.insert(gold.end(), result.gold.begin(), result.gold.end());
    }
    Add(files, aggregate.group, Scores("default", {"en"}, StsMeasures(similarity, values, gold)));
  }
  for (const TaskResult& result : results.sets) {
    if (!result.set.usual || std::isnan(result.main())) continue;
    const std::string& name = result.set.name;
    if (result.set.task == "sts" && (name == "STS17" || name == "stsb-multi-mt")) {
      Add(files, name == "STS17" ? name : "STSBenchmarkMultilingualSTS",
          Scores(result.set.subset, result.set.languages,
                 StsMeasures(similarity, result.items, result.gold)));
    } else if (result.set.task == "bitext" && name == "Tatoeba") {
      std::vector<Measure> measures;
      for (const Measure& measure : result.measures) {
        if (measure.name == "f1") measures.push_back({"f1", measure.value / 100});
      }
      for (const Measure& measure : result.measures) {
        if (measure.name == "accuracy_forward")
          measures.push_back({"accuracy", measure.value / 100});
      }
      if (measures.empty()) continue;  // a result from another program, read from a file
      Add(files, name, Scores(result.set.subset, result.set.languages, measures));
    }
  }
  return files;
}

}  // namespace lacos
