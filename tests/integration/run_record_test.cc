// run.json exists in every folder that lacos makes, is equal for equal commands, and is sufficient
// to repeat a training run.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "training_runs.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

Json Record(const std::string& folder) { return Json::ReadFile(folder + "/run.json"); }

// Changes the working directory for the lifetime of the object.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const std::string& path) : before_(fs::current_path()) {
    fs::current_path(path);
  }
  ~WorkingDirectory() { fs::current_path(before_); }

 private:
  fs::path before_;
};

// The lines of metrics.jsonl without the values that depend on time and memory.
std::vector<std::string> Measured(const std::string& output) {
  std::vector<std::string> lines;
  for (const Json& line : Metrics(output)) {
    Json kept = Json::Object();
    line.ForEachItem([&](std::string_view key, const Json& value) {
      for (const char* varying : {"seconds", "tokens_per_second", "rss_bytes", "peak_rss_bytes"}) {
        if (key == varying) return;
      }
      kept.Set(std::string(key), value);
    });
    lines.push_back(kept.Dump());
  }
  return lines;
}

void ExpectSameRun(const std::string& a, const std::string& b, const std::string& state) {
  EXPECT_EQ(Adapter(a), Adapter(b));
  EXPECT_EQ(Measured(a), Measured(b));
  EXPECT_EQ(ReadAll(a + "/adapter_config.json"), ReadAll(b + "/adapter_config.json"));
  EXPECT_EQ(ReadAll(a + "/checkpoints/" + state + "/state.safetensors"),
            ReadAll(b + "/checkpoints/" + state + "/state.safetensors"));
}

TEST(RunRecord, EveryFolderHasOneInItsManifestAndEqualCommandsHaveEqualOnes) {
  const TempFolder folder;
  const std::string config = folder.Write("config.json", kTinyConfig);
  const std::string data = folder.Write("nli.tsv", NliTable());
  ASSERT_EQ(RunLacos(TrainArguments(data, folder / "trained")).status, 0);
  const std::map<std::string, std::vector<std::string>> commands = {
      {"init", {"--config", config}},
      {"quantize", {"--model", TinyModel()}},
      {"prune", {"--model", TinyModel(), "--layers", "1"}},
      {"merge", {"--model", TinyModel(), "--adapter", folder / "trained"}},
      {"adapter", {"--model", TinyModel(), "--adapter", folder / "trained"}},
      {"train", {"--model", TinyModel(), "--train", data, "--batch-size", "4"}}};
  for (const auto& [command, flags] : commands) {
    for (const char* name : {"-a", "-b"}) {
      std::vector<std::string> arguments = {command, "--output", folder / (command + name),
                                            "--seed", "7"};
      arguments.insert(arguments.end(), flags.begin(), flags.end());
      const RunResult result = RunLacos(arguments);
      ASSERT_EQ(result.status, 0) << command << ": " << result.err;
    }
    const std::string a = folder / (command + "-a"), b = folder / (command + "-b");
    EXPECT_EQ(ReadAll(a + "/run.json"), ReadAll(b + "/run.json")) << command;
    EXPECT_EQ(RunLacos({"verify", a}).status, 0) << command;
    const Json run = Record(a);
    EXPECT_EQ(run.At("command").AsString(), command);
    EXPECT_EQ(run.At("seed").AsInt(), 7);
    EXPECT_EQ(run.At("flags").At("seed").AsString(), "7");
    EXPECT_FALSE(run.At("machine").At("cpu").AsString().empty());
    EXPECT_FALSE(run.At("build").At("compiler").AsString().empty());
    EXPECT_FALSE(run.At("lacos_version").AsString().empty());
    ASSERT_GT(run.At("inputs").size(), 0u) << command;
    for (size_t i = 0; i < run.At("inputs").size(); ++i) {
      EXPECT_EQ(run.At("inputs")[i].At("sha256").AsString().size(), 64u) << command;
    }
    if (command != "train") {
      const Json manifest = Json::ReadFile(a + "/lacos.json").At("files");
      EXPECT_TRUE(manifest.Has("run.json")) << command;
    }
  }
  const Json run = Record(folder / "train-a");
  EXPECT_EQ(run.At("data").At("train")[0].At("rows").AsInt(), 48);
  EXPECT_EQ(
      run.At("data").At("train")[0].At("dropped").At("with another label than entailment").AsInt(),
      32);
  EXPECT_EQ(run.At("settings").At("batch size").AsString(), "4");
  EXPECT_EQ(run.At("flags").At("batch-size").AsString(), "4");
  EXPECT_EQ(run.At("flags").At("lora-rank").AsString(), "8") << "defaults too";
  EXPECT_GT(run.At("kernels").At("kernels").size(), 0u);
}

