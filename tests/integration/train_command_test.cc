// `lacos train`: runs are reproducible and resumable, every loss works, and unusable data gives
// clear errors.
#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "lacos/io/json.h"
#include "lacos/io/safetensors.h"
#include "training_runs.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

TEST(TrainCommand, TwoRunsWithOneSeedGiveTheSameBytesAtAnyThreadCount) {
  const TempFolder folder;
  const std::string data = folder.Write("nli.tsv", NliTable());
  for (const std::string compute : {"f32", "bf16", "int8"}) {
    const auto train = [&](const std::string& name, const std::vector<std::string>& more) {
      std::vector<std::string> arguments = more;
      arguments.insert(arguments.end(),
                       {"--compute", compute, "--dropout", "0.1", "--lora-dropout", "0.1"});
      const RunResult result = RunLacos(TrainArguments(data, folder / (compute + name), arguments));
      EXPECT_EQ(result.status, 0) << result.err;
      return Adapter(folder / (compute + name));
    };
    const std::string first = train("first", {"--threads", "1"});
    EXPECT_EQ(train("again", {"--threads", "2"}), first);
    EXPECT_EQ(train("recompute", {"--gradient-strategy", "recompute"}), first);
    EXPECT_EQ(train("gradcache", {"--gradient-strategy", "gradcache", "--chunk-tokens", "16"}),
              first);
    EXPECT_EQ(train("streamed", {"--stream-layers", "--gradient-strategy", "recompute"}), first);
    EXPECT_NE(train("seed", {"--seed", "7"}), first);
  }
}

TEST(TrainCommand, WithoutASecondThreadTheRunGoesOnAndSaysSo) {
  const TempFolder folder;
  const std::string data = folder.Write("nli.tsv", NliTable());
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, std::vector<std::string>{"--stream-layers"}}) {
    std::vector<std::string> arguments = more;
    arguments.insert(arguments.end(), {"--threads", "4"});
    const RunResult usual = RunLacos(TrainArguments(data, folder / "usual", arguments));
    EXPECT_EQ(usual.status, 0) << usual.err;
    const RunResult alone =
        RunLacos(TrainArguments(data, folder / "alone", arguments), {.refuse_threads = true});
    EXPECT_EQ(alone.status, 0) << alone.err;
    EXPECT_NE(alone.err.find("[threads] the system started 1 of 4 threads"), std::string::npos)
        << alone.err;
    EXPECT_EQ(usual.err.find("[threads]"), std::string::npos) << usual.err;
    EXPECT_EQ(Adapter(folder / "alone"), Adapter(folder / "usual"));
    EXPECT_EQ(folder.Names(), (std::vector<std::string>{"alone", "nli.tsv", "usual"}));
    fs::remove_all(folder / "usual");
    fs::remove_all(folder / "alone");
  }
}

