// `lacos demo`: runs the program's main steps on the demo model and data that come with it.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "flags/common.h"
#include "lacos/base/error.h"
#include "lacos/io/output.h"
#include "lacos/io/paths.h"
#include "terminal/child_process.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

struct DemoFlags {
  std::string output = "lacos-demo";
  Words score;
  bool overwrite = false;
};

// The folder that is installed beside the program, whatever the prefix: bin/lacos and
// share/lacos/demo.
std::string DemoFolder() {
  const fs::path prefix = fs::read_symlink("/proc/self/exe").parent_path().parent_path();
  const std::string folder = (prefix / "share/lacos/demo").string();
  if (!FolderExists(folder)) {
    throw UserError(fmt::format(
        "[{}] found no such folder; expected the demo model and data there; install lacos again "
        "with `make install`, `pip install` or its Debian package",
        folder));
  }
  return folder;
}

struct Step {
  std::string title;
  Words command;
};

Words Joined(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<Step> Steps(const DemoFlags& flags, const std::string& demo) {
  const std::string base = demo + "/bloom-nano", data = demo + "/data";
  const std::string quantized = flags.output + "/base-int8", trained = flags.output + "/trained";
  // The settings of step 3, so that both scores are of the same vectors.
  const Words encoding = {"--pooling", "weighted_mean", "--max-length", "75"};
  const Words write = flags.overwrite ? Words{"--overwrite"} : Words{};
  const Words scored = Joined(
      {"--data", data + "/stsb-captions-dev.tsv", data + "/stsb-captions-test.tsv"}, flags.score);
  return {
      {"1. cast the base model to 8 bit, block by block",
       Joined({"quantize", "--model", base, "--output", quantized, "--base-name", base}, write)},
      {"2. score the untrained base on semantic similarity (Spearman x 100)",
       Joined(Joined(Joined({"eval", "--model", quantized, "--task", "sts"}, scored), encoding),
              {"--quiet"})},
      {"3. train low-rank adapters with 8-bit Adam on 2,760 entailment pairs",
       Joined({"train", "--model", quantized, "--train", data + "/snli-cad-train.tsv.gz",
               "--output", trained, "--epochs", "3", "--batch-size", "64"},
              write)},
      {"4. score the trained model",
       Joined(Joined({"eval", "--model", trained, "--task", "sts"}, scored), {"--quiet"})},
      {"5. score a baseline that only counts words",
       Joined(Joined({"eval", "--floor", "tf-idf", "--task", "sts"}, scored), {"--quiet"})},
      {"6. embed 200 sentences of nine languages",
       Joined({"embed", "--model", trained, "--input", data + "/sentences.txt", "--output",
               flags.output + "/sentences.npy", "--quiet"},
              write)},
      {"7. find the sentences nearest to a query",
       {"similarity", "--model", trained, "--query", "Someone is playing music at the station.",
        "--input", data + "/sentences.txt", "--top-k", "5", "--quiet"}},
  };
}

// The flags of every command that differ from their defaults, for each step.
Words CommonFlags(const GlobalOptions& globals) {
  const GlobalOptions defaults;
  Words words;
  if (globals.compute != defaults.compute) {
    words = Joined(words, {"--compute", std::string(Name(globals.compute))});
  }
  if (globals.threads != defaults.threads) {
    words = Joined(words, {"--threads", std::to_string(globals.threads)});
  }
  if (globals.seed != defaults.seed) {
    words = Joined(words, {"--seed", std::to_string(globals.seed)});
  }
  if (globals.quiet) words.emplace_back("--quiet");
  if (globals.log_level != defaults.log_level) {
    words = Joined(words, {"--log-level", globals.log_level});
  }
  return words;
}

void CheckDemoOutput(const std::string& path) {
  if (!PathExists(path)) return CheckOutput(path, {});  // its parent must be there
  if (!FolderExists(path)) {
    throw UserError(fmt::format(
        "[{}] is a file; expected a folder, or no such path; choose another --output", path));
  }
}

void RunDemo(const GlobalOptions& globals, const DemoFlags& flags) {
  if (globals.json) FailUsage("--json", "is given; expected none, since the steps print tables");
  const std::vector<Step> steps = Steps(flags, DemoFolder());
  CheckDemoOutput(flags.output);
  fs::create_directory(flags.output);  // does nothing if it is there
  const Stopwatch watch;
  for (const Step& step : steps) {
    const Words arguments = Joined(step.command, CommonFlags(globals));
    Out().Write(fmt::format("\n== {}  ({:.0f} s)\n$ {}\n", step.title, watch.Seconds(),
                            CommandLine(arguments)));
    Out().Flush();
    const int status = RunSelfInForeground(arguments);
    if (InterruptRequested()) throw Interrupted();
    if (status == 1 || status == 2) {
      Out().Write(fmt::format("\n== stopped: step {}\n", step.title));
      Out().Flush();
      throw ChildFailed{status};
    }
    if (status != 0) {  // it was killed and could print nothing
      throw UserError(fmt::format(
          "[{}] the step ended with status {}; expected 0; see the system's log for what "
          "ended it (128 + the signal's number: 137 where memory ran out)",
          step.title, status));
    }
  }
  Out().Write(fmt::format(
      "\n== done in {0:.0f} s. {1}/trained loads in sentence-transformers, {1}/sentences.npy in NumPy.\n"
      "The demo model is below the baseline of step 5: with 8 million parameters it shows how the "
      "program works, not how good BLOOM is.\n\n"
      "What to try next:\n"
      "  your own texts  lacos embed --model {1}/trained --input FILE.txt --output -\n"
      "  your own pairs  lacos train --model {1}/base-int8 --train PAIRS.tsv --output mine "
      "--epochs 3 --batch-size 64\n"
      "  a real BLOOM    hf download bigscience/bloom-560m config.json tokenizer.json "
      "model.safetensors README.md --local-dir bloom-560m   (1.1 GB), then step 1 with it\n"
      "  all commands    lacos --help\n",
      watch.Seconds(), flags.output));
}

}  // namespace

void AddDemoCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "demo",
                 "Run the main steps on the demo model: cast to 8 bit, train, score, embed, search",
                 "lacos demo --output lacos-demo");
  auto flags = std::make_shared<DemoFlags>();
  command->add_option("--output", flags->output, "Folder for the results")
      ->type_name("DIR")
      ->capture_default_str();
  command
      ->add_option("--score", flags->score,
                   "More files of scored pairs, on which the base and the trained model are scored")
      ->type_name("FILE");
  AddOverwriteOption(command, flags->overwrite);
  OnRun(command, globals, [&globals, flags] { RunDemo(globals, *flags); });
}

}  // namespace lacos::cli
