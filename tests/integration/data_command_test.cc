// `lacos data`: suites that are made from raw files, the reports about them, and the
// errors of both commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "integration/program.h"
#include "lacos/io/json.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

class DataCommandTest : public ::testing::Test {
 protected:
  DataCommandTest() {
    fs::create_directories(folder_ / "raw/a");
    folder_.Write("raw/a/tatoeba.xyz-eng.xyz", "uno\ndos\n");
    folder_.Write("raw/a/tatoeba.xyz-eng.eng", "one\ntwo\n");
    folder_.Write("raw/STS.input.track9.xx-yy.txt", "a\tb\nc\td\n");
    folder_.Write("raw/STS.gs.track9.xx-yy.txt", "1\n\n");
  }
  RunResult Prepare(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"data",          "prepare", "--from",
                                          folder_ / "raw", "--to",    folder_ / "suite"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunLacos(arguments);
  }
  TempFolder folder_;
};

TEST_F(DataCommandTest, PreparesListsAndVerifies) {
  const RunResult made = Prepare({"--allow-incomplete", "--json"});
  ASSERT_EQ(made.status, 0) << made.err;
  const Json report = Json::Parse(made.out, "stdout");
  EXPECT_TRUE(report.At("written").AsBool());
  EXPECT_EQ(report.At("sets").size(), 2u);
  EXPECT_EQ(report.At("sets")[1].At("rows").AsInt(), 1);
  EXPECT_EQ(report.At("notes")[0].At("count").AsInt(), 1) << "the ungraded pair";
  EXPECT_GT(report.At("absent").size(), 100u);
  EXPECT_EQ(ReadAll(folder_ / "suite/bitext/tatoeba/xyz-eng.tsv"),
            "sentence1\tsentence2\nuno\tone\ndos\ttwo\n");

  const RunResult listed = RunLacos({"data", "list", folder_ / "suite"});
  EXPECT_EQ(listed.status, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("Tatoeba"));
  EXPECT_EQ(RunLacos({"verify", folder_ / "suite"}).status, 0);

  std::ofstream(folder_ / "suite/bitext/tatoeba/xyz-eng.tsv", std::ios::app) << "tres\tthree\n";
  const RunResult changed = RunLacos({"data", "list", folder_ / "suite"});
  EXPECT_EQ(changed.status, 1);
  EXPECT_THAT(changed.out, HasSubstr("bitext/tatoeba/xyz-eng.tsv: found sha256"));
  EXPECT_THAT(changed.err, HasSubstr("1 of its files is not as suite.json says"));
}

