// `lacos cluster` and `lacos similarity --all-pairs`: inputs, outputs and refusals.
#include <gmock/gmock.h>

#include <cstring>
#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/io/npy.h"
#include "program.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;

// Two groups of texts, whose members are the same up to a digit, and a text that is alone.
std::string GroupedTexts() {
  std::string texts;
  for (int i = 0; i < 8; ++i) {
    texts += i % 2 == 0 ? "how do I get a refund for my order number 10" : "zzzz qqqq xxxx wwww 77";
    texts += std::to_string(i / 2) + "\n";
  }
  return texts + "something else entirely: 5, 4, 3, 2, 1!\n";
}

Json RunJson(std::vector<std::string> words) {
  words.emplace_back("--json");
  const RunResult result = RunLacos(words);
  EXPECT_EQ(result.status, 0) << result.err;
  return Json::Parse(result.out, "stdout");
}

std::string Embedded(const TempFolder& folder, const std::string& input, const std::string& name) {
  const RunResult result = RunLacos(
      {"embed", "--model", TinyModel(), "--input", input, "--output", folder / name, "--quiet"});
  EXPECT_EQ(result.status, 0) << result.err;
  return folder / name;
}

TEST(ClusterCommand, EveryFormOfInputGivesTheSameClusters) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", GroupedTexts());
  const Json expected =
      RunJson({"cluster", "--model", TinyModel(), "--input", input, "--clusters", "3"});
  EXPECT_EQ(expected.At("labels").size(), 9u);
  EXPECT_EQ(expected.At("clusters").size(), 3u);
  std::string rows = "id\ttext\n";
  std::string line;
  for (const char c : GroupedTexts()) {
    if (c != '\n') {
      line += c;
      continue;
    }
    rows += "x\t" + line + "\n";
    line.clear();
  }
  const std::string table = folder.Write("texts.tsv", rows);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--model", TinyModel(), "--input", table},
           {"--embeddings", Embedded(folder, input, "v.npy")},
           {"--embeddings", Embedded(folder, input, "v.jsonl"), "--input", input}}) {
    std::vector<std::string> command = {"cluster", "--clusters", "3"};
    command.insert(command.end(), words.begin(), words.end());
    const Json found = RunJson(command);
    EXPECT_EQ(found.At("labels").Dump(), expected.At("labels").Dump());
    EXPECT_EQ(found.At("inertia").AsDouble(), expected.At("inertia").AsDouble());
  }
}

TEST(ClusterCommand, TheOutputHasEveryLabelAndCentre) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", GroupedTexts());
  const std::vector<std::string> command = {"cluster", "--model",  TinyModel(),
                                            "--input", input,      "--clusters",
                                            "3",       "--output", folder / "out"};
  const Json report = RunJson(command);
  EXPECT_EQ(ReadNpy(folder / "out/centres.npy").shape, (std::vector<int64_t>{3, 32}));
  const std::string labels = ReadAll(folder / "out/labels.jsonl");
  EXPECT_EQ(CountLines(labels), 9u);
  EXPECT_THAT(labels, HasSubstr("\"line\": 9"));
  EXPECT_THAT(labels, HasSubstr("something else entirely"));
  EXPECT_EQ(Json::ReadFile(folder / "out/clusters.json").At("clusters").Dump(),
            report.At("clusters").Dump());
  EXPECT_EQ(RunLacos({"verify", folder / "out"}).status, 0);
  ExpectUserError(RunLacos(command), "out");
  std::vector<std::string> again = command;
  again.emplace_back("--overwrite");
  EXPECT_EQ(RunJson(again).At("labels").Dump(), report.At("labels").Dump());
  // The centres of a run are first centres at which nothing changes any more.
  const Json settled = RunJson({"cluster", "--model", TinyModel(), "--input", input, "--clusters",
                                "3", "--initial-centres", folder / "out/centres.npy"});
  EXPECT_EQ(settled.At("labels").Dump(), report.At("labels").Dump());
  EXPECT_LE(settled.At("iterations").AsInt(), 2);
}

TEST(ClusterCommand, AThresholdLeavesOtherTextsAlone) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", GroupedTexts());
  const std::vector<std::string> command = {"cluster", "--model",     TinyModel(),   "--input",
                                            input,     "--threshold", "0.9999",      "--min-size",
                                            "2",       "--output",    folder / "out"};
  const Json report = RunJson(command);
  EXPECT_EQ(report.At("method").AsString(), "threshold");
  int64_t clustered = 0;
  report.At("clusters").ForEachElement([&](const Json& cluster) {
    EXPECT_GE(cluster.At("size").AsInt(), 2);
    clustered += cluster.At("size").AsInt();
  });
  EXPECT_EQ(clustered + report.At("unclustered").AsInt(), 9);
  EXPECT_EQ(ReadNpy(folder / "out/centres.npy").shape[0],
            static_cast<int64_t>(report.At("clusters").size()));
}

