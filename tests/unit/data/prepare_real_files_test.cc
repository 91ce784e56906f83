// Tests with the public archives, as they lie in the shared files and rearranged in SentEval's
// layout: every published total is checked. Skipped if the files are missing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "lacos/data/prepare/prepare.h"
#include "lacos/io/manifest.h"
#include "shared_files.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

const std::string kData = SharedFile("data");

bool HasData() { return fs::exists(kData + "/sts") && fs::exists(kData + "/tasks"); }

std::map<std::string, int64_t> TestTotals(const std::vector<SuiteSet>& sets) {
  std::map<std::string, int64_t> totals;
  for (const SuiteSet& set : sets) {
    if (set.split == "test" || set.split == "all") {
      totals[set.name] += set.task == "retrieval" ? set.queries.rows : set.rows;
    }
  }
  return totals;
}

TEST(PrepareRealFiles, EveryPublishedTotalIsReached) {
  if (!HasData()) GTEST_SKIP() << "not at hand: " << kData;
  const TestFolder folder;
  const PrepareReport report = PrepareSuite({.from = kData, .to = folder / "suite"});
  EXPECT_TRUE(report.written);
  EXPECT_THAT(report.absent, IsEmpty());
  const std::map<std::string, int64_t> expected = {
      {"STS12", 3108},        {"STS13", 1500},    {"STS14", 3750},
      {"STS15", 3000},        {"STS16", 1186},    {"STS17", 7 * 250},
      {"STSBenchmark", 1379}, {"SICK-R", 4927},   {"stsb-multi-mt", 11 * 1379},
      {"XQuAD", 12 * 1190},   {"Tatoeba", 88877}, {"StackOverflow", 20000},
      {"CR", 3775},           {"MPQA", 10606},    {"MR", 10662},
      {"SUBJ", 10000},        {"TREC", 500},      {"SST2", 1821},
      {"SST5", 2210},         {"MSRP", 1725}};
  EXPECT_EQ(TestTotals(report.sets), expected);

  const Suite suite = OpenSuite(folder / "suite");
  EXPECT_THAT(VerifySuite(suite), IsEmpty());
  EXPECT_THAT(VerifyManifest(folder / "suite"), IsEmpty());
  int64_t sick = 0;
  for (const SuiteSet* set : suite.Find("sts", "SICK-R")) sick += set->rows;
  EXPECT_EQ(sick, 9927) << "all splits";
  // Every reader reads every file of its task and counts the rows that suite.json lists.
  int64_t languages = 0;
  for (const SuiteSet& set : suite.sets) {
    EXPECT_TRUE(set.published_text) << set.path;
    if (set.task == "sts") {
      ReadStsSet(suite, set);
    } else if (set.task == "bitext") {
      ReadBitextSet(suite, set);
      ++languages;
    } else if (set.task == "retrieval") {
      EXPECT_EQ(ReadRetrievalSet(suite, set, set).relevant.size(), 1190u);
      EXPECT_EQ(set.rows, 240);
    } else if (set.task == "pair_classification") {
      ReadPairClassificationSet(suite, set);
    } else {
      ReadLabelledSet(suite, set);
    }
  }
  EXPECT_EQ(languages, 112);
  const auto news = std::find_if(suite.sets.begin(), suite.sets.end(),
                                 [](const SuiteSet& set) { return set.subset == "es-en-news"; });
  ASSERT_NE(news, suite.sets.end());
  EXPECT_FALSE(news->usual);
}