TEST_F(DataCommandTest, AbsentSetsAreListedAndLeaveNothingBehind) {
  const RunResult result = Prepare({"--only", "sts,bitext"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("absent"));
  EXPECT_THAT(result.err, HasSubstr("SICK-R"));
  EXPECT_THAT(result.err, HasSubstr("--allow-incomplete"));
  EXPECT_THAT(result.err, Not(HasSubstr("XQuAD")));
  EXPECT_EQ(folder_.Names(), (std::vector<std::string>{"raw"}));
}

TEST_F(DataCommandTest, WrongInputIsOneLine) {
  folder_.Write("raw/custrev.all", "0 bad\n");
  ExpectUserError(Prepare({"--allow-incomplete"}), "gives 1 rows of CR; expected 3775");
  EXPECT_EQ(folder_.Names(), (std::vector<std::string>{"raw"}));
  ExpectUsageError(Prepare({"--only", "sts,sport"}), "--only");
  ExpectUserError(RunLacos({"data", "list", folder_ / "raw"}), "has no suite.json");
  ExpectUsageError(RunLacos({"data", "prepare", "--to", "x"}), "--from");
}

TEST(DataInspect, SaysHowAFileWouldBeRead) {
  const TempFolder folder;
  const std::string input = folder.Write(
      "nli.csv",
      "id,premise,hypothesis,label\n1,a b,c d,0.0\n2,a b,e f,2.0\n3,g h,i j,0.0\n4,k l,m n,\n5,a b,c d,0\n");
  const RunResult result = RunLacos({"data", "inspect", input, "--json", "--model", TinyModel()});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json report = Json::Parse(result.out, "stdout");
  EXPECT_EQ(report.At("form").AsString(), "pairs of texts with NLI labels");
  EXPECT_EQ(report.At("rows").AsInt(), 5);
  EXPECT_EQ(report.At("examples").AsInt(), 3);
  EXPECT_EQ(report.At("repeated_examples").AsInt(), 1);
  EXPECT_EQ(report.At("labels").Dump(), R"({"": 1, "0": 1, "0.0": 2, "2.0": 1})");
  EXPECT_EQ(report.At("dropped").Dump(),
            R"({"with another label than entailment": 1, "without a gold label": 1})");
  EXPECT_EQ(report.At("columns")[0].Dump(), R"({"name": "id", "role": "not used"})");
  EXPECT_EQ(report.At("columns")[3].Dump(), R"({"name": "label", "role": "label"})");
  EXPECT_EQ(report.At("characters").Dump(), R"({"median": 3, "p95": 3, "max": 3})");
  EXPECT_GT(report.At("tokens").At("max").AsInt(), 0);
  EXPECT_EQ(report.At("first_examples").size(), 3u);
  EXPECT_THAT(report.At("train").AsString(), HasSubstr("--train " + input + " --hard-negatives"));

  const RunResult text = RunLacos({"data", "inspect", input});
  EXPECT_EQ(text.status, 0) << text.err;
  for (const char* part : {"by their names", "not used", "'2.0' 1", "nli.csv:2", "lacos train"})
    EXPECT_THAT(text.out, HasSubstr(part));
}

TEST(DataInspect, NamesDecideWhateverTheirCase) {
  const TempFolder folder;
  for (const char* name : {"TEXTS.TXT", "texts.txt", "Texts.Txt"}) {
    const RunResult result =
        RunLacos({"data", "inspect", folder.Write(name, "one, two\nthree, four\n"), "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(Json::Parse(result.out, "stdout").At("form").AsString(), "texts") << name;
  }
  const RunResult table =
      RunLacos({"data", "inspect", folder.Write("PAIRS.CSV", "anchor,positive\na,b\n"), "--json"});
  ASSERT_EQ(table.status, 0) << table.err;
  EXPECT_EQ(Json::Parse(table.out, "stdout").At("columns").size(), 2u);
}

TEST(DataInspect, CountsTokensAsTheFilesBesideTokenizerJsonSay) {
  const TempFolder folder;
  std::filesystem::copy(TinyModel(), folder / "model");
  const std::string input = folder.Write("texts.txt", "abcdef\n");
  const auto tokens = [&] {
    const RunResult result =
        RunLacos({"data", "inspect", input, "--model", folder / "model", "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::Parse(result.out, "stdout").At("tokens").At("max").AsInt();
  };
  EXPECT_EQ(tokens(), 6) << "a token for each letter";
  folder.Write("model/added_tokens.json", R"({"abc": 260})");
  EXPECT_EQ(tokens(), 4) << "one for the added token";
}

TEST(DataInspect, NamesFilesThatAreNoText) {
  ExpectUserError(RunLacos({"data", "inspect", TinyModel() + "/model.safetensors"}),
                  "/model.safetensors] is a safetensors file; expected text");
  const TempFolder folder;
  ExpectUserError(
      RunLacos({"data", "inspect", folder.Write("m.txt", std::string("GGUF\3\0\0\0\1", 9))}),
      "is a GGUF model");
  ExpectUserError(
      RunLacos({"data", "inspect", folder.Write("b.jsonl", "{\"text\": \"a\"}\n{\"text\":\n")}),
      "/b.jsonl:2] byte 9 (text): syntax error");
}

TEST(DataInspect, ReadsStdinAndShowsWhatIsOpen) {
  const RunResult result =
      RunLacos({"data", "inspect", "-", "--json"},
               {.input = "{\"sentence1\": \"a b\", \"sentence2\": \"c d\", \"label\": 1}\n"
                         "{\"sentence1\": \"a b\", \"sentence2\": \"e f\", \"label\": 0}\n"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json report = Json::Parse(result.out, "stdout");
  EXPECT_TRUE(report.At("labels_are_open").AsBool());
  EXPECT_EQ(report.At("examples").AsInt(), 0);
  EXPECT_THAT(report.At("train").AsString(), HasSubstr("--label-scheme SCHEME"));
  ExpectUserError(RunLacos({"data", "inspect", "-"}, {.input = "a\tb\n1\t2\n"}),
                  "has the columns (a, b)");
}

}  // namespace
}  // namespace lacos
