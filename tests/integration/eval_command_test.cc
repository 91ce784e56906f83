// `lacos eval` and `lacos similarity`: rows, averages, undefined correlations, ranks.
#include <sstream>

#include "lacos/io/json.h"
#include "program.h"

namespace lacos {
namespace {

const char* const kPairs =
    "sentence1\tsentence2\tscore\n"
    "a man plays\ta man plays\t5\n"
    "a dog runs\ta cat sleeps\t1.5\n"
    "the sun\tthe moon\t2\n"
    "one two three\tfour five six seven\t0.5\n";

TEST(EvalCommand, JsonHasOneRowAFileAndTheAverage) {
  const TempFolder folder;
  const std::string a = folder.Write("a.tsv", kPairs), b = folder.Write("b.tsv", kPairs);
  const RunResult result = RunLacos(
      {"eval", "--model", TinyModel(), "--task", "sts", "--data", a, b, "--json", "--max-length", "12"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json report = Json::Parse(result.out, "stdout");
  EXPECT_EQ(report.At("model").AsString(), TinyModel());
  ASSERT_EQ(report.At("tasks").size(), 2u);
  const Json task = report.At("tasks")[0];
  EXPECT_EQ(task.At("name").AsString(), a);
  EXPECT_EQ(task.At("n").AsInt(), 4);
  EXPECT_EQ(task.At("truncated").AsInt(), 2);  // the two longest distinct texts
  EXPECT_LE(std::abs(task.At("spearman").AsDouble()), 100);
  EXPECT_NEAR(report.At("average").At("spearman").AsDouble(), task.At("spearman").AsDouble(), 1e-12);
  EXPECT_NEAR(report.At("average").At("pearson").AsDouble(), task.At("pearson").AsDouble(), 1e-12);
}

TEST(EvalCommand, TheTableHasTheSameRows) {
  const TempFolder folder;
  const std::string a = folder.Write("a.tsv", kPairs);
  const RunResult result = RunLacos({"eval", "--model", TinyModel(), "--task", "sts", "--data", a});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(CountLines(result.out), 3u) << result.out;
  EXPECT_NE(result.out.find("average"), std::string::npos);
}

TEST(EvalCommand, ConstantScoresGiveNullAndAWarningNotZero) {
  const TempFolder folder;
  const std::string a = folder.Write("a.tsv", "sentence1\tsentence2\tscore\na\tb\t3\nc\td\t3\n");
  const RunResult result = RunLacos({"eval", "--model", TinyModel(), "--task", "sts", "--data", a, "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json report = Json::Parse(result.out, "stdout");
  EXPECT_TRUE(report.At("tasks")[0].At("spearman").IsNull());
  EXPECT_TRUE(report.At("tasks")[0].At("pearson").IsNull());
  EXPECT_TRUE(report.At("average").At("spearman").IsNull());
  EXPECT_NE(result.err.find("no correlation exists"), std::string::npos);
}

TEST(EvalCommand, TheTestSplitIsTheDefault) {
  const TempFolder folder;
  const std::string a = folder.Write(
      "a.tsv",
      "split\tsentence1\tsentence2\tscore\n"
      "train\tx\ty\t1\ndev\tx\ty\t1\ndev\tz\tw\t2\ntest\ta\tb\t3\ntest\tc\td\t4\ntest\te\tf\t5\n");
  for (const auto& [split, n] : std::vector<std::pair<std::string, int>>{{"", 3}, {"dev", 2}}) {
    std::vector<std::string> words = {"eval",   "--model", TinyModel(), "--task", "sts",
                                      "--data", a,         "--json",    "--quiet"};
    if (!split.empty()) words.insert(words.end(), {"--split", split});
    const RunResult result = RunLacos(words);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(Json::Parse(result.out, "stdout").At("tasks")[0].At("n").AsInt(), n);
  }
  ExpectUserError(
      RunLacos({"eval", "--model", TinyModel(), "--task", "sts", "--data", a, "--split", "nosuch"}),
      "nosuch");
}

TEST(SimilarityCommand, EqualSentencesHaveCosineOne) {
  const TempFolder folder;
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"header.tsv", "sentence1\tsentence2\nsame\tsame\nleft\tright\n"},
           {"plain.tsv", "same\tsame\nleft\tright\n"},
           {"pairs.csv", "premise,hypothesis\nsame,same\nleft,right\n"},
           {"pairs.jsonl",
            "{\"anchor\": \"same\", \"positive\": \"same\"}\n{\"anchor\": \"left\", \"positive\": "
            "\"right\"}\n"}}) {
    SCOPED_TRACE(name);
    const std::string input = folder.Write(name, text);
    const RunResult result = RunLacos({"similarity", "--model", TinyModel(), "--input", input});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(CountLines(result.out), 2u);
    EXPECT_EQ(result.out.rfind("1.000000\tsame\tsame\n", 0), 0u) << result.out;
    const RunResult json = RunLacos({"similarity", "--model", TinyModel(), "--input", input, "--json"});
    const Json pairs = Json::Parse(json.out, "stdout").At("pairs");
    ASSERT_EQ(pairs.size(), 2u);
    EXPECT_EQ(pairs[1].At("sentence2").AsString(), "right");
  }
}

TEST(SimilarityCommand, AQueryFindsItselfFirstAndTiesGoToTheEarlierLine) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "far away\nneedle\nhay\nneedle\nstraw\n");
  const RunResult result = RunLacos({"similarity", "--model", TinyModel(), "--query", "needle", "--input",
                                     input, "--top-k", "3", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json found = Json::Parse(result.out, "stdout").At("results");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].At("line").AsInt(), 2);
  EXPECT_EQ(found[1].At("line").AsInt(), 4);
  EXPECT_EQ(found[0].At("rank").AsInt(), 1);
  EXPECT_NEAR(found[0].At("cosine").AsDouble(), 1, 1e-12);
  EXPECT_GE(found[1].At("cosine").AsDouble(), found[2].At("cosine").AsDouble());
  const RunResult text =
      RunLacos({"similarity", "--model", TinyModel(), "--query", "needle", "--input", input, "--top-k", "1"});
  EXPECT_EQ(text.out, "1\t1.000000\t2\tneedle\n");
}

TEST(SimilarityCommand, PairsNeedTwoTexts) {
  const TempFolder folder;
  const std::string input = folder.Write("pairs.tsv", "id\tleft\tright\n1\ta\tb\n");
  ExpectUserError(RunLacos({"similarity", "--model", TinyModel(), "--input", input}), "pairs.tsv");
  ExpectUserError(RunLacos({"similarity", "--model", TinyModel(), "--query", "", "--input", input}),
                  "--query");
}

}  // namespace
}  // namespace lacos
