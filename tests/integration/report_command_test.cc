// report.html, which training writes at checkpoints and at its end, and which `lacos report` makes
// again from any state of a run.
#include <gmock/gmock.h>

#include <filesystem>

#include "lacos/io/json.h"

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
      data, output,
      {"--dev", folder.Write("dev.tsv", dev), "--eval-every", "2", "--threads", "1"}));
  ASSERT_EQ(trained.status, 0) << trained.err;
  const std::string html = ReadAll(output + "/report.html");
  for (const char* id : {"result", "curves", "settings", "data", "machine", "loss", "dev",
                         "accuracy", "learning_rate", "gradient_norm", "throughput", "memory"}) {
    EXPECT_THAT(html, HasSubstr("id=\"" + std::string(id) + "\""));
  }
  EXPECT_THAT(html, HasSubstr("Finished after 8 of 8 steps."));
  EXPECT_THAT(html, HasSubstr("32 with another label than entailment"));
  EXPECT_THAT(html, HasSubstr("a &lt;script&gt; &amp; b/nli.tsv"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\" class=\"name-cell\">first</th>"));
  EXPECT_THAT(html, HasSubstr("<tr class=\"strong\"><th scope=\"row\" class=\"name-cell\">best"));

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
      RunLacos(TrainArguments(data, output, {"--save-every", "3", "--keep", "9", "--threads", "1"}))
          .status,
      0);
  Unfinish(output);
  const std::string metrics = ReadAll(output + "/metrics.jsonl");
  size_t at = 0;
  for (int i = 0; i < 5; ++i) at = metrics.find('\n', at) + 1;
  folder.Write("out/metrics.jsonl", metrics.substr(0, at + 20));
  ASSERT_EQ(RunLacos({"report", output}).status, 0);
  EXPECT_THAT(ReadAll(output + "/report.html"),
              HasSubstr("At step 5 of 8: still running, or stopped"));
  fs::remove(output + "/metrics.jsonl");
  ASSERT_EQ(RunLacos({"report", output}).status, 0);
  EXPECT_THAT(ReadAll(output + "/report.html"), HasSubstr("Nothing to show yet."));

  // The page of a resumed run includes its earlier sessions.
  folder.Write("out/metrics.jsonl", metrics);
  const RunResult resumed = RunLacos(TrainArguments(
      data, output, {"--save-every", "3", "--keep", "9", "--threads", "1", "--resume"}));
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(ReadAll(output + "/report.html"), HasSubstr("Finished after 8 of 8 steps."));
  EXPECT_EQ(Metrics(output).size(), 8u);
}

TEST(ReportCommand, NumbersThatNoRunWritesAreShownOrPassedOver) {
  const TempFolder folder;
  fs::create_directories(folder / "run");
  folder.Write("run/run.json",
               R"({"command": "train", "settings": {"total_steps": 9}, "arguments": []})");
  folder.Write(
      "run/metrics.jsonl",
      R"({"step": 1, "loss": 1, "tokens": 1e300, "tokens_per_second": 1, "texts": 1e300, "truncated": -1e300})"
      "\n"
      R"({"step": 2, "loss": 1.0000000000000002})"
      "\n"
      R"({"step": 1e300, "dev_spearman": 1})"
      "\n");
  const RunResult report = RunLacos({"report", folder / "run"});
  ASSERT_EQ(report.status, 0) << report.err;
  const std::string html = ReadAll(folder / "run/report.html");
  EXPECT_THAT(html, HasSubstr("At step 2 of 9"));
  EXPECT_THAT(html, HasSubstr("1e+300"));
  EXPECT_THAT(html, HasSubstr("No dev set was scored"));
  folder.Write("run/run.json",
               R"({"settings": {"total_steps": 9}, "data": {"train": [], "dev": {"path": "d",
      "rows": 9223372036854775807, "pairs": -9223372036854775808}}})");
  ExpectUserError(RunLacos({"report", folder / "run"}), "expected a count");
}

