// The files run.json (as `train --config` and `lacos report` read it) and metrics.jsonl, and a TOML
// file of flags.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>

#include "files.h"
#include "flags/config_file.h"
#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/record/differences.h"
#include "lacos/train/run/report.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNames[] = {"run.json", "flags.toml", "metrics.jsonl", "lacos.json"};

// A command with every kind of flag that `train` has.
struct Program {
  CLI::App app{"lacos"};
  std::string config, model, output, cache;
  std::vector<std::string> train;
  std::vector<int64_t> sizes;
  int64_t batch = 0;
  double rate = 0;
  bool symmetric = false, normalize = false;

  Program() {
    CLI::App* command = app.add_subcommand("train");
    command->add_option("--config", config);
    command->add_option("--model", model);
    command->add_option("--output", output);
    command->add_option("--cache-layers", cache);
    command->add_option("--train", train);
    command->add_option("--matryoshka", sizes)->delimiter(',');
    command->add_option("--batch-size", batch)->check(CLI::Range(1, 1 << 20));
    command->add_option("--lr", rate);
    command->add_flag("--symmetric", symmetric);
    command->add_flag("--normalize,!--no-normalize", normalize);
  }
};

// Flags from a file must follow those of the command line, which win, and are parsed or refused.
void ExpandAndParse(const std::string& config) {
  if (!fs::exists(config)) return;
  const std::vector<std::string> given = {"train", "--config", config, "--batch-size", "7"};
  Program program;
  std::vector<std::string> expanded;
  try {
    expanded = cli::ExpandConfig(program.app, given);
  } catch (const UserError&) {
    return;
  }
  Require(
      expanded.size() >= given.size() && std::equal(given.begin(), given.end(), expanded.begin()),
      "a file adds flags behind those that were given");
  const std::vector<std::string> kept = cli::RepeatableArguments(expanded);
  Require(std::find(kept.begin(), kept.end(), "--output") == kept.end(),
          "a record names no output");
  std::reverse(expanded.begin(), expanded.end());
  try {
    program.app.parse(expanded);
    Require(program.batch == 7, "the command line's own flags win");
  } catch (const CLI::ParseError&) {
  }
}

}  // namespace

void RunRecord(Input input) {
  const std::string folder = MakeFolder(Text(input), kNames);
  ExpandAndParse(folder + "/run.json");
  ExpandAndParse(folder + "/flags.toml");
  if (fs::exists(folder + "/run.json")) {
    const lacos::Json now = lacos::Json::Parse(
        R"({"inputs":[{"role":"train","path":"a.tsv","bytes":3,"sha256":"ab"}],"lacos_version":"0.1.0","kernels":{"isa":"avx2"}})",
        "run");
    const lacos::Json before = lacos::Json::ReadFile(folder + "/run.json");
    Require(DifferencesFromRun(now, now).empty(), "a run does not differ from itself");
    try {
      DifferencesFromRun(before, now);
    } catch (const UserError&) {
    }
  }
  WriteRunReport(folder);
}

}  // namespace lacos::fuzz
