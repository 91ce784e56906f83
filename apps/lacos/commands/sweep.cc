// `lacos sweep`: runs a grid of trainings and evaluations, each in a process of its own.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "lacos/base/error.h"
#include "lacos/formats/model_folder.h"
#include "lacos/sweep/run_cell.h"
#include "lacos/sweep/runner.h"
#include "lacos/sweep/summary.h"
#include "lacos/train/trainer.h"
#include "terminal/child_process.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

struct SweepFlags {
  std::string recipe, output;
  bool keep_going = false, keep_models = false, dry_run = false;
  // Only for the process that makes one run: the cell, and the identity that the sweep expects.
  std::string run_cell, run_identity;
  uint64_t run_seed = 0;
};

// The error message of a process that failed, without the program's name.
std::string MessageOf(const ChildResult& result) {
  constexpr std::string_view kStart = "lacos: error: ";
  const size_t at = result.error.rfind(kStart);
  if (at == std::string::npos) {
    return fmt::format(
        "[process] ended with status {} and no message; expected 0; see the system's log for what "
        "ended it (128 + the signal's number: 137 where memory ran out)",
        result.status);
  }
  const size_t begin = at + kStart.size(), end = result.error.find('\n', begin);
  return result.error.substr(begin, end == std::string::npos ? end : end - begin);
}

// Makes one run, in the process that was started for it.
void MakeRun(const GlobalOptions& globals, const SweepFlags& flags) {
  EndWithParent();
  const SweepRecipe recipe = ReadRecipe(flags.recipe);
  const Grid grid = MakeGrid(recipe);
  SweepBases bases(recipe, flags.output + "/bases");
  RunIdentities identities(recipe, bases, globals.device);
  for (const Cell& cell : grid.cells) {
    if (cell.name != flags.run_cell) continue;
    if (identities.Of(cell, flags.run_seed) != flags.run_identity) break;
    const bool done = RunCell(recipe, {.cell = cell,
                                       .seed = flags.run_seed,
                                       .device = globals.device,
                                       .base = bases.Prepare(cell.settings, {}),
                                       .identity = flags.run_identity,
                                       .output = RunFolderOf(flags.output, cell, flags.run_seed),
                                       .keep_model = flags.keep_models,
                                       .should_stop = [] { return InterruptRequested(); }});
    if (!done) throw Interrupted();
    return;
  }
  throw UserError(fmt::format(
      "[{}] the recipe or its files were changed while the sweep runs; expected them to stay; "
      "start the sweep again",
      flags.recipe));
}

// Predicts the peak memory of each trained cell if every text has max_length tokens. Cells with
// equal needs are planned once.
class MemoryPrediction {
 public:
  explicit MemoryPrediction(SweepBases& bases) : bases_(bases) {}
  int64_t Of(const Cell& cell) {
    CellSettings key = cell.settings;
    key.data.clear();
    key.train.data_fraction = 1;
    key.train.epochs = 1;
    key.train.max_steps = 0;
    key.train.learning_rate = 0;
    const std::string text = SettingsJson(key).Dump();
    const auto found = known_.find(text);
    if (found != known_.end()) return found->second;
    TrainOptions options = MakeCellTrainOptions(cell.settings, 0, "", {});
    options.shape = bases_.Shape(cell.settings);
    return known_[text] = PlanRun(options).chosen.peak_bytes;
  }

 private:
  SweepBases& bases_;
  std::map<std::string, int64_t> known_;
};

void DryRun(const GlobalOptions& globals, const SweepRecipe& recipe) {
  const Grid grid = MakeGrid(recipe);
  SweepBases bases(recipe, "");
  MemoryPrediction memory(bases);
  Table table({"cell", "predicted peak, at most"});
  Json cells = Json::Array();
  int64_t trainings = 0, evaluations = 0;
  for (const Cell& cell : grid.cells) {
    CheckInterrupt();
    const int64_t peak = cell.trained ? memory.Of(cell) : 0;
    trainings += cell.trained ? static_cast<int64_t>(recipe.seeds.size()) : 0;
    evaluations += cell.trained ? static_cast<int64_t>(recipe.seeds.size()) : 1;
    table.AddRow({cell.name, cell.trained ? FormatBytes(double(peak)) : "-"});
    Json json = Json::Object();
    json.Set("name", cell.name);
    json.Set("trained", cell.trained);
    json.Set("settings", SettingsJson(cell.settings));
    json.Set("planned_peak_bytes", cell.trained ? Json(peak) : Json());
    cells.Append(json);
  }
  if (globals.json) {
    Json json = Json::Object();
    json.Set("cells", cells);
    json.Set("trainings", trainings);
    json.Set("evaluations", evaluations);
    PrintJson(json);
    return;
  }
  FieldList fields;
  fields.Add("studies", fmt::format("{}", recipe.studies.size()));
  fields.Add("trainings", fmt::format("{}", trainings));
  fields.Add("evaluations", fmt::format("{}", evaluations));
  Out().Write(table.Text() + "\n" + fields.Text());
}

