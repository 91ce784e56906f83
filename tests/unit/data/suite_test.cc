// Reading a suite: what suite.json may contain, and rows that do not match it.
#include "lacos/data/suite.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/base/hash.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SuiteTest : public ::testing::Test {
 protected:
  // Writes a suite with one set. `more` is JSON text with further members of the set's entry.
  void Write(const std::string& task, const std::string& bytes, int rows, const std::string& more,
             const std::string& path = "set.tsv") {
    folder_.Write("set.tsv", bytes);
    folder_.Write(
        "suite.json",
        fmt::format(
            R"({{"format": 1, "sets": [{{"task": "{}", "name": "N", "subset": "s", "split": "test",
                              "languages": ["en"], "path": "{}", "rows": {}, "sha256": "{}"{}}}]}})",
            task, path, rows, Sha256Hex(bytes), more));
  }
  Suite Open() { return OpenSuite(folder_.path()); }
  TestFolder folder_;
};

TEST_F(SuiteTest, ScoresStayInTheirScale) {
  const std::string scale = R"(, "scale": [1, 5])";
  Write("sts", "sentence1\tsentence2\tscore\na\tb\t1\n\"c\td\t4.5\n", 2, scale);
  const Suite suite = Open();
  const ScoredPairs pairs = ReadStsSet(suite, suite.sets[0]);
  EXPECT_THAT(pairs.first, ElementsAre("a", "\"c"));
  EXPECT_THAT(pairs.score, ElementsAre(1, 4.5));
  EXPECT_TRUE(suite.sets[0].usual);
  Write("sts", "sentence1\tsentence2\tscore\na\tb\t0\n", 1, scale);
  EXPECT_THAT(ErrorOf([&] { ReadStsSet(Open(), Open().sets[0]); }),
              AllOf(HasSubstr("set.tsv:2]"), HasSubstr("score 0; expected 1 to 5")));
}

TEST_F(SuiteTest, RowsAndColumnsAreCounted) {
  Write("bitext", "sentence1\tsentence2\na\tb\n", 2, "");
  EXPECT_THAT(ErrorOf([&] { ReadBitextSet(Open(), Open().sets[0]); }),
              HasSubstr("has 1 rows; expected 2"));
  Write("bitext", "one\ttwo\na\tb\n", 1, "");
  EXPECT_THAT(ErrorOf([&] { ReadBitextSet(Open(), Open().sets[0]); }),
              HasSubstr("has the columns (one, two); expected (sentence1, sentence2)"));
  Write("bitext", "sentence1\tsentence2\na\tb\tc\n", 1, "");
  EXPECT_THAT(ErrorOf([&] { ReadBitextSet(Open(), Open().sets[0]); }),
              HasSubstr("set.tsv:2] found 3 columns"));
  EXPECT_THAT(ErrorOf([&] { ReadStsSet(Open(), Open().sets[0]); }),
              HasSubstr("is of the task bitext"));
}

TEST_F(SuiteTest, LabelsAreThoseOfTheIndexAndTextsMayBeEmpty) {
  Write("classification", "text\tlabel\n\tgood\nx\tbad\n", 2, R"(, "labels": ["bad", "good"])");
  const Suite suite = Open();
  const LabelledTexts texts = ReadLabelledSet(suite, suite.sets[0]);
  EXPECT_THAT(texts.texts, ElementsAre("", "x"));
  EXPECT_THAT(texts.label, ElementsAre(1, 0));
  Write("classification", "text\tlabel\nx\tugly\n", 1, R"(, "labels": ["bad", "good"])");
  EXPECT_THAT(ErrorOf([&] { ReadLabelledSet(Open(), Open().sets[0]); }),
              HasSubstr("found the label 'ugly'"));
  Write("pair_classification", "sentence1\tsentence2\tlabel\na\tb\t2\n", 1, "");
  EXPECT_THAT(ErrorOf([&] { ReadPairClassificationSet(Open(), Open().sets[0]); }),
              HasSubstr("found the label '2'; expected 0 or 1"));
}

TEST_F(SuiteTest, TheIndexStaysInItsFolderAndTellsTheTruth) {
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("has no suite.json"));
  Write("sts", "", 0, "", "../set.tsv");
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("do not trust this folder"));
  Write("sts", "", 0, "", "other.tsv");
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("names 'other.tsv', which is not there"));
  Write("sts", "x", -1, "");
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("expected a count"));
  folder_.Write("suite.json", R"({"format": 2, "sets": []})");
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("is 2; expected 1"));
  Write("sts", "x", 0, "");
  const Suite suite = Open();
  EXPECT_TRUE(VerifySuite(suite).empty());
  folder_.Write("set.tsv", "y");
  ASSERT_EQ(VerifySuite(suite).size(), 1u);
  EXPECT_EQ(VerifySuite(suite)[0].path, "set.tsv");
}

