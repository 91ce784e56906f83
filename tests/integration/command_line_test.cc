// Exit statuses, help and messages of the command line itself.
#include <fmt/format.h>

#include <filesystem>
#include <regex>

#include "lacos/io/json.h"
#include "program.h"

namespace lacos {
namespace {

// Lists every command that has no subcommands, as words: {"embed"}, {"bench", "train"}.
std::vector<std::vector<std::string>> Commands(const std::vector<std::string>& above = {}) {
  std::vector<std::string> words = above;
  words.push_back("--help");
  const RunResult help = RunLacos(words);
  EXPECT_EQ(help.status, 0);
  const size_t begin = help.out.find("\nCommands:\n");
  if (begin == std::string::npos) return {above};
  const std::string section = help.out.substr(begin, help.out.find("\n\n", begin + 1) - begin);
  std::vector<std::vector<std::string>> commands;
  const std::regex line("\n  ([a-z]+) ");
  for (std::sregex_iterator match(section.begin(), section.end(), line), end; match != end;
       ++match) {
    std::vector<std::string> below = above;
    below.push_back((*match)[1]);
    for (auto& command : Commands(below)) commands.push_back(std::move(command));
  }
  return commands;
}

TEST(CommandLine, HelpAndVersionEndWithZeroOnStdout) {
  const RunResult help = RunLacos({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.err, "");
  EXPECT_NE(help.out.find("quantize"), std::string::npos);
  const RunResult version = RunLacos({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_TRUE(std::regex_match(version.out, std::regex("lacos \\d+\\.\\d+\\.\\d+\n")))
      << version.out;
}

TEST(CommandLine, WithoutACommandTheFirstFiveCommandsGoToStderrWithStatus2) {
  const RunResult result = RunLacos({});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("Usage"), std::string::npos);
  std::vector<std::string> commands;
  const std::regex line("\n  ([a-z]+) ");
  for (std::sregex_iterator match(result.err.begin(), result.err.end(), line), end; match != end;
       ++match)
    commands.push_back((*match)[1]);
  EXPECT_EQ(commands,
            (std::vector<std::string>{"quantize", "train", "eval", "embed", "similarity"}));
  EXPECT_NE(result.err.find("'lacos --help' lists all"), std::string::npos);
}

TEST(CommandLine, UnknownWordsAreReportedBeforeMissingFlagsWithWhatWasProbablyMeant) {
  ExpectUsageError(RunLacos({"trian"}), "found the unknown command 'trian'; expected one of demo,");
  ExpectUsageError(RunLacos({"trian"}), "; did you mean 'train'? See 'lacos --help'");
  ExpectUsageError(RunLacos({"bench", "trian"}),
                   "; did you mean 'train'? See 'lacos bench --help'");
  ExpectUsageError(RunLacos({"train", "--lerning-rate", "1e-3"}),
                   "found the unknown flag '--lerning-rate'; expected a flag of 'lacos train'; did "
                   "you mean '--learning-rate'? See 'lacos train --help'");
  // Neither the missing value nor the wrong one hides the misspelled flag.
  ExpectUsageError(RunLacos({"info", "--modle=x", "--base"}), "did you mean '--model'?");
  ExpectUsageError(RunLacos({"info", "--modle", "x", "--threads", "-1"}), "mean '--model'?");
  ExpectUsageError(RunLacos({"bench", "train", "--btach-size", "8"}),
                   "a flag of 'lacos bench train'; did you mean '--batch-size'?");
  // The beginning of a flag is enough, and a single dash is forgiven.
  ExpectUsageError(RunLacos({"embed", "--trunc", "8"}), "did you mean '--truncate-dim'?");
  ExpectUsageError(RunLacos({"info", "-model", "x"}),
                   "'-model'; expected a flag of 'lacos info'; "
                   "did you mean '--model'?");
  ExpectUsageError(RunLacos({"-h"}), "did you mean '--help'?");
  ExpectUsageError(RunLacos({"help"}), "did you mean '--help'?");
  // Nothing is suggested that is too different.
  ExpectUsageError(
      RunLacos({"info", "--colour", "red"}),
      "found the unknown flag '--colour'; expected a flag of 'lacos info'; see 'lacos");
  ExpectUsageError(RunLacos({"info", "extra"}), "found 'extra', which belongs to no flag");
  ExpectUsageError(RunLacos({"--quiet", "info", "--model", "x"}),
                   "found the flag '--quiet' before the command 'info'; expected it after the");
  // What follows a flag is its value, whatever it looks like.
  ExpectUsageError(RunLacos({"embed", "--prompt", "--modle"}), "--model is required");
}

TEST(CommandLine, EveryCommandHasTheSharedFlagsAnExampleAndDefaults) {
  const auto commands = Commands();
  ASSERT_GE(commands.size(), 8u);
  for (std::vector<std::string> words : commands) {
    const std::string command = fmt::format("{}", fmt::join(words, " "));
    SCOPED_TRACE(command);
    words.push_back("--help");
    const RunResult help = RunLacos(words);
    EXPECT_EQ(help.status, 0);
    EXPECT_EQ(help.err, "");
    for (const char* flag :
         {"--json", "--compute", "--threads", "--seed", "--quiet", "--log-level"}) {
      EXPECT_NE(help.out.find(flag), std::string::npos) << flag;
    }
    EXPECT_NE(help.out.find("Example:\n  lacos " + command), std::string::npos);
    // All flags are long, and every flag except --help states its default or that it is required.
    const std::regex option("\n  (-[^ ]+)");
    size_t flags = 0;
    for (std::sregex_iterator match(help.out.begin(), help.out.end(), option), end; match != end;
         ++match) {
      EXPECT_EQ((*match)[1].str().rfind("--", 0), 0u) << (*match)[1];
      ++flags;
    }
    size_t defaults = 0;
    const std::regex stated("\\((default:|required\\))");
    std::string flat = std::regex_replace(help.out, std::regex("\n +"), " ");
    for (std::sregex_iterator match(flat.begin(), flat.end(), stated), end; match != end; ++match)
      ++defaults;
    EXPECT_GE(defaults + 1, flags);
  }
}

TEST(CommandLine, MistakesEndWithStatus2AndNameTheFlag) {
  ExpectUsageError(RunLacos({"inof"}), "inof");
  ExpectUsageError(RunLacos({"info"}), "--model");
  ExpectUsageError(RunLacos({"info", "--model", "x", "--colour", "red"}), "--colour");
  ExpectUsageError(RunLacos({"info", "--model", "x", "--compute", "f64"}), "--compute");
  ExpectUsageError(RunLacos({"info", "--model", "x", "--threads", "many"}), "--threads");
  ExpectUsageError(RunLacos({"info", "--model", "x", "--threads", "-1"}), "--threads");
  ExpectUsageError(RunLacos({"info", "--model", "x", "--threads", "1.5"}), "--threads");
  ExpectUsageError(RunLacos({"info", "--model", "x", "--log-level", "loud"}), "--log-level");
  ExpectUsageError(RunLacos({"info", "--model"}), "--model");
  ExpectUsageError(RunLacos({"info", "--model", "x", "extra"}), "extra");
  ExpectUsageError(RunLacos({"embed", "--model", "x", "--input", "y"}), "--output");
  ExpectUsageError(RunLacos({"embed", "--model", "x", "--input", "y", "--output", "z.txt"}),
                   "--output");
  ExpectUsageError(RunLacos({"embed", "--model", "x", "--input", "y", "--output", "z.npy",
                             "--precision", "int4"}),
                   "--precision");
  ExpectUsageError(RunLacos({"embed", "--model", "x", "--input", "y", "--output", "z.npy",
                             "--truncate-dim", "0"}),
                   "--truncate-dim");
  ExpectUsageError(RunLacos({"embed", "--model", "x", "--input", "y", "--output", "z.npy",
                             "--strip", "--no-strip"}),
                   "strip");
  ExpectUsageError(RunLacos({"quantize", "--model", "x", "--output", "y", "--block-size", "100"}),
                   "--block-size");
  ExpectUsageError(
      RunLacos({"tokenize", "--model", "x", "--input", "y", "--decode", "--with-offsets"}),
      "--decode");
  ExpectUsageError(RunLacos({"similarity", "--model", "x", "--input", "y", "--top-k", "3"}),
                   "--query");
  ExpectUsageError(RunLacos({"verify"}), "DIR");
  ExpectUsageError(RunLacos({"verify", "--model", "x"}), "--known");
  ExpectUsageError(RunLacos({"verify", "--known", "bloom-560m"}), "--model");
  ExpectUsageError(RunLacos({"verify", "x", "--known", "bloom-560m", "--model", "x"}), "DIR");
}

TEST(CommandLine, AModelIsComparedWithPublicFacts) {
  const RunResult result =
      RunLacos({"verify", "--known", "bloom-560m", "--model", TinyModel(), "--json"});
  EXPECT_EQ(result.status, 1);
  const Json report = Json::Parse(result.out, "stdout");
  EXPECT_FALSE(report.At("equal").AsBool());
  EXPECT_EQ(report.At("facts")[0].At("what").AsString(), "layers");
  EXPECT_EQ(report.At("facts")[0].At("expected").AsString(), "24");
  EXPECT_NE(result.err.find("hf download bigscience/bloom-560m"), std::string::npos);
}

TEST(CommandLine, TheDemoStopsAtAStepThatFails) {
  const TempFolder folder;
  folder.Write("base-int8", "in the way");
  const RunResult result = RunLacos({"demo", "--output", folder.path()});
  // One error, by the step itself.
  ExpectUserError(result, "/base-int8");
  EXPECT_NE(result.out.find("== stopped: step 1."), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("== 2."), std::string::npos);

  ExpectUserError(RunLacos({"demo", "--output", folder / "no/such/folder"}),
                  "/no/such' is not there; expected an existing folder to write in");
  ExpectUserError(RunLacos({"demo", "--output", folder / "base-int8"}), "is a file");
  ExpectUsageError(RunLacos({"demo", "--json"}), "--json");
}

TEST(CommandLine, TheDemoPassesTheFlagsOfEveryCommandOn) {
  const TempFolder folder;
  folder.Write("base-int8", "in the way");
  const auto first_command = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> words = {"demo", "--output", folder.path()};
    words.insert(words.end(), flags.begin(), flags.end());
    const std::string out = RunLacos(words).out;
    const size_t begin = out.find("$ lacos quantize");
    return begin == std::string::npos ? out : out.substr(begin, out.find('\n', begin) - begin);
  };
  const std::string plain = first_command({});
  for (const char* flag :
       {"--compute", "--threads", "--seed", "--quiet", "--log-level", "--overwrite"})
    EXPECT_EQ(plain.find(flag), std::string::npos) << plain;
  const std::string all = first_command(
      {"--compute", "f32", "--threads", "1", "--seed", "7", "--quiet", "--log-level", "error"});
  EXPECT_TRUE(all.ends_with(" --compute f32 --threads 1 --seed 7 --quiet --log-level error"))
      << all;
  const std::string overwrite = first_command({"--overwrite"});
  EXPECT_TRUE(overwrite.ends_with(" --overwrite")) << overwrite;
}

TEST(CommandLine, AFlagWithoutItsValueNamesWhatIsExpected) {
  ExpectUsageError(RunLacos({"verify", "--model", "x", "--known"}),
                   "--known: is given without a value; expected bloom-560m|");
  ExpectUsageError(RunLacos({"info", "--model"}),
                   "--model: is given without a value; expected DIR after it");
  ExpectUsageError(RunLacos({"verify", "--known", "--model", "x"}),
                   "--known: found '--model'; expected bloom-560m|");
  ExpectUsageError(RunLacos({"info", TinyModel()}),
                   "', which belongs to no flag; expected a flag before it, such as --model");
}

TEST(CommandLine, EveryCommandThatOpensAFolderNamesItsUnknownKeysOnce) {
  const TempFolder folder;
  std::filesystem::copy(TinyModel(), folder / "model");
  folder.Write("model/tokenizer_config.json", R"({"a_key_of_tomorrow": 1})");
  const std::string texts = folder.Write("texts.txt", "one\ntwo\n");
  const std::string recipe = folder.Write("sweep.toml", R"(
title = "t"
seeds = [1, 2, 3]
[bases]
one = "model"
again = "model"
[data]
pairs = "pairs.tsv"
[evaluation]
score = "s"
[[evaluation.file]]
name = "s"
path = "scored.tsv"
[settings]
data = "pairs"
[[study]]
name = "b"
title = "b"
vary = {base = ["one", "again"]}
)");
  folder.Write("pairs.tsv", "anchor\tpositive\na b\tc d\n");
  folder.Write("scored.tsv", "sentence1\tsentence2\tscore\na\tb\t1\nc\td\t2\n");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"plan", "--model", folder / "model", "--batch-size", "2", "--max-length", "8"},
           {"bench", "tokenize", "--model", folder / "model", "--input", texts},
           {"data", "inspect", texts, "--model", folder / "model"},
           {"sweep", recipe, "--dry-run"},
           {"tokenize", "--model", folder / "model", "--input", texts}}) {
    SCOPED_TRACE(words[0] + " " + words[1]);
    const RunResult result = RunLacos(words);
    EXPECT_EQ(result.status, 0) << result.err;
    const size_t at = result.err.find("a_key_of_tomorrow");
    EXPECT_NE(at, std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("a_key_of_tomorrow", at + 1), std::string::npos) << result.err;
  }
}

TEST(CommandLine, FieldBelongsToJsonLines) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "a\n");
  ExpectUsageError(
      RunLacos({"tokenize", "--model", TinyModel(), "--input", input, "--field", "body"}),
      "--field");
}

TEST(CommandLine, AModelThatIsNotThereIsNamed) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"info", "--model", "/no/such/model"},
           {"tokenize", "--model", "/no/such/model", "--input", "/dev/null"},
           {"verify", "/no/such/model"},
           {"quantize", "--model", "/no/such/model", "--output", "/tmp/lacos-no-such-output"}}) {
    SCOPED_TRACE(words[0]);
    ExpectUserError(RunLacos(words), "/no/such/model");
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/lacos-no-such-output"));
}

}  // namespace
}  // namespace lacos