TEST(ClusterCommand, WrongUseIsRefused) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", GroupedTexts());
  const std::string vectors = Embedded(folder, input, "v.npy");
  const std::vector<std::string> model = {"cluster", "--model", TinyModel(), "--input", input};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), model.begin(), model.end());
    return RunLacos(more);
  };
  ExpectUsageError(with({}), "--clusters");
  ExpectUsageError(with({"--clusters", "3", "--threshold", "0.9"}), "--threshold");
  ExpectUsageError(with({"--clusters", "0"}), "--clusters");
  ExpectUsageError(with({"--clusters", "3", "--min-size", "2"}), "--threshold");
  ExpectUsageError(with({"--clusters", "3", "--embeddings", vectors}), "--embeddings");
  ExpectUsageError(RunLacos({"cluster", "--clusters", "3"}), "--model");
  ExpectUsageError(RunLacos({"cluster", "--model", TinyModel(), "--clusters", "3"}), "--input");
  ExpectUserError(with({"--clusters", "10"}), "found 9 texts for 10 clusters");
  ExpectUserError(with({"--clusters", "3", "--initial-centres", vectors}),
                  "holds 9 centres of 32 values; expected 3 of 32");
  const std::string fewer = folder.Write("fewer.txt", "one\ntwo\n");
  ExpectUserError(
      RunLacos({"cluster", "--embeddings", vectors, "--input", fewer, "--clusters", "2"}),
      "has 9 rows; expected 2");
  ExpectUserError(RunLacos({"cluster", "--model", TinyModel(), "--input",
                            folder.Write("empty.txt", ""), "--clusters", "2"}),
                  "has no texts");
}

TEST(AllPairs, AreShownOnceTheMostAlikeFirst) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "far away\nneedle\nhay\nneedle\nstraw\n");
  const std::vector<std::string> command = {"similarity", "--model", TinyModel(),
                                            "--input",    input,     "--all-pairs"};
  const Json all = RunJson(command);
  EXPECT_EQ(all.At("found").AsInt(), 10);
  const Json pairs = all.At("pairs");
  ASSERT_EQ(pairs.size(), 10u);
  EXPECT_EQ(pairs[0].At("line1").AsInt(), 2);
  EXPECT_EQ(pairs[0].At("line2").AsInt(), 4);
  EXPECT_EQ(pairs[0].At("sentence2").AsString(), "needle");
  for (size_t i = 1; i < pairs.size(); ++i)
    EXPECT_LE(pairs[i].At("cosine").AsDouble(), pairs[i - 1].At("cosine").AsDouble());

  std::vector<std::string> equal = command;
  equal.insert(equal.end(), {"--threshold", "1"});
  EXPECT_EQ(RunLacos(equal).out, "1.000000\t2\t4\tneedle\tneedle\n");
  std::vector<std::string> few = command;
  few.insert(few.end(), {"--max-pairs", "3"});
  const RunResult limited = RunLacos(few);
  EXPECT_EQ(CountLines(limited.out), 3u);
  EXPECT_THAT(limited.err, HasSubstr("10 pairs were found, and the 3 most similar ones"));
  const RunResult stored = RunLacos({"similarity", "--embeddings", Embedded(folder, input, "v.npy"),
                                     "--all-pairs", "--threshold", "1"});
  EXPECT_EQ(stored.out, "1.000000\t2\t4\n");
  std::vector<std::string> nearest = command;
  nearest.insert(nearest.end(), {"--top-k", "1"});
  EXPECT_LT(RunJson(nearest).At("found").AsInt(), 6);
}

TEST(AllPairs, WrongUseIsRefused) {
  const std::vector<std::string> command = {"similarity", "--model", "x", "--input", "y"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), command.begin(), command.end());
    return RunLacos(more);
  };
  ExpectUsageError(with({"--threshold", "0.9"}), "--all-pairs");
  ExpectUsageError(with({"--all-pairs", "--query", "a"}), "--query");
  ExpectUsageError(with({"--all-pairs", "--threshold", "high"}), "--threshold");
  ExpectUsageError(with({"--field", "text"}), "--all-pairs");
  ExpectUsageError(RunLacos({"similarity", "--embeddings", "v.npy"}), "--all-pairs");
}

}  // namespace
}  // namespace lacos
