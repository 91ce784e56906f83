// Scored pairs: each layout is recognized by its cells, and messages give the line of a bad row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/data/examples.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

class ScoredPairsTest : public ::testing::Test {
 protected:
  ScoredPairs Read(const std::string& name, const std::string& bytes,
                   const TableOptions& options = {}, const std::string& split = "") {
    return ReadScoredPairs(folder_.Write(name, bytes), options, split);
  }
  void ExpectTwo(const ScoredPairs& pairs) {
    EXPECT_EQ(pairs.first, (Words{"a man", "a dog"}));
    EXPECT_EQ(pairs.second, (Words{"one man", "12"}));
    EXPECT_EQ(pairs.score, (std::vector<double>{4.5, 0}));
  }
  std::string Error(const std::string& name, const std::string& bytes) {
    return ErrorOf([&] { Read(name, bytes); });
  }
  TestFolder folder_;
};

TEST_F(ScoredPairsTest, ReadsEachLayout) {
  ExpectTwo(Read("f.tsv", "score\tsentence1\tsentence2\n4.5\ta man\tone man\n0\ta dog\t12\n"));
  ExpectTwo(Read("f.csv", "sentence1,sentence2,score\na man,\"one man\",4.5\na dog,12,0\n"));
  ExpectTwo(Read("f.jsonl",
                 "{\"sentence1\": \"a man\", \"sentence2\": \"one man\", \"score\": 4.5}\n"
                 "{\"sentence1\": \"a dog\", \"sentence2\": \"12\", \"score\": 0}\n"));
  ExpectTwo(Read("f.csv", "\"a man\",\"one man\",4.500\na dog,12,0.0\n"));
  ExpectTwo(Read("f.tsv", "4.5\ta man\tone man\n0\ta dog\t12\n"));
  ExpectTwo(Read("f.tsv", "a man\tone man\t4.5\na dog\t12\t0\n"));
  const std::string stsb =
      "main-news\tMSRpar\t2012test\t0001\t4.500\ta man\tone man\n"
      "main-news\tMSRpar\t2012test\t0002\t0\ta dog\t12\tsource 1\tsource 2\n";
  ExpectTwo(Read("sts-test.csv", stsb));
  ExpectTwo(Read("sts-test.tsv", stsb));
  ExpectTwo(
      Read("sts-other.csv",
           "OnWN\t2012test\t0000\t4.5\ta man\tone man\nOnWN\t2012test\t0001\t0\ta dog\t12\n"));
}

TEST_F(ScoredPairsTest, DropsAndCountsEmptyScoresEvenAtTheStart) {
  std::string bytes;
  for (int i = 0; i < 5; ++i) bytes += "\tungraded\tpair\n";
  const ScoredPairs pairs = Read("f.tsv", bytes + "4.5\ta man\tone man\n0\ta dog\t12\n");
  ExpectTwo(pairs);
  EXPECT_EQ(pairs.dropped_no_score, 5);
  EXPECT_EQ(pairs.rows, 7);
  EXPECT_THAT(Error("f.tsv", bytes), HasSubstr("has 5 rows and none with a score"));
}

TEST_F(ScoredPairsTest, QuotesInTheBenchmarkAreText) {
  const ScoredPairs pairs =
      Read("sts-dev.csv", "g\tf\ty\t1\t3.0\t\"Quoted, he said\tSaid \"so\"\n");
  EXPECT_EQ(pairs.first, (Words{"\"Quoted, he said"}));
  EXPECT_EQ(pairs.second, (Words{"Said \"so\""}));
}

TEST_F(ScoredPairsTest, HonoursTheSplit) {
  const std::string bytes =
      "sentence1\tsentence2\tscore\tsplit\na man\tone man\t4.5\ttest\na\tb\t1\tdev\na dog\t12\t0\ttest\n";
  const ScoredPairs pairs = Read("f.tsv", bytes, {}, "test");
  ExpectTwo(pairs);
  EXPECT_EQ(pairs.dropped_other_split, 1);
}

TEST_F(ScoredPairsTest, NamesABadRow) {
  EXPECT_THAT(Error("f.tsv", "4.5\ta\tb\nhigh\tc\td\n"),
              HasSubstr("/f.tsv:2] found the score 'high'"));
  EXPECT_THAT(Error("f.tsv", "4.5\ta\tb\n1\tc\n"),
              HasSubstr("/f.tsv:2] found 2 columns; expected 3, as in the first rows"));
  EXPECT_THAT(Error("f.tsv", "sentence1\tsentence2\tscore\na\tb\n"),
              HasSubstr("/f.tsv:2] found 2 columns; expected 3"));
  std::string bytes;
  for (int i = 0; i < 500; ++i) bytes += "4.5\ta\tb\n";
  EXPECT_THAT(Error("f.tsv", bytes + "1\tc\n"), HasSubstr("/f.tsv:501] found 2 columns"));
}

TEST_F(ScoredPairsTest, RefusesWhatItCannotRecognize) {
  EXPECT_THAT(Error("f.tsv", ""), HasSubstr("is empty"));
  EXPECT_THAT(Error("f.tsv", "just a text\nanother\n"),
              AllOf(HasSubstr(":1] found 1 columns without a header"), HasSubstr("add a header")));
  EXPECT_THAT(Error("f.tsv", "a\tb\tc\n"), HasSubstr("without a header"));
  EXPECT_THAT(Error("f.tsv", "sentence1\tsentence2\na\tb\n"),
              AllOf(HasSubstr("has the columns (sentence1, sentence2)"), HasSubstr("score")));
}

}  // namespace
}  // namespace lacos
