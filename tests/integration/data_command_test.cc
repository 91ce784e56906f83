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

}  // namespace
}  // namespace lacos