TEST(ReportCommand, AccuracyOfASoftmaxRunIsThatOfAClassifierInTrainAndInSweeps) {
  const TempFolder folder;
  fs::create_directories(folder / "run");
  folder.Write("run/metrics.jsonl", R"({"step": 1, "loss": 1, "accuracy": 0.5})"
                                    "\n");
  const auto page = [&](const std::string& setting) {
    folder.Write("run/run.json", R"({"settings": {)" + setting + R"(, "total_steps": 9}})");
    const RunResult report = RunLacos({"report", folder / "run"});
    EXPECT_EQ(report.status, 0) << report.err;
    return ReadAll(folder / "run/report.html");
  };
  const std::string classified = "classified right, % of pairs", ranks = "positive ranks first";
  // `lacos train` records the loss as "objective", a sweep's cell records it as "loss".
  for (const char* key : {"objective", "loss"}) {
    const std::string softmax = page("\"" + std::string(key) + R"(": "softmax")");
    EXPECT_THAT(softmax, HasSubstr(classified)) << key;
    EXPECT_THAT(softmax, Not(HasSubstr(ranks))) << key;
    EXPECT_THAT(page("\"" + std::string(key) + R"(": "mnr")"), HasSubstr(ranks)) << key;
  }
}

TEST(ReportCommand, OtherFoldersAreRefused) {
  const TempFolder folder;
  ExpectUserError(RunLacos({"report", folder.path()}), "run.json");
  ExpectUserError(RunLacos({"report", TinyModel()}), "no record of a training run");
  folder.Write("run.json", R"({"settings": {"total_steps": "many"}, "command": "train"})");
  ExpectUserError(RunLacos({"report", folder.path()}), "total_steps");
  EXPECT_FALSE(fs::exists(folder / "report.html"));
}

TEST(ReportCommand, SeveralEvaluationsMakeOnePage) {
  const TempFolder folder;
  std::string pairs = "sentence1\tsentence2\tscore\n";
  for (int i = 0; i < 30; ++i)
    pairs += Sentence(i) + "\t" + Sentence(i * 7) + "\t" + std::to_string(i % 5) + "\n";
  const std::string data = folder.Write("pairs.tsv", pairs);
  const auto eval = [&](const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> words = {"eval", "--data", data, "--output", folder / name, "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    const RunResult result = RunLacos(words);
    EXPECT_EQ(result.status, 0) << result.err;
  };
  eval("model", {"--model", TinyModel()});
  eval("short", {"--model", TinyModel(), "--max-length", "3"});
  eval("words", {"--floor", "word-overlap"});
  const std::vector<std::string> folders = {folder / "model", folder / "short", folder / "words"};
  std::vector<std::string> words = {"report"};
  words.insert(words.end(), folders.begin(), folders.end());
  ExpectUsageError(RunLacos(words), "--output");
  words.insert(words.end(), {"--output", folder / "page"});
  const RunResult result = RunLacos(words);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(CountLines(result.out), 4u) << result.out;
  EXPECT_THAT(ReadAll(folder / "page/report.html"), HasSubstr("id=\"time-0\""));
  EXPECT_EQ(RunLacos({"verify", folder / "page"}).status, 0);
  const Json json = Json::ReadFile(folder / "page/systems.json");
  EXPECT_EQ(json.At("systems")[0].At("name").AsString(), "model");
  EXPECT_GT(json.At("systems")[0].At("ms_per_text").AsDouble(), 0);
  EXPECT_TRUE(json.At("systems")[2].At("parameters").IsNull()) << "counting words has none";

  ExpectUserError(RunLacos(words), "--overwrite");
  ExpectUserError(RunLacos({"report", folders[0], folder.path(), "--output", folder / "other"}),
                  "results.json");
}

}  // namespace
}  // namespace lacos
