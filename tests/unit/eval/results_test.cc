// Averages by different conventions, which parts of results are stored, and comparisons of
// two systems.
#include "lacos/eval/results/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "lacos/base/error.h"
#include "lacos/base/rng.h"
#include "lacos/eval/measures/pair_classification.h"
#include "lacos/eval/measures/statistics.h"
#include "lacos/eval/results/languages.h"
#include "lacos/eval/results/mteb.h"
#include "lacos/io/atomic_file.h"

namespace lacos {
namespace {

using testing::HasSubstr;

constexpr BootstrapOptions kBootstrap{.resamples = 200};

TaskResult MakeSts(const std::string& name, const std::string& subset, int64_t n, double noise,
                   double shift = 0, std::vector<std::string> languages = {"en"},
                   const std::string& split = "test") {
  uint64_t key = 0;
  for (const char c : name + subset + split) key = Mix64(key, static_cast<unsigned char>(c));
  Random gold(key, RandomStream::kBatch), error(key, RandomStream::kHead);
  TaskResult result{.set = {.task = "sts",
                            .name = name,
                            .subset = subset,
                            .split = split,
                            .languages = languages},
                    .n = n};
  for (int64_t i = 0; i < n; ++i) {
    result.gold.push_back(std::round(5 * gold.Uniform()));
    result.items.push_back(shift + result.gold.back() / 5 + noise * error.Normal());
  }
  result.measures = {{"spearman", 100 * Spearman(result.items, result.gold)},
                     {"pearson", 100 * Pearson(result.items, result.gold)}};
  return result;
}

EvaluationResults MakeEnglish(double noise) {
  EvaluationResults results;
  results.system.Set("model", "m");
  // A shift between subsets lowers one Spearman over all pairs, but not the mean over subsets.
  results.sets.push_back(MakeSts("STS12", "MSRpar", 60, noise, 0));
  results.sets.push_back(MakeSts("STS12", "MSRvid", 30, noise, 2));
  for (const char* name : {"STS13", "STS14", "STS15", "STS16", "STSBenchmark"}) {
    results.sets.push_back(MakeSts(name, "", 50, noise));
  }
  for (const char* split : {"train", "trial", "test"}) {
    results.sets.push_back(MakeSts("SICK-R", "", 40, noise, 0, {"en"}, split));
  }
  Summarize(results, kBootstrap);
  return results;
}

const Aggregate& Find(const EvaluationResults& results, const std::string& group,
                      const std::string& convention) {
  for (const Aggregate& aggregate : results.aggregates) {
    if (aggregate.group == group && aggregate.convention == convention) return aggregate;
  }
  throw std::runtime_error(group + " " + convention + " is missing");
}

TEST(EnglishSts, ConventionsDifferAsTheyAreDefined) {
  const EvaluationResults results = MakeEnglish(0.3);
  const TaskResult &par = results.sets[0], &vid = results.sets[1];
  EXPECT_NEAR(Find(results, "STS12", "mean").value, (par.main() + vid.main()) / 2, 1e-9);
  EXPECT_NEAR(Find(results, "STS12", "wmean").value, (60 * par.main() + 30 * vid.main()) / 90,
              1e-9);
  std::vector<double> items = par.items, gold = par.gold;
  items.insert(items.end(), vid.items.begin(), vid.items.end());
  gold.insert(gold.end(), vid.gold.begin(), vid.gold.end());
  EXPECT_NEAR(Find(results, "STS12", "all").value, 100 * Spearman(items, gold), 1e-9);
  EXPECT_LT(Find(results, "STS12", "all").value, Find(results, "STS12", "mean").value - 5);
  EXPECT_EQ(Find(results, "STS12", "mteb").value, Find(results, "STS12", "all").value);
  EXPECT_EQ(Find(results, "SICK-R", "all").n, 40);
  EXPECT_EQ(Find(results, "SICK-R", "mteb").n, 120);

  double sum = 0;
  for (const char* name : {"STS12", "STS13", "STS14", "STS15", "STS16", "STSBenchmark", "SICK-R"}) {
    sum += Find(results, name, "all").value;
  }
  const Aggregate& average = Find(results, "sts-en", "all");
  EXPECT_NEAR(average.value, sum / 7, 1e-9);
  const Interval interval = IntervalOf(average.resamples, 0.95);
  EXPECT_LT(interval.low, average.value);
  EXPECT_GT(interval.high, average.value);
}

TEST(EnglishSts, IsNotAveragedWhereASetIsMissing) {
  EvaluationResults results = MakeEnglish(0.3);
  results.sets.erase(results.sets.begin() + 3);
  Summarize(results, kBootstrap);
  EXPECT_THROW(Find(results, "sts-en", "all"), std::runtime_error);
  EXPECT_NO_THROW(Find(results, "STS12", "all"));
}

TEST(AggregateByName, KeepsLanguagesThatBloomKnowsApart) {
  EvaluationResults results;
  results.sets = {MakeSts("STS17", "es-es", 40, 0.1, 0, {"es", "es"}),
                  MakeSts("STS17", "en-ar", 40, 0.2, 0, {"en", "ar"}),
                  MakeSts("STS17", "en-tr", 40, 2, 0, {"en", "tr"})};
  results.sets.push_back(MakeSts("STS17", "es-en-news", 40, 3, 0, {"es", "en"}));
  results.sets.back().set.usual = false;
  Summarize(results, kBootstrap);
  EXPECT_NEAR(Find(results, "STS17", "in-language").value,
              (results.sets[0].main() + results.sets[1].main()) / 2, 1e-9);
  EXPECT_NEAR(Find(results, "STS17", "out-of-language").value, results.sets[2].main(), 1e-9);
  EXPECT_EQ(Find(results, "STS17", "mean").sets, 3);
}

TEST(Languages, AreThoseOfBloomsCard) {
  for (const char* code : {"en", "fr", "fra", "zh", "cmn", "ar", "sw", "vi", "ne"})
    EXPECT_TRUE(IsBloomLanguage(code)) << code;
  for (const char* code : {"de", "it", "nl", "tr", "ko", "pl", "ru", "ja", "deu", ""})
    EXPECT_FALSE(IsBloomLanguage(code)) << code;
}

class ResultFiles : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void Write(const EvaluationResults& results) {
    WriteFileAtomically(folder_ + "/results.json", ResultsJson(results, 0.95).Dump(2));
    WriteFileAtomically(folder_ + "/items.jsonl", ItemsJsonl(results));
  }
  void ExpectRefused(const std::string& part) {
    try {
      ReadResults(folder_, kBootstrap);
      FAIL() << "accepted; expected " << part;
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
  std::string folder_ = testing::TempDir() + "lacos-results";
};

TEST_F(ResultFiles, ReadBackAsTheyWere) {
  EvaluationResults results = MakeEnglish(0.3);
  TaskResult trials{.set = {.task = "clustering",
                            .name = "c",
                            .subset = "",
                            .split = "test",
                            .languages = {"en"}},
                    .n = 9,
                    .measures = {{"v_measure", 50}},
                    .resamples = {40, 60},
                    .trials = true};
  results.sets.push_back(trials);
  Summarize(results, kBootstrap);
  Write(results);
  const EvaluationResults read = ReadResults(folder_, kBootstrap);
  EXPECT_EQ(ResultsJson(read, 0.95).Dump(), ResultsJson(results, 0.95).Dump());
  EXPECT_EQ(ItemsJsonl(read), ItemsJsonl(results));
}

TEST_F(ResultFiles, OfAnotherEvaluationAreRefused) {
  EvaluationResults results = MakeEnglish(0.3);
  Write(results);
  results.sets[0].items.pop_back();
  WriteFileAtomically(folder_ + "/items.jsonl", ItemsJsonl(results));
  try {
    ReadResults(folder_, kBootstrap);
    FAIL() << "accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("items.jsonl:1"), HasSubstr("59 items"),
                                             HasSubstr("expected 60")));
  }
}

TEST_F(ResultFiles, WithoutTheItemsOfEverySetAreRefused) {
  EvaluationResults results = MakeEnglish(0.3);
  Write(results);
  std::string items = ItemsJsonl(results);
  items.resize(items.rfind('\n', items.size() - 2) + 1);
  WriteFileAtomically(folder_ + "/items.jsonl", items);
  ExpectRefused("items of 9 sets; expected 10");
  results.sets[1].gold.clear();
  results.sets[1].trials = true;  // trials do not replace the gold values of pairs
  WriteFileAtomically(folder_ + "/items.jsonl", ItemsJsonl(results));
  ExpectRefused("items.jsonl:2] has 30 items and 0 gold values; expected 30");
  results.sets[0].n = -1;
  results.sets[0].items.clear();
  results.sets[0].gold.clear();
  Write(results);
  ExpectRefused("expected -1");
}

TEST_F(ResultFiles, SayHowTheirIntervalsWereMadeWithinBounds) {
  EvaluationResults results = MakeEnglish(0.3);
  Write(results);
  EXPECT_EQ(ReadBootstrapOptions(folder_).resamples, 200);
  EXPECT_EQ(ReadBootstrapOptions(folder_).confidence, 0.95);
  for (const double confidence : {7.0, 1.0, 0.0, -3.0}) {
    Json json = ResultsJson(results, 0.95);
    json.Set("confidence", confidence);
    WriteFileAtomically(folder_ + "/results.json", json.Dump());
    EXPECT_THROW(ReadBootstrapOptions(folder_), UserError) << confidence;
  }
  for (const int64_t resamples : {int64_t{0}, int64_t{-1}, int64_t{1} << 50}) {
    results.bootstrap.resamples = resamples;
    Write(results);
    EXPECT_THROW(ReadBootstrapOptions(folder_), UserError) << resamples;
  }
}

// NaN cannot be ordered, and sorting a range with NaN is undefined behaviour.
TEST(Resample, ItemsThatAreUndefinedGiveAnUndefinedInterval) {
  for (const char* task : {"sts", "pair_classification"}) {
    TaskResult result = MakeSts("a", "", 64, 0.3);
    result.set.task = task;
    for (size_t i = 0; i < result.items.size(); i += 3) result.items[i] = std::nan("");
    Resample(result, kBootstrap);
    ASSERT_EQ(result.resamples.size(), 200u);
    EXPECT_TRUE(std::isnan(IntervalOf(result.resamples, 0.95).low));
  }
}

TEST(Resample, LabelsOfPairsMayBeAnyNumber) {
  TaskResult result = MakeSts("a", "", 64, 0.3);
  result.set.task = "pair_classification";
  TaskResult plain = result;
  for (size_t i = 0; i < 64; ++i) {
    result.gold[i] = std::vector<double>{0, 1e300, 0, -1e300, 0, 1, 0, 0.5}[i % 8];
    plain.gold[i] = result.gold[i] != 0 ? 1 : 0;
  }
  Resample(result, kBootstrap);
  Resample(plain, kBootstrap);
  EXPECT_EQ(result.resamples, plain.resamples);
  EXPECT_FALSE(std::isnan(IntervalOf(result.resamples, 0.95).low));
}

TEST(MtebResults, LeaveOutWhatTheirFilesCannotHold) {
  EvaluationResults results;
  TaskResult pair = MakeSts("Tatoeba", "fra-eng", 2, 0.3);
  pair.set.task = "bitext";
  pair.measures = {{"accuracy", 5}};
  results.sets = {pair};
  EXPECT_TRUE(MtebResults(results).empty());
  results.sets[0].measures.push_back({"f1", 4});
  EXPECT_EQ(MtebResults(results).count("Tatoeba.json"), 1u);
}

TEST(CompareResults, FindsTheBetterSystemAndNamesWhatCannotBeCompared) {
  const EvaluationResults good = MakeEnglish(0.2), bad = MakeEnglish(0.6);
  EvaluationResults partly = bad;
  partly.sets[2].gold[0] += 1;  // different gold values make it a different test
  Summarize(partly, kBootstrap);
  std::vector<std::string> apart;
  const std::vector<Comparison> comparisons = CompareResults(good, partly, 0.95, apart);
  EXPECT_EQ(apart, std::vector<std::string>{"STS13"});
  bool average = false;
  for (const Comparison& comparison : comparisons) {
    if (comparison.label != "sts-en" || comparison.convention != "all") continue;
    average = true;
    EXPECT_GT(comparison.difference.interval.low, 0);
    EXPECT_LT(comparison.difference.p, 0.02);
  }
  EXPECT_TRUE(average);
}

TEST(ResampledAveragePrecision, OfEveryPairOnceIsTheOne) {
  const std::vector<double> similarity = {0.9, 0.8, 0.8, 0.3, 0.2, 0.2, 0.1};
  const std::vector<int32_t> same = {1, 0, 1, 1, 0, 1, 0};
  const std::vector<int32_t> once(7, 1);
  EXPECT_NEAR(ResampledAveragePrecision(similarity, same)(once),
              EvaluatePairs(similarity, same).average_precision, 1e-12);
}

TEST(ResultsCsv, QuotesNamesOfFiles) {
  EvaluationResults results;
  results.sets = {MakeSts("my, \"file\".tsv", "", 10, 0.1)};
  Summarize(results, kBootstrap);
  EXPECT_THAT(ResultsCsv(results, 0.95),
              HasSubstr("sts,\"my, \"\"file\"\".tsv\",,test,en,10,,spearman,"));
}

}  // namespace
}  // namespace lacos
