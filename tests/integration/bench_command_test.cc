// `lacos bench`: every kind of benchmark gives the figures that docs/reference/json.md names, needs
// no data and leaves no file.

#include "lacos/io/json.h"
#include "lacos/train/losses/loss_kind.h"
#include "program.h"

namespace lacos {
namespace {

Json Bench(std::vector<std::string> words) {
  words.insert(words.begin(), "bench");
  words.insert(words.end(), {"--json", "--quiet"});
  const RunResult result = RunLacos(words);
  EXPECT_EQ(result.status, 0) << result.err;
  return Json::Parse(result.out, "stdout");
}

void ExpectMeasured(const Json& json) {
  EXPECT_GT(json.At("tokens_per_second").AsDouble(), 0);
  EXPECT_GT(json.At("peak_rss_bytes").AsInt(), 0);
  EXPECT_GE(json.At("peak_rss_bytes").AsInt(), json.At("rss_anon_bytes").AsInt());
  EXPECT_FALSE(json.At("machine").At("isa").AsString().empty());
}

// Expects share = FLOP per token * tokens per second / ceiling for the tiny model, which has 2
// layers of width 32.
void ExpectShare(const Json& json, double flops_per_weight) {
  const double flops =
      flops_per_weight * 12 * 2 * 32 * 32 * json.At("tokens_per_second").AsDouble();
  const double ceiling = json.At("ceiling").At("gflops").AsDouble() * 1e9;
  ASSERT_GT(ceiling, 0);
  EXPECT_NEAR(json.At("ceiling_share").AsDouble(), flops / ceiling, 1e-9 * flops / ceiling);
  EXPECT_GT(json.At("ceiling").At("gbytes_per_second").AsDouble(), 0);
}

class BenchTrainLosses : public testing::TestWithParam<std::string> {};

TEST_P(BenchTrainLosses, RunsStepsOnGeneratedTextsOfEveryObjective) {
  const Json json = Bench({"train", "--model", TinyModel(), "--steps", "2", "--batch-size", "8",
                           "--loss", GetParam(), "--compute", "f32"});
  ExpectMeasured(json);
  ExpectShare(json, 4);
  EXPECT_EQ(json.At("steps").AsInt(), 2);
  EXPECT_GT(json.At("fastest_step_seconds").AsDouble(), 0);
  EXPECT_LE(2 * json.At("fastest_step_seconds").AsDouble(),
            json.At("seconds").AsDouble() * (1 + 1e-9));
}
INSTANTIATE_TEST_SUITE_P(Losses, BenchTrainLosses, testing::ValuesIn(WordsOf<LossKind>()),
                         [](const auto& info) { return info.param; });

TEST(BenchTrain, TakesDataOfItsOwnAndRepeatsWhatIsTooShort) {
  const TempFolder folder;
  const std::string pairs =
      folder.Write("pairs.tsv", "sentence1\tsentence2\na dog\tan animal\nthe sea\twater\n");
  const Json json = Bench({"train", "--model", TinyModel(), "--train", pairs, "--steps", "3"});
  EXPECT_EQ(json.At("tokens").AsInt(), 3 * (5 + 9 + 7 + 5)) << "a token is a byte";
  EXPECT_EQ(folder.Names(), std::vector<std::string>{"pairs.tsv"});
}

// The disk's figures depend on the machine, since reading from a folder in memory needs no disk.
// They are either null or greater than 0.
TEST(BenchCommand, AColdRunReportsTheDiskBesideComputing) {
  for (const std::string command : {"train", "embed"}) {
    std::vector<std::string> words = {command, "--model", TinyModel(), "--stream-layers", "--cold"};
    if (command == "train") words.insert(words.end(), {"--steps", "1", "--batch-size", "8"});
    const Json json = Bench(words);
    EXPECT_GT(json.At("step_seconds").AsDouble(), 0);
    EXPECT_GT(json.At("compute_seconds").AsDouble(), 0);
    EXPECT_GE(json.At("disk_bytes_per_step").AsInt(), 0);
    if (!json.At("disk_read_bytes_per_second").IsNull()) {
      EXPECT_GT(json.At("read_seconds").AsDouble(), 0);
      EXPECT_GT(json.At("cold_ratio").AsDouble(), 0);
    }
  }
  ExpectUsageError(RunLacos({"bench", "train", "--model", TinyModel(), "--cold"}),
                   "--stream-layers");
}

TEST(BenchEmbed, EncodesGeneratedTextsOrTheFirstOnesOfAFile) {
  const Json generated = Bench({"embed", "--model", TinyModel(), "--texts", "8"});
  ExpectMeasured(generated);
  ExpectShare(generated, 2);
  EXPECT_EQ(generated.At("texts").AsInt(), 8);
  const TempFolder folder;
  const Json own = Bench({"embed", "--model", TinyModel(), "--input",
                          folder.Write("t.txt", "abc\nde\nf\n"), "--texts", "2"});
  EXPECT_EQ(own.At("tokens").AsInt(), 5);
}

// Expects that no part is negative and that the parts sum to the measured time. The terms of the
// sum were rounded when they were written; 1e-9 is far above that error and far below a part.
Json ExpectBreakdown(const Json& json) {
  Json breakdown = json.At("breakdown");
  const double total = breakdown.At("seconds").AsDouble();
  EXPECT_EQ(total, json.At("seconds").AsDouble());
  double seconds = 0, share = 0;
  breakdown.At("parts").ForEachElement([&](const Json& part) {
    EXPECT_GE(part.At("seconds").AsDouble(), 0) << part.At("part").AsString();
    seconds += part.At("seconds").AsDouble();
    share += part.At("share").AsDouble();
  });
  EXPECT_NEAR(seconds, total, 1e-9 * total);
  EXPECT_NEAR(share, 1, 1e-9);
  return breakdown;
}

TEST(BenchTrain, BreaksTheTimeOfItsStepsDown) {
  const Json json =
      Bench({"train", "--model", TinyModel(), "--steps", "2", "--batch-size", "8", "--breakdown"});
  const Json breakdown = ExpectBreakdown(json);
  int64_t forward = 0, backward = 0;
  breakdown.At("products").ForEachElement([&](const Json& product) {
    int64_t& rows = product.At("direction").AsString() == "forward" ? forward : backward;
    rows += product.At("rows").AsInt();
    EXPECT_GT(product.At("gflops").AsDouble(), 0);
  });
  EXPECT_EQ(forward, 4 * 2 * json.At("tokens").AsInt())
      << "four matrices in two layers; the first step is left out";
  EXPECT_GT(backward, 0);
  EXPECT_LE(backward, forward) << "what lies below the lowest trained matrix has no backward";
  EXPECT_FALSE(Bench({"train", "--model", TinyModel(), "--steps", "1", "--batch-size", "8"})
                   .Has("breakdown"));
}

TEST(BenchEmbed, BreaksTheTimeOfEncodingDown) {
  const Json json = Bench({"embed", "--model", TinyModel(), "--texts", "8", "--breakdown"});
  const Json breakdown = ExpectBreakdown(json);
  int64_t rows = 0;
  breakdown.At("products").ForEachElement([&](const Json& product) {
    EXPECT_EQ(product.At("direction").AsString(), "forward");
    rows += product.At("rows").AsInt();
  });
  EXPECT_EQ(rows, 4 * 2 * json.At("tokens").AsInt());
}

TEST(BenchTrain, ShowsTheBreakdownAsTables) {
  const RunResult result = RunLacos({"bench", "train", "--model", TinyModel(), "--steps", "1",
                                     "--batch-size", "8", "--breakdown", "--quiet"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("frozen products, backward"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("100.0 %"), std::string::npos);
}

TEST(BenchTokenize, CountsLinesBytesAndTokens) {
  const TempFolder folder;
  const Json json =
      Bench({"tokenize", "--model", TinyModel(), "--input", folder.Write("t.txt", "abc\nde\n")});
  ExpectMeasured(json);
  EXPECT_EQ(json.At("lines").AsInt(), 2);
  EXPECT_EQ(json.At("tokens").AsInt(), 5);
  EXPECT_NEAR(json.At("bytes_per_second").AsDouble() * json.At("seconds").AsDouble(), 7, 1e-6);
  EXPECT_TRUE(json.At("ceiling_share").IsNull());
}

TEST(BenchCeiling, GivesEveryModeAndTheChosenOne) {
  const Json json = Bench({"ceiling", "--compute", "f32"});
  for (const char* mode : {"f32", "bf16", "int8"})
    EXPECT_GT(json.At("modes").At(mode).At("gflops").AsDouble(), 0);
  EXPECT_EQ(json.At("ceiling").At("gflops").AsDouble(),
            json.At("modes").At("f32").At("gflops").AsDouble());
  EXPECT_EQ(json.At("ceiling").At("kernel").AsString().rfind("f32, ", 0), 0u);
}

TEST(BenchCommand, NamesItsKindsAndRefusesOthers) {
  ExpectUsageError(RunLacos({"bench", "merge"}), "merge");
  ExpectUsageError(RunLacos({"bench", "train"}), "--model");
  const RunResult help = RunLacos({"bench", "embed", "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.out.find("2*12*L*D^2"), std::string::npos);
}

TEST(BenchEmbed, AnEmptyFileIsAnError) {
  const TempFolder folder;
  ExpectUserError(
      RunLacos({"bench", "embed", "--model", TinyModel(), "--input", folder.Write("t.txt", "")}),
      "no texts");
}

}  // namespace
}  // namespace lacos
