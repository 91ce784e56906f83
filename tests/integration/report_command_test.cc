// report.html: written by train at checkpoints and at the end, made anew by `lacos report`, from any state of
// a run.
#include <gmock/gmock.h>

#include <filesystem>

#include "training_runs.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::Not;

TEST(ReportCommand, TrainWritesThePageAndReportMakesTheSameBytes) {
  const TempFolder folder;
  fs::create_directories(folder / "a <script> & b");
  const std::string data = folder.Write("a <script> & b/nli.tsv", NliTable());
  std::string dev = "sentence1\tsentence2\tscore\n";
  for (int i = 0; i < 12; ++i)
    dev += Sentence(i) + "\t" + Sentence(i * 7) + "\t" + std::to_string(i % 5) + "\n";
  const std::string output = folder / "out";
  const RunResult trained = RunLacos(TrainArguments(
      data, output, {"--dev", folder.Write("dev.tsv", dev), "--eval-every", "2", "--threads", "1"}));
  ASSERT_EQ(trained.status, 0) << trained.err;
  const std::string html = ReadAll(output + "/report.html");
  for (const char* id : {"result", "curves", "settings", "data", "machine", "loss", "dev", "accuracy",
                         "learning_rate", "gradient_norm", "throughput", "memory"}) {
    EXPECT_THAT(html, HasSubstr("id=\"" + std::string(id) + "\""));
  }
  EXPECT_THAT(html, HasSubstr("Finished after 8 of 8 steps."));
  EXPECT_THAT(html, HasSubstr("32 with another label than entailment"));
  EXPECT_THAT(html, HasSubstr("a &lt;script&gt; &amp; b/nli.tsv"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">first</th>"));
  EXPECT_THAT(html, HasSubstr("<tr class=\"strong\"><th scope=\"row\">best</th>"));

  fs::remove(output + "/report.html");
  const RunResult report = RunLacos({"report", output});
  ASSERT_EQ(report.status, 0) << report.err;
  EXPECT_EQ(report.out, output + "/report.html\n");
  EXPECT_EQ(ReadAll(output + "/report.html"), html);
  EXPECT_EQ(RunLacos({"verify", output}).status, 0);
}

TEST(ReportCommand, ADeadRunAndACutLineAreShownAsFarAsTheyGo) {
  const TempFolder folder;
  const std::string data = folder.Write("nli.tsv", NliTable()), output = folder / "out";
  ASSERT_EQ(
      RunLacos(TrainArguments(data, output, {"--save-every", "3", "--keep", "9", "--threads", "1"})).status,
      0);
  Unfinish(output);
  const std::string metrics = ReadAll(output + "/metrics.jsonl");
  size_t at = 0;
  for (int i = 0; i < 5; ++i) at = metrics.find('\n', at) + 1;
  folder.Write("out/metrics.jsonl", metrics.substr(0, at + 20));
  ASSERT_EQ(RunLacos({"report", output}).status, 0);
  EXPECT_THAT(ReadAll(output + "/report.html"), HasSubstr("At step 5 of 8: still running, or stopped"));
  fs::remove(output + "/metrics.jsonl");
  ASSERT_EQ(RunLacos({"report", output}).status, 0);
  EXPECT_THAT(ReadAll(output + "/report.html"), HasSubstr("Nothing to show yet."));

  // A run that is resumed shows what its earlier session did, too.
  folder.Write("out/metrics.jsonl", metrics);
  const RunResult resumed = RunLacos(
      TrainArguments(data, output, {"--save-every", "3", "--keep", "9", "--threads", "1", "--resume"}));
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(ReadAll(output + "/report.html"), HasSubstr("Finished after 8 of 8 steps."));
  EXPECT_EQ(Metrics(output).size(), 8u);
}

TEST(ReportCommand, OtherFoldersAreRefused) {
  const TempFolder folder;
  ExpectUserError(RunLacos({"report", folder.path()}), "run.json");
  ExpectUserError(RunLacos({"report", TinyModel()}), "no record of a training run");
  folder.Write("run.json", R"({"settings": {"total_steps": "many"}, "command": "train"})");
  ExpectUserError(RunLacos({"report", folder.path()}), "total_steps");
  EXPECT_FALSE(fs::exists(folder / "report.html"));
}

}  // namespace
}  // namespace lacos
