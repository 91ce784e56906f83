// `lacos train --dev`: which adapter is exported, how it is reported, and how
// undefined scores are treated.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "training_runs.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

std::string DevTable(bool constant) {
  std::string dev = "sentence1\tsentence2\tscore\n";
  for (int i = 0; i < 12; ++i) {
    dev +=
        Sentence(i) + "\t" + Sentence(i * 7) + "\t" + std::to_string(constant ? 3 : i % 5) + "\n";
  }
  return dev;
}

class DevSelection : public testing::Test {
 protected:
  DevSelection() : data_(folder_.Write("nli.tsv", NliTable())) {}

  Json Train(const std::string& name, const std::string& dev,
             const std::vector<std::string>& more) {
    std::vector<std::string> arguments =
        TrainArguments(data_, folder_ / name, {"--dev", dev, "--json", "--threads", "1"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    const RunResult result = RunLacos(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    err_ = result.err;
    return result.status == 0 ? Json::Parse(result.out, "stdout") : Json::Object();
  }
  std::vector<Json> Scores(const std::string& name) const {
    std::vector<Json> scores;
    for (const Json& line : Metrics(folder_ / name)) {
      if (line.Has("dev_spearman")) scores.push_back(line);
    }
    return scores;
  }

  TempFolder folder_;
  std::string data_, err_;
};

TEST_F(DevSelection, FirstBestAndLastAreReportedAndTheBestIsTheResult) {
  const std::string dev = folder_.Write("dev.tsv", DevTable(false));
  const Json report = Train("out", dev, {"--eval-every", "2", "--save-every", "2", "--keep", "99"});
  const std::vector<Json> scores = Scores("out");
  ASSERT_EQ(scores.size(), 5u) << "before, and after 2, 4, 6 and 8 steps";
  const auto best =
      std::max_element(scores.begin(), scores.end(), [](const Json& a, const Json& b) {
        return a.At("dev_spearman").AsDouble() < b.At("dev_spearman").AsDouble();
      });
  const auto expect = [&](const char* name, const Json& line) {
    EXPECT_EQ(report.At(name).At("step").AsInt(), line.At("step").AsInt()) << name;
    EXPECT_EQ(report.At(name).At("spearman").AsDouble(), line.At("dev_spearman").AsDouble())
        << name;
    EXPECT_EQ(report.At(name).At("pearson").AsDouble(), line.At("dev_pearson").AsDouble()) << name;
  };
  expect("first", scores.front());
  expect("best", *best);
  expect("last", scores.back());
  const int64_t step = best->At("step").AsInt();
  if (step > 0) {
    EXPECT_EQ(Adapter(folder_ / "out"),
              Adapter(folder_ / ("out/checkpoints/step-00000" + std::to_string(step))));
  }
  const std::string card = ReadAll(folder_ / "out/README.md");
  EXPECT_NE(card.find("| steps | " + std::to_string(step) + " of 8, the best on the dev set |"),
            std::string::npos)
      << card;
  // `lacos eval` gives the exported folder the score that the run reported for its best step.
  const RunResult eval = RunLacos(
      {"eval", "--model", folder_ / "out", "--task", "sts", "--data", dev, "--json", "--quiet"});
  ASSERT_EQ(eval.status, 0) << eval.err;
  EXPECT_NEAR(Json::Parse(eval.out, "eval").At("tasks")[0].At("spearman").AsDouble(),
              best->At("dev_spearman").AsDouble(), 1e-9);
}

TEST_F(DevSelection, UndefinedScoresNeitherChooseNorBreakTheRun) {
  const std::string dev = folder_.Write("dev.tsv", DevTable(true));
  const std::vector<std::string> every = {"--eval-every", "1", "--save-every", "3", "--keep", "9"};
  const Json report = Train("out", dev, every);
  for (const char* name : {"first", "best", "last"}) {
    EXPECT_TRUE(report.At(name).At("spearman").IsNull()) << name;
  }
  EXPECT_NE(err_.find("no dev score is defined"), std::string::npos) << err_;
  for (const Json& line : Scores("out")) EXPECT_FALSE(line.At("best").AsBool());
  const std::string expected = Adapter(folder_ / "out");
  ASSERT_EQ(RunLacos(TrainArguments(data_, folder_ / "plain", {})).status, 0);
  EXPECT_EQ(Adapter(folder_ / "plain"), expected) << "the last step's";

  Unfinish(folder_ / "out");
  std::vector<std::string> resume = every;
  resume.push_back("--resume");
  Train("out", dev, resume);
  EXPECT_EQ(Adapter(folder_ / "out"), expected);
  EXPECT_EQ(Scores("out").size(), 9u);
}

TEST_F(DevSelection, PatienceEndsTheRunAlsoWhereItIsResumedFromItsLastStep) {
  const std::string dev = folder_.Write("dev.tsv", DevTable(true));
  std::vector<std::string> every = {"--eval-every", "1", "--patience", "3",
                                    "--save-every", "1", "--keep",     "9"};
  // Undefined scores do not count as an improvement.
  EXPECT_EQ(Train("out", dev, every).At("steps").AsInt(), 3);
  EXPECT_EQ(Scores("out").size(), 4u);
  const std::string expected = Adapter(folder_ / "out");

  Unfinish(folder_ / "out");
  every.push_back("--resume");
  EXPECT_EQ(Train("out", dev, every).At("steps").AsInt(), 3);
  EXPECT_EQ(Adapter(folder_ / "out"), expected);
}

}  // namespace
}  // namespace lacos