// Expects the parts that every record has, and a hash for every input. Returns the inputs' roles.
std::vector<std::string> ExpectWholeRecord(const Json& run, const std::string& command) {
  EXPECT_EQ(run.At("command").AsString(), command);
  EXPECT_FALSE(run.At("lacos_version").AsString().empty());
  EXPECT_FALSE(run.At("machine").At("cpu").AsString().empty());
  EXPECT_GT(run.At("machine").At("features").size(), 0u);
  EXPECT_FALSE(run.At("flags").At("threads").AsString().empty());
  EXPECT_EQ(run.At("seed").AsInt(), 42);
  std::vector<std::string> roles;
  run.At("inputs").ForEachElement([&](const Json& input) {
    roles.push_back(input.At("role").AsString());
    EXPECT_EQ(input.At("sha256").AsString().size(), 64u) << input.Dump();
  });
  return roles;
}

TEST(RunRecord, ASingleFileHasOneBesideIt) {
  const TempFolder folder;
  const std::string texts = folder.Write("texts.txt", "one\ntwo\n");
  const std::map<std::string, std::vector<std::string>> commands = {
      {"embed", {"--model", TinyModel(), "--input", texts, "--output", folder / "v.npy"}},
      {"merge", {"--model", TinyModel(), "--format", "gguf", "--output", folder / "m.gguf"}}};
  for (const auto& [command, flags] : commands) {
    std::vector<std::string> arguments = {command, "--quiet"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const std::string output = flags.back();
    const RunResult made = RunLacos(arguments);
    ASSERT_EQ(made.status, 0) << made.err;
    const std::string text = ReadAll(output + ".run.json");
    const Json run = Json::Parse(text, "run.json");
    EXPECT_THAT(ExpectWholeRecord(run, command), testing::Contains("base"));
    EXPECT_EQ(run.Has("kernels"), command == "embed");
    for (size_t i = 0; i < run.At("arguments").size(); ++i) {
      EXPECT_NE(run.At("arguments")[i].AsString(), output)
          << "where it went is not how it was made";
    }
    // A refused command leaves file and record unchanged. A replaced file gets a new record.
    ExpectUserError(RunLacos(arguments), "--overwrite");
    EXPECT_EQ(ReadAll(output + ".run.json"), text);
    arguments.insert(arguments.end(), {"--overwrite", "--seed", "7"});
    ASSERT_EQ(RunLacos(arguments).status, 0);
    EXPECT_EQ(Json::ReadFile(output + ".run.json").At("seed").AsInt(), 7);
  }
  EXPECT_EQ(folder.Names(), (std::vector<std::string>{"m.gguf", "m.gguf.run.json", "texts.txt",
                                                      "v.npy", "v.npy.run.json"}));
}

TEST(RunRecord, TextsFromAPipeAreNoInputFile) {
  const TempFolder folder;
  const RunResult made = RunLacos(
      {"embed", "--model", TinyModel(), "--input", "-", "--output", folder / "v.npy", "--quiet"},
      {.input = "one\n"});
  ASSERT_EQ(made.status, 0) << made.err;
  const Json run = Json::ReadFile(folder / "v.npy.run.json");
  EXPECT_THAT(ExpectWholeRecord(run, "embed"), testing::Not(testing::Contains("texts")));
}

TEST(RunRecord, SuitesAndEvaluationsHaveOneInTheirManifests) {
  const TempFolder folder;
  fs::create_directories(folder / "raw/sub");
  folder.Write("raw/sub/tatoeba.xyz-eng.xyz", "uno\ndos\n");
  folder.Write("raw/sub/tatoeba.xyz-eng.eng", "one\ntwo\n");
  folder.Write("raw/notes.txt", "no test set");
  const RunResult prepared = RunLacos({"data", "prepare", "--from", folder / "raw", "--to",
                                       folder / "suite", "--allow-incomplete"});
  ASSERT_EQ(prepared.status, 0) << prepared.err;
  EXPECT_EQ(ExpectWholeRecord(Record(folder / "suite"), "data prepare"),
            (std::vector<std::string>{"raw", "raw"}))
      << "files that gave nothing are no inputs";
  const std::string data =
      folder.Write("a.tsv", "sentence1\tsentence2\tscore\na\tb\t1\nc\td e\t2\nf\tg\t3\n");
  for (const char* name : {"one", "two"}) {
    const RunResult scored =
        RunLacos({"eval", "--model", TinyModel(), "--data", data, "--output", folder / name});
    ASSERT_EQ(scored.status, 0) << scored.err;
    EXPECT_THAT(ExpectWholeRecord(Record(folder / name), "eval"), testing::Contains("data"));
    EXPECT_GT(Record(folder / name).At("kernels").At("kernels").size(), 0u);
  }
  EXPECT_EQ(ReadAll(folder / "one/run.json"), ReadAll(folder / "two/run.json"));
  ASSERT_EQ(
      RunLacos({"eval", "--compare", folder / "one", folder / "two", "--output", folder / "both"})
          .status,
      0);
  EXPECT_THAT(ExpectWholeRecord(Record(folder / "both"), "eval"), testing::Contains("compared"));
  for (const char* name : {"suite", "one", "both"}) {
    EXPECT_TRUE(
        Json::ReadFile(folder / (std::string(name) + "/lacos.json")).At("files").Has("run.json"))
        << name;
    EXPECT_EQ(RunLacos({"verify", folder / name}).status, 0) << name;
  }
}

TEST(RunRecord, ABenchmarksJsonHasItsCommand) {
  const TempFolder folder;
  const RunResult bench = RunLacos({"bench", "tokenize", "--model", TinyModel(), "--input",
                                    folder.Write("texts.txt", "one\ntwo\n"), "--json", "--quiet"});
  ASSERT_EQ(bench.status, 0) << bench.err;
  const Json run = Json::Parse(bench.out, "stdout").At("run");
  EXPECT_EQ(run.At("command").AsString(), "bench tokenize");
  EXPECT_EQ(run.At("flags").At("model").AsString(), TinyModel());
  EXPECT_FALSE(run.At("lacos_version").AsString().empty());
  EXPECT_FALSE(run.Has("working_directory")) << "there is no output that it could be relative to";
}

TEST(RunRecord, ARunOfSeveralFilesAndAnotherLossIsRepeatedByteForByteFromAnotherDirectory) {
  const TempFolder folder;
  std::string scored = "sentence1\tsentence2\tscore\n", more = scored;
  for (int i = 0; i < 24; ++i) {
    scored += Sentence(i) + "\t" + Sentence(50 + i) + "\t" + std::to_string(i % 6) + "\n";
    more += Sentence(200 + i) + "\t" + Sentence(250 + i) + "\t" + std::to_string(i % 4) + "\n";
  }
  fs::create_directories(folder / "project/data");
  fs::create_directories(folder / "project/runs");
  fs::create_directories(folder / "elsewhere");
  folder.Write("project/data/one.tsv", scored);
  folder.Write("project/data/two.tsv", more);
  fs::copy(TinyModel(), folder / "project/model", fs::copy_options::recursive);
  {
    const WorkingDirectory there(folder / "project");
    const RunResult first = RunLacos({"train",          "--model",
                                      "model",          "--train",
                                      "data/one.tsv",   "data/two.tsv",
                                      "--dev",          "data/one.tsv",
                                      "--output",       "runs/first",
                                      "--loss",         "cosent",
                                      "--mix",          "round-robin",
                                      "--batch-size",   "4",
                                      "--epochs",       "1.5",
                                      "--lora-dropout", "0.1",
                                      "--optimizer",    "adam",
                                      "--save-every",   "3",
                                      "--seed",         "9",
                                      "--split",        "train",
                                      "--threads",      "1",
                                      "--quiet"});
    ASSERT_EQ(first.status, 0) << first.err;
  }
  EXPECT_EQ(Record(folder / "project/runs/first").At("working_directory").AsString(), "../..");
  const auto repeat = [&](const std::string& config, const std::string& output) {
    return RunLacos({"train", "--config", config, "--output", output, "--quiet"});
  };
  {
    const WorkingDirectory there(folder / "elsewhere");
    const RunResult again = repeat("../project/runs/first/run.json", "second");
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(again.err.find("not the same run"), std::string::npos) << again.err;
  }
  ExpectSameRun(folder / "project/runs/first", folder / "elsewhere/second", "step-000009");
  // A repeated run can itself be repeated, and a project can be moved as a whole.
  const RunResult third = repeat(folder / "elsewhere/second/run.json", folder / "third");
  ASSERT_EQ(third.status, 0) << third.err;
  ExpectSameRun(folder / "third", folder / "elsewhere/second", "step-000009");
  fs::rename(folder / "project", folder / "moved");
  const RunResult fourth = repeat(folder / "moved/runs/first/run.json", folder / "fourth");
  ASSERT_EQ(fourth.status, 0) << fourth.err;
  EXPECT_EQ(Adapter(folder / "third"), Adapter(folder / "fourth"));
}

TEST(RunRecord, AnInputThatHasChangedIsNamed) {
  const TempFolder folder;
  const std::string data = folder.Write("nli.tsv", NliTable());
  ASSERT_EQ(RunLacos(TrainArguments(data, folder / "first")).status, 0);
  std::string changed = NliTable();
  changed.replace(changed.find("river"), 5, "ocean");
  folder.Write("nli.tsv", changed);
  const RunResult again = RunLacos(
      {"train", "--config", folder / "first/run.json", "--output", folder / "again", "--quiet"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(CountLines(again.err), 1u) << again.err;
  EXPECT_NE(again.err.find("nli.tsv"), std::string::npos) << again.err;
  EXPECT_NE(again.err.find("sha256"), std::string::npos) << again.err;
  EXPECT_NE(Adapter(folder / "again"), Adapter(folder / "first"));

  // The warning also appears when the run replaces the folder that contains its record.
  const std::string adapter = Adapter(folder / "again");
  const RunResult replaced = RunLacos({"train", "--config", folder / "first/run.json", "--output",
                                       folder / "first", "--overwrite", "--quiet"});
  EXPECT_EQ(replaced.status, 0) << replaced.err;
  EXPECT_NE(replaced.err.find("nli.tsv"), std::string::npos) << replaced.err;
  EXPECT_EQ(Adapter(folder / "first"), adapter);
}

TEST(RunRecord, ARecordOfAnotherCommandOrADamagedOneIsRefused) {
  const TempFolder folder;
  const std::string data = folder.Write("nli.tsv", NliTable());
  const auto train = [&](const std::string& config) {
    return RunLacos({"train", "--config", config, "--model", TinyModel(), "--train", data,
                     "--output", folder / "out"});
  };
  ExpectUserError(train(TinyModel() + "/run.json"), "'lacos init'");
  ExpectUserError(train(folder.Write("bad.json", R"({"command": 3, "arguments": []})")),
                  "bad.json");
  ExpectUserError(
      train(folder.Write("odd.json", R"({"command": "train", "arguments": ["--colour", "red"]})")),
      "colour");
  EXPECT_FALSE(fs::exists(folder / "out"));
}

}  // namespace
}  // namespace lacos