// Says once what a user should hear about each base that the cells need.
void LogNotesOnBases(const SweepRecipe& recipe) {
  std::set<std::string> paths;
  for (const Cell& cell : MakeGrid(recipe).cells) paths.insert(recipe.bases.at(cell.settings.base));
  for (const std::string& path : paths) LogNotes(OpenModelFolder(path, "", ""));
}

void Sweep(const GlobalOptions& globals, const SweepFlags& flags) {
  if (!flags.run_cell.empty()) return MakeRun(globals, flags);
  const SweepRecipe recipe = ReadRecipe(flags.recipe);
  LogNotesOnBases(recipe);
  if (flags.dry_run) return DryRun(globals, recipe);
  if (flags.output.empty())
    FailUsage("--output", "is not given; expected the folder to work in (or --dry-run)");

  WorkDisplay display(globals, "sweeping", "runs");
  WorkProgress now;
  SweepOptions options{
      .output = flags.output, .device = globals.device, .keep_going = flags.keep_going};
  options.message = [](const std::string& line) { spdlog::info("{}", line); };
  options.warning = [](const std::string& line) { spdlog::warn("{}", line); };
  options.writing = MakeOutputOptions(globals, flags.output, /*overwrite=*/false);
  options.writing.progress = [&](const WorkProgress& work) {
    if (now.total == 0) spdlog::info("{} runs to make", work.total);
    now = work;
    display.Update(now);
  };
  options.run = [&](const Cell& cell, uint64_t seed, const std::string& identity) {
    std::vector<std::string> arguments = {"sweep",          flags.recipe,
                                          "--output",       flags.output,
                                          "--run-cell",     cell.name,
                                          "--run-seed",     fmt::format("{}", seed),
                                          "--run-identity", identity,
                                          "--threads",      fmt::format("{}", globals.threads),
                                          "--device",       NameOf(globals.device),
                                          "--quiet"};
    if (flags.keep_models) arguments.emplace_back("--keep-models");
    const ChildResult result = RunSelf(arguments, [&] { display.Update(now); });
    CheckInterrupt();
    if (result.status != 0) throw UserError(MessageOf(result));
  };
  const Json sweep = RunSweep(recipe, options);
  display.Finish();
  if (globals.json) {
    PrintJson(sweep);
  } else {
    Out().Write(SweepText(sweep));
    Out().Write(fmt::format("{}/report.html\n", flags.output));
  }
}

}  // namespace

void AddSweepCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(
      app, globals, "sweep",
      "Train and score a grid of settings, each with several seeds; say what differs and what "
      "it costs",
      "lacos sweep examples/sweep.toml --output sweep");
  AddDeviceOption(command, globals);
  auto flags = std::make_shared<SweepFlags>();
  command
      ->add_option("RECIPE", flags->recipe,
                   "What to vary and how to score it, in TOML (docs/sweeps.md)")
      ->type_name("")
      ->required();
  command
      ->add_option(
          "--output", flags->output,
          "Folder to work in; of an earlier sweep: finished runs are kept, the others are made")
      ->type_name("DIR");
  command->add_flag("--dry-run", flags->dry_run,
                    "Only list the cells, with their predicted memory");
  command->add_flag("--keep-going", flags->keep_going,
                    "Leave a cell that fails out, instead of ending");
  command->add_flag("--keep-models", flags->keep_models, "Keep every run's trained folder");
  // Hidden flags for the process of one run; users do not need them.
  command->add_option("--run-cell", flags->run_cell)->group("");
  command->add_option("--run-seed", flags->run_seed)->group("");
  command->add_option("--run-identity", flags->run_identity)->group("");
  OnRun(command, globals, [&globals, flags, command] {
    if (GetOption(command, "--compute")->count() > 0) {
      FailUsage("--compute", "is the recipe's to say: settings.compute, or an axis of a study");
    }
    Sweep(globals, *flags);
  });
}

}  // namespace lacos::cli