TEST(PrepareRealFiles, SentEvalsLayoutGivesTheSameScoresAndCounts) {
  if (!HasData()) GTEST_SKIP() << "not at hand: " << kData;
  const TestFolder folder;
  const std::string first = folder / "suite", raw = folder / "downstream",
                    second = folder / "again";
  PrepareSuite({.from = kData + "/sts", .to = first, .only = {"sts"}});
  const Suite suite = OpenSuite(first);
  // The texts are in lower case as in SentEval, with its names and its ungraded rows.
  const auto lower = [](std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return text;
  };
  for (const char* year : {"STS12", "STS13", "STS14", "STS15", "STS16"}) {
    const std::string place = fmt::format("{}/STS/{}-en-test", raw, year);
    fs::create_directories(place);
    for (const SuiteSet* set : suite.Find("sts", year)) {
      const ScoredPairs pairs = ReadStsSet(suite, *set);
      std::ofstream input(fmt::format("{}/STS.input.{}.txt", place, set->subset)),
          gold(fmt::format("{}/STS.gs.{}.txt", place, set->subset));
      for (size_t i = 0; i < pairs.first.size(); ++i) {
        input << lower(pairs.first[i]) << '\t' << lower(pairs.second[i]) << '\n';
        gold << fmt::format("{:#}", pairs.score[i]) << '\n';
        if (i % 10 == 0) {
          input << "ungraded\tpair\n";
          gold << '\n';
        }
      }
    }
  }
  fs::create_directories(raw + "/STS/STSBenchmark");
  for (const SuiteSet* set : suite.Find("sts", "STSBenchmark")) {
    const ScoredPairs pairs = ReadStsSet(suite, *set);
    std::ofstream csv(fmt::format("{}/STS/STSBenchmark/sts-{}.csv", raw, set->split));
    for (size_t i = 0; i < pairs.first.size(); ++i) {
      csv << fmt::format("genre\tfile\tyear\t{}\t{:#}\t{}\t{}\n", i, pairs.score[i],
                         lower(pairs.first[i]), lower(pairs.second[i]));
    }
  }
  const PrepareReport report =
      PrepareSuite({.from = raw, .to = second, .only = {"sts"}, .allow_incomplete = true});
  const std::map<std::string, int64_t> expected = {{"STS12", 3108}, {"STS13", 1500},
                                                   {"STS14", 3750}, {"STS15", 3000},
                                                   {"STS16", 1186}, {"STSBenchmark", 1379}};
  EXPECT_EQ(TestTotals(report.sets), expected);
  int64_t changed = 0;
  for (const SuiteSet& set : report.sets) {
    // Some sets have no capital letters in the original.
    const std::string text = folder.Read("suite/" + set.path);
    EXPECT_EQ(set.published_text, lower(text) == text) << set.path;
    changed += !set.published_text;
  }
  EXPECT_GT(changed, 20);
}

TEST(PrepareRealFiles, SentenceTransformersBenchmarkIsThePublishedOne) {
  if (!HasData()) GTEST_SKIP() << "not at hand: " << kData;
  const TestFolder folder;
  PrepareSuite({.from = kData + "/sts/stsb",
                .to = folder / "suite",
                .only = {"sts"},
                .allow_incomplete = true});
  const Suite suite = OpenSuite(folder / "suite");
  fs::create_directories(folder / "raw");
  std::ofstream tsv(folder / "raw/stsbenchmark.tsv");
  tsv << "split\tgenre\tdataset\tyear\tsid\tscore\tsentence1\tsentence2\n";
  for (const SuiteSet* set : suite.Find("sts", "STSBenchmark")) {
    const ScoredPairs pairs = ReadStsSet(suite, *set);
    for (size_t i = 0; i < pairs.first.size(); ++i) {
      tsv << fmt::format("{}\tg\td\ty\t{}\t{:#}\t{}\t{}\n", set->split, i, pairs.score[i],
                         pairs.first[i], pairs.second[i]);
    }
  }
  tsv.close();
  const PrepareReport report =
      PrepareSuite({.from = folder / "raw", .to = folder / "again", .allow_incomplete = true});
  ASSERT_EQ(report.sets.size(), 3u);
  for (const SuiteSet& set : report.sets) EXPECT_TRUE(set.published_text) << set.path;
}

// Headlines, images and OnWN were used in several years. If no folder names the year, it is found
// from the scores.
TEST(PrepareRealFiles, TheYearIsToldByTheScoresWhereNoFolderNamesIt) {
  if (!HasData()) GTEST_SKIP() << "not at hand: " << kData;
  const TestFolder folder;
  PrepareSuite({.from = kData + "/sts", .to = folder / "suite", .only = {"sts"}});
  const Suite suite = OpenSuite(folder / "suite");
  int place = 0;
  std::vector<std::string> paths;
  for (const SuiteSet& set : suite.sets) {
    if (set.name.size() != 5 || set.name == "STS17") continue;
    const std::string raw = fmt::format("{}/raw/{}", folder.path(), place++);
    fs::create_directories(raw);
    const ScoredPairs pairs = ReadStsSet(suite, set);
    std::ofstream input(raw + "/STS.input." + set.subset + ".txt"),
        gold(raw + "/STS.gs." + set.subset + ".txt");
    for (size_t i = 0; i < pairs.first.size(); ++i) {
      input << pairs.first[i] << '\t' << pairs.second[i] << '\n';
      gold << fmt::format("{}", pairs.score[i]) << '\n';
    }
    paths.push_back(set.path);
  }
  EXPECT_EQ(paths.size(), 24u);
  const PrepareReport report = PrepareSuite(
      {.from = folder / "raw", .to = folder / "again", .only = {"sts"}, .allow_incomplete = true});
  std::vector<std::string> found;
  for (const SuiteSet& set : report.sets) found.push_back(set.path);
  EXPECT_EQ(found, paths);
}

}  // namespace
}  // namespace lacos
