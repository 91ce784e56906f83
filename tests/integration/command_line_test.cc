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
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("/base-int8"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("the step ended with status 1"), std::string::npos);
  EXPECT_EQ(result.out.find("== 2."), std::string::npos);

  const RunResult lost = RunLacos({"demo", "--output", folder / "no/such/folder"});
  ExpectUserError(lost, "no/such/folder");
  ExpectUsageError(RunLacos({"demo", "--json"}), "--json");
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