// The weights of ln_f are finite, but their products with normalized values above 1.2 are not.
TEST(TrainCommand, ALossThatIsNotFiniteStopsTheRunBeforeItsUpdate) {
  const TempFolder folder;
  const std::string data = folder.Write("nli.tsv", NliTable());
  const std::string model = folder / "model", output = folder / "out";
  fs::copy(TinyModel(), model, fs::copy_options::recursive);
  std::string bytes = ReadAll(model + "/model.safetensors");
  {
    const SafetensorsFile file(model + "/model.safetensors");
    const TensorEntry* entry = file.Find("ln_f.weight");
    ASSERT_NE(entry, nullptr);
    ASSERT_EQ(entry->dtype, DType::kF32);
    const float huge = 3e38f;
    for (int64_t i = 0; i < entry->Elements(); ++i)
      std::memcpy(bytes.data() + entry->offset + 4 * i, &huge, sizeof(huge));
  }
  folder.Write("model/model.safetensors", bytes);
  std::vector<std::string> arguments = TrainArguments(data, output, {"--save-every", "1"});
  arguments[2] = model;
  const RunResult result = RunLacos(arguments);
  ExpectUserError(result, "[step 1]");
  EXPECT_NE(result.err.find("not finite"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(output + "/adapter_model.safetensors"));
  EXPECT_FALSE(fs::exists(output + "/checkpoints/step-000001"));
}

TEST(TrainCommand, ARunIsRepeatedFromItsRunFileOrFromToml) {
  const TempFolder folder;
  const std::string data = folder.Write("nli.tsv", NliTable());
  ASSERT_EQ(RunLacos(TrainArguments(data, folder / "first", {"--symmetric", "--seed", "5"})).status,
            0);
  const RunResult again = RunLacos(
      {"train", "--config", folder / "first/run.json", "--output", folder / "again", "--quiet"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(Adapter(folder / "again"), Adapter(folder / "first"));

  const std::string toml = folder.Write(
      "run.toml",
      "batch-size = 4\nepochs = 2\nlearning-rate = 0.01\nsymmetric = true\nseed = 99\n");
  const RunResult result = RunLacos({"train", "--config", toml, "--model", TinyModel(), "--train",
                                     data, "--output", folder / "toml", "--seed", "5", "--quiet"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Adapter(folder / "toml"), Adapter(folder / "first"))
      << "the command line wins over the file";

  ExpectUserError(RunLacos({"train", "--config", folder.Write("bad.toml", "batchsize = 4\n"),
                            "--model", TinyModel(), "--train", data, "--output", folder / "bad"}),
                  "batchsize");
}

TEST(TrainCommand, AResumedRunEqualsTheUninterruptedOne) {
  const TempFolder folder;
  const std::string data = folder.Write("nli.tsv", NliTable());
  for (const std::string optimizer : {"adam8", "adam"}) {
    const std::string whole = folder / (optimizer + "-whole"), cut = folder / (optimizer + "-cut");
    // Rank 32 results in a matrix of 4,096 elements, the smallest size with 8-bit moments.
    const std::vector<std::string> more = {"--optimizer",   optimizer,
                                           "--save-every",  "3",
                                           "--keep",        "9",
                                           "--lora-rank",   "32",
                                           "--lora-target", "query_key_value,dense_4h_to_h"};
    ASSERT_EQ(RunLacos(TrainArguments(data, whole, more)).status, 0);
    ASSERT_EQ(RunLacos(TrainArguments(data, cut, more)).status, 0);
    Unfinish(cut);
    fs::remove_all(cut + "/checkpoints/step-000006");
    std::vector<std::string> resume = more;
    resume.push_back("--resume");
    const RunResult resumed = RunLacos(TrainArguments(data, cut, resume));
    ASSERT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_EQ(Adapter(cut), Adapter(whole));
    EXPECT_EQ(ReadAll(cut + "/README.md"), ReadAll(whole + "/README.md"));
    EXPECT_EQ(CountLines(ReadAll(cut + "/metrics.jsonl")),
              CountLines(ReadAll(whole + "/metrics.jsonl")));
    EXPECT_EQ(RunLacos({"verify", cut}).status, 0);
  }
}

TEST(TrainCommand, ResumeFallsBackPastADamagedCheckpointAndRefusesOtherSettings) {
  const TempFolder folder;
  const std::string data = folder.Write("nli.tsv", NliTable()), output = folder / "out";
  const std::vector<std::string> more = {"--save-every", "2", "--keep", "9"};
  ASSERT_EQ(RunLacos(TrainArguments(data, output, more)).status, 0);
  const std::string expected = Adapter(output);

  RunResult result =
      RunLacos(TrainArguments(data, output, {"--save-every", "2", "--keep", "9", "--resume"}));
  EXPECT_EQ(result.status, 0) << "a finished run is left alone";
  EXPECT_EQ(Adapter(output), expected);

  Unfinish(output);
  result =
      RunLacos(TrainArguments(data, output, {"--save-every", "2", "--resume", "--scale", "10"}));
  ExpectUserError(result, "scale");

  const std::string state = output + "/checkpoints/step-000008/state.safetensors";
  std::string bytes = ReadAll(state);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  folder.Write("out/checkpoints/step-000008/state.safetensors", bytes);
  std::vector<std::string> resume =
      TrainArguments(data, output, {"--save-every", "2", "--keep", "9", "--resume"});
  std::erase(resume, "--quiet");
  result = RunLacos(resume);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("damaged"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("at step 6"), std::string::npos) << result.err;
  EXPECT_EQ(Adapter(output), expected);
}

TEST(TrainCommand, EveryObjectiveTrainsAndItsOutputEmbeds) {
  const TempFolder folder;
  std::string scored = "sentence1\tsentence2\tscore\n", classes = "text\tlabel\n", plain = "text\n";
  for (int i = 0; i < 24; ++i) {
    scored += Sentence(i) + "\t" + Sentence(50 + i) + "\t" + std::to_string(i % 6) + "\n";
    classes += Sentence(i) + "\tclass" + std::to_string(i % 4) + "\n";
    plain += Sentence(i) + "\n";
  }
  const std::string nli = folder.Write("nli.tsv", NliTable());
  const std::string scores = folder.Write("scores.tsv", scored);
  const std::string class_file = folder.Write("classes.tsv", classes),
                    text_file = folder.Write("plain.tsv", plain);
  const std::string input = folder.Write("texts.txt", "one\ntwo\n");
  const std::vector<std::pair<std::string, std::vector<std::string>>> runs = {
      {nli, {"--loss", "mnr", "--hard-negatives", "--symmetric"}},
      {nli, {"--loss", "mnr", "--matryoshka", "16,8"}},
      {nli, {"--loss", "softmax"}},
      {nli, {"--loss", "triplet", "--hard-negatives"}},
      {scores, {"--loss", "cosine"}},
      {scores, {"--loss", "cosent"}},
      {class_file, {"--loss", "mnr"}},
      {text_file, {"--loss", "mnr"}},
      {nli, {"--train-biases"}},
      {nli, {"--lora-target", "dense,dense_h_to_4h", "--lora-layers", "1-1", "--pooling", "last"}},
  };
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::string output = folder / ("out" + std::to_string(i));
    std::vector<std::string> more = runs[i].second;
    more.push_back("--json");
    const RunResult result = RunLacos(TrainArguments(runs[i].first, output, more));
    ASSERT_EQ(result.status, 0) << i << ": " << result.err;
    const Json report = Json::Parse(result.out, "stdout");
    EXPECT_GT(report.At("steps").AsInt(), 0);
    EXPECT_GT(report.At("loss_first").AsDouble(), 0);
    const RunResult embedded = RunLacos(
        {"embed", "--model", output, "--input", input, "--output", output + ".npy", "--quiet"});
    EXPECT_EQ(embedded.status, 0) << i << ": " << embedded.err;
  }
}

TEST(TrainCommand, FewerTripletsThanABatchHoldsAreTrainedOn) {
  const TempFolder folder;
  std::string triplets = "anchor\tpositive\tnegative\n";
  for (int i = 0; i < 3; ++i)
    triplets += Sentence(i) + "\t" + Sentence(50 + i) + "\t" + Sentence(90 + i) + "\n";
  const RunResult result = RunLacos(TrainArguments(
      folder.Write("triplets.tsv", triplets), folder / "out", {"--loss", "triplet", "--json"}));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_GT(Json::Parse(result.out, "stdout").At("steps").AsInt(), 0);
}

TEST(TrainCommand, DevScoresChooseTheAdapter) {
  const TempFolder folder;
  std::string dev = "sentence1\tsentence2\tscore\n";
  for (int i = 0; i < 12; ++i)
    dev += Sentence(i) + "\t" + Sentence(i * 7) + "\t" + std::to_string(i % 5) + "\n";
  const RunResult result = RunLacos(
      TrainArguments(folder.Write("nli.tsv", NliTable()), folder / "out",
                     {"--dev", folder.Write("dev.tsv", dev), "--eval-every", "2", "--json"}));
  ASSERT_EQ(result.status, 0) << result.err;
  const Json best = Json::Parse(result.out, "stdout").At("best");
  double highest = -200;
  int64_t scores = 0;
  for (std::string metrics = ReadAll(folder / "out/metrics.jsonl"); !metrics.empty();) {
    const size_t end = metrics.find('\n');
    const Json line = Json::Parse(metrics.substr(0, end), "metrics.jsonl");
    metrics.erase(0, end + 1);
    if (!line.Has("dev_spearman")) continue;
    highest = std::max(highest, line.At("dev_spearman").AsDouble());
    ++scores;
  }
  EXPECT_EQ(scores, 5);  // one before training, and one after 2, 4, 6 and 8 steps
  EXPECT_EQ(best.At("spearman").AsDouble(), highest);
}

TEST(TrainCommand, UnusableDataIsNamedAndLeavesNoOutput) {
  const TempFolder folder;
  const auto refuse = [&](const std::string& name, const std::string& contents,
                          const std::string& part, const std::vector<std::string>& more = {}) {
    ExpectUserError(RunLacos(TrainArguments(folder.Write(name, contents), folder / "out", more)),
                    part);
    EXPECT_FALSE(fs::exists(folder / "out")) << name;
  };
  refuse("empty.tsv", "", "empty.tsv");
  refuse("label.tsv", "sentence1\tsentence2\tlabel\na\tb\tperhaps\n", "label.tsv:2");
  refuse("open.tsv", "sentence1\tsentence2\tlabel\na\tb\t0\nc\td\t1\n", "--label-scheme nli");
  refuse("column.csv", "sentence1,sentence2\na,b\nc\n", "column.csv:3");
  refuse("tokens.tsv", "sentence1\tsentence2\na b\tc\n\td\n", "tokens.tsv:3");
  refuse("one.tsv", "sentence1\tsentence2\na b\tc\n", "two");
  refuse("scores.tsv", "sentence1\tsentence2\tscore\na\tb\t1\nc\td\t2\n", "--loss mnr");
  refuse("budget.tsv", NliTable(), "--memory-budget", {"--memory-budget", "1MB"});
  refuse("layers.tsv", NliTable(), "--lora-layers", {"--lora-layers", "0-7"});
  ExpectUserError(RunLacos(TrainArguments(folder / "absent.tsv", folder / "out")), "absent.tsv");

  folder.Write("taken", "mine");
  ExpectUserError(RunLacos(TrainArguments(folder.Write("nli.tsv", NliTable()), folder / "taken")),
                  "--overwrite");
  EXPECT_EQ(ReadAll(folder / "taken"), "mine");
}

}  // namespace
}  // namespace lacos
