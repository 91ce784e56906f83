// `lacos eval --suite` on a suite of one set.
#include <filesystem>
#include <fstream>

#include "lacos/base/hash.h"
#include "lacos/io/json.h"
#include "program.h"

namespace lacos {
namespace {

// A suite of one set: the test part of the STS benchmark, filled with made-up texts.
class EvalSuite : public testing::Test {
 protected:
  void SetUp() override {
    std::string rows = "sentence1\tsentence2\tscore\n";
    for (int i = 0; i < 90; ++i) {
      const std::string k = std::to_string(i);
      rows += "words of " + k + "\t" + (i % 3 == 0 ? "words of " + k : "other things") + "\t" +
              std::to_string(i % 3 == 0 ? 5 : i % 3) + "\n";
    }
    std::filesystem::create_directories(suite_ + "/sts/STSBenchmark");
    folder_.Write("suite/sts/STSBenchmark/test.tsv", rows);
    folder_.Write(
        "suite/suite.json",
        R"({"format": 1, "sets": [{"task": "sts", "name": "STSBenchmark", "subset": "", "split": "test", )"
        R"("languages": ["en"], "path": "sts/STSBenchmark/test.tsv", "rows": 90, "sha256": ")" +
            Sha256Hex(rows) + R"(", "scale": [0, 5], "origin": []}], "absent": []})");
  }
  RunResult Eval(std::vector<std::string> more) {
    std::vector<std::string> words = {"eval",   "--floor",        "word-overlap", "--suite",
                                      "sts-en", "--suite-folder", suite_};
    words.insert(words.end(), more.begin(), more.end());
    return RunLacos(words);
  }
  const TempFolder folder_;
  const std::string suite_ = folder_ / "suite";
};

TEST_F(EvalSuite, ScoresWhatIsThereAndNamesWhatIsNot) {
  const RunResult refused = Eval({});
  ExpectUserError(refused, "STS12");
  EXPECT_NE(refused.err.find("--skip-missing"), std::string::npos);
  const RunResult result = Eval({"--skip-missing", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("SICK-R"), std::string::npos);
  const Json report = Json::Parse(result.out, "stdout");
  ASSERT_EQ(report.At("tasks").size(), 1u);
  EXPECT_EQ(report.At("tasks")[0].At("n").AsInt(), 90);
  bool labelled = false;
  for (size_t i = 0; i < report.At("aggregates").size(); ++i) {
    const Json aggregate = report.At("aggregates")[i];
    labelled = labelled || (aggregate.At("group").AsString() == "STSBenchmark" &&
                            aggregate.At("convention").AsString() == "mteb");
    EXPECT_NE(aggregate.At("group").AsString(), "sts-en") << "an average of seven needs seven";
  }
  EXPECT_TRUE(labelled);
}

TEST_F(EvalSuite, WritesMtebsFilesAndRefusesAChangedSet) {
  ASSERT_EQ(Eval({"--skip-missing", "--output", folder_ / "out", "--quiet"}).status, 0);
  const Json mteb = Json::ReadFile(folder_ / "out/mteb/STSBenchmark.json");
  EXPECT_GT(mteb.At("scores").At("test")[0].At("main_score").AsDouble(), 0.5);
  EXPECT_LE(mteb.At("scores").At("test")[0].At("main_score").AsDouble(), 1);

  const std::string test = suite_ + "/sts/STSBenchmark/test.tsv";
  std::string contents = ReadAll(test);
  contents[contents.size() - 3] ^= 1;
  std::ofstream(test, std::ios::binary) << contents;
  ExpectUserError(Eval({"--skip-missing"}), "sha256");
}

TEST(EvalSuiteOfRetrieval, RanksDocumentsWithTheQuerysIdIfAsked) {
  const TempFolder folder;
  std::string sets;
  const auto part = [&](const char* path, int rows, const std::string& contents) {
    folder.Write(std::string("suite/") + path, contents);
    return std::string(R"("path": ")") + path + R"(", "rows": )" + std::to_string(rows) +
           R"(, "sha256": ")" + Sha256Hex(contents) + "\"";
  };
  std::filesystem::create_directories(folder / "suite");
  sets = part("corpus.jsonl", 3,
              R"({"_id": "1", "title": "", "text": "green apples"}
{"_id": "2", "title": "", "text": "green apples here"}
{"_id": "3", "title": "", "text": "old bolts"}
)") + R"(, "queries": {)" +
         part("queries.jsonl", 1, "{\"_id\": \"1\", \"text\": \"green apples\"}\n") +
         R"(}, "qrels": {)" + part("qrels.tsv", 1, "query-id\tcorpus-id\tscore\n1\t2\t1\n") + "}";
  folder.Write("suite/suite.json",
               R"({"format": 1, "sets": [{"task": "retrieval", "name": "XQuAD", "subset": "en", )"
               R"("split": "all", "languages": ["en"], "scale": [0, 1], "origin": [], )" +
                   sets + R"(}], "absent": []})");
  std::vector<std::string> words = {"eval",      "--floor",        "word-overlap",   "--suite",
                                    "retrieval", "--suite-folder", folder / "suite", "--json"};
  const RunResult left_out = RunLacos(words);
  ASSERT_EQ(left_out.status, 0) << left_out.err;
  Json set = Json::Parse(left_out.out, "stdout").At("tasks")[0];
  EXPECT_EQ(set.At("ndcg_at_10").AsDouble(), 100);
  EXPECT_EQ(set.At("identical_ids").AsInt(), 1);
  EXPECT_FALSE(set.At("keeps_identical_ids").AsBool());
  words.emplace_back("--keep-identical-ids");
  set = Json::Parse(RunLacos(words).out, "stdout").At("tasks")[0];
  EXPECT_NEAR(set.At("ndcg_at_10").AsDouble(), 63.0929753571, 1e-6);
  EXPECT_TRUE(set.At("keeps_identical_ids").AsBool());
}

}  // namespace
}  // namespace lacos