TEST_F(SuiteTest, SetsAreFoundByTaskNameAndSplit) {
  Suite suite;
  suite.sets = {{.task = "classification",
                 .name = "CR",
                 .subset = "",
                 .split = "all",
                 .languages = {},
                 .path = ""},
                {.task = "sts",
                 .name = "STS12",
                 .subset = "MSRpar",
                 .split = "test",
                 .languages = {},
                 .path = ""},
                {.task = "sts",
                 .name = "STS12",
                 .subset = "MSRvid",
                 .split = "dev",
                 .languages = {},
                 .path = ""}};
  EXPECT_EQ(suite.Find("sts").size(), 2u);
  EXPECT_EQ(suite.Find("sts", "STS12", "test").size(), 1u);
  EXPECT_EQ(suite.Find("", "", "test").size(), 2u) << "a set without splits is in all of them";
  EXPECT_EQ(suite.Find("sts", "STS13").size(), 0u);
}

TEST_F(SuiteTest, RetrievalIdsAreUniqueAndKnown) {
  const std::string corpus = folder_.Write("c.jsonl", R"({"_id":"d1","title":"T","text":"x"}
{"_id":"d2","title":"","text":"y"}
)");
  const std::string queries = folder_.Write("q.jsonl", "{\"_id\":\"q1\",\"text\":\"z\"}\n");
  const std::string qrels =
      folder_.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td2\t1\nq1\td1\t0\n");
  const RetrievalData data = ReadRetrieval(corpus, queries, qrels);
  EXPECT_THAT(data.documents.texts, ElementsAre("T x", "y"));
  ASSERT_EQ(data.relevant.size(), 2u);
  EXPECT_EQ(data.relevant[0].document, 1);
  EXPECT_EQ(data.relevant[1].score, 0);
  folder_.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td2\t1\nq1\td2\t1.0\n");
  EXPECT_EQ(ReadRetrieval(corpus, queries, qrels).relevant.size(), 1u);
  folder_.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td2\t1\nq1\td2\t0\n");
  EXPECT_THAT(ErrorOf([&] { ReadRetrieval(corpus, queries, qrels); }),
              HasSubstr("qrels.tsv:3] gives the document 'd2' the score 0"));
  folder_.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td3\t1\n");
  EXPECT_THAT(ErrorOf([&] { ReadRetrieval(corpus, queries, qrels); }),
              HasSubstr("qrels.tsv:2] names the document 'd3'"));
  folder_.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq2\td1\t1\n");
  EXPECT_THAT(ErrorOf([&] { ReadRetrieval(corpus, queries, qrels); }),
              HasSubstr("names the query 'q2'"));
  folder_.Write("c.jsonl", "{\"_id\":\"d1\",\"text\":\"x\"}\n{\"_id\":\"d1\",\"text\":\"y\"}\n");
  EXPECT_THAT(ErrorOf([&] { ReadRetrieval(corpus, queries, qrels); }),
              HasSubstr("c.jsonl:2] has the id 'd1'"));
  folder_.Write("c.jsonl", "{\"text\":\"x\"}\n");
  EXPECT_THAT(ErrorOf([&] { ReadRetrieval(corpus, queries, qrels); }),
              HasSubstr("has no text for '_id'"));
}

TEST_F(SuiteTest, JudgementsAreReadAsBeirAndMtebWriteThem) {
  const std::string corpus = folder_.Write(
      "c.jsonl",
      "{\"_id\":\"d1\",\"title\":\"A\",\"text\":\"b \"}\n{\"_id\":2,\"text\":\" c\",\"metadata\":{}}\n");
  const std::string queries =
      folder_.Write("q.jsonl", "{\"_id\":\"q1\",\"title\":\"T\",\"text\":\" x\"}\n");
  const auto read = [&](const char* name, const std::string& bytes) {
    return ReadRetrieval(corpus, queries, folder_.Write(name, bytes));
  };
  const RetrievalData data = read("q.tsv", "query_id\tdoc\trelevance\nq1\t2\t1\n");
  EXPECT_EQ(data.documents.texts, (std::vector<std::string>{"A b", "c"})) << "stripped, as in MTEB";
  EXPECT_EQ(data.queries.texts, (std::vector<std::string>{" x"})) << "queries have no title";
  EXPECT_EQ(data.relevant.size(), 1u) << "BEIR takes any first line for a header";
  EXPECT_THAT(data.notes, ElementsAre(HasSubstr("'metadata'"), HasSubstr("'title'")));
  const std::string lines = R"({"query-id": "q1", "corpus-id": "d1", "score": 1.0, "x": 0})";
  EXPECT_THAT(read("j.jsonl", lines).notes,
              Contains(HasSubstr("j.jsonl] columns that are not used: 'x'")));
  EXPECT_THAT(ErrorOf([&] { read("j.jsonl", R"({"query-id": "q1", "corpus-id": "d1"})"); }),
              HasSubstr("no value for 'score'"));
  EXPECT_THAT(ErrorOf([&] { read("q.tsv", "q1\t2\t1\n"); }),
              AllOf(HasSubstr("begins with (q1, 2, 1)"), HasSubstr("header line")));
  EXPECT_THAT(ErrorOf([&] { read("q.tsv", "q1 0 2 1\n"); }), HasSubstr("TREC"));
  EXPECT_THAT(ErrorOf([&] { read("q.tsv", "q1\t0\t2\t1\n"); }), HasSubstr("TREC"));
}

}  // namespace
}  // namespace lacos
