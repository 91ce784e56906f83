// `lacos report`: writes the page of a training run, an evaluation or a sweep again from its
// folder, or one page for several evaluations.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <memory>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "lacos/base/error.h"
#include "lacos/eval/results/evaluation_report.h"
#include "lacos/eval/results/result_folders.h"
#include "lacos/eval/results/systems_report.h"
#include "lacos/io/atomic_file.h"
#include "lacos/record/run_record.h"
#include "lacos/report/html.h"
#include "lacos/sweep/summary.h"
#include "lacos/train/run/report.h"
#include "terminal/output.h"

namespace lacos::cli {
namespace {

struct ReportFlags {
  std::vector<std::string> folders;
  std::string output;
  bool overwrite = false;
};

bool IsEvaluation(const std::string& folder) {
  return std::filesystem::exists(std::filesystem::path(folder) / "results.json");
}

void ReportOne(const GlobalOptions& globals, const std::string& folder) {
  const std::string path = (std::filesystem::path(folder) / "report.html").string();
  const std::string sweep = (std::filesystem::path(folder) / "sweep.json").string();
  if (std::filesystem::exists(sweep)) {
    const std::string run = RunFileOfFolder(folder);
    WriteFileAtomically(
        path, SweepReportHtml(Json::ReadFile(sweep),
                              std::filesystem::exists(run) ? Json::ReadFile(run) : Json()));
  } else if (IsEvaluation(folder)) {
    const BootstrapOptions bootstrap = ReadBootstrapOptions(folder);
    WriteFileAtomically(path,
                        EvaluationReportHtml(ReadResults(folder, bootstrap), bootstrap.confidence));
  } else {
    WriteRunReport(folder);
  }
  if (globals.json) {
    Json json = Json::Object();
    json.Set("report", path);
    PrintJson(json);
  } else {
    Out().Write(path + "\n");
  }
}

std::string Number(double value, const char* format) {
  return std::isfinite(value) ? fmt::format(fmt::runtime(format), value) : "-";
}

// One line per system: its costs, and the scores that the charts of the page show.
std::string SystemsTable(const SystemsComparison& comparison) {
  std::vector<std::string> header = {"system", "parameters", "memory MB", "ms a text"};
  for (const size_t headline : comparison.headlines) {
    header.push_back(comparison.headline_scores()[headline].Title());
    header.push_back(fmt::format("{:.0f} % interval", 100 * comparison.confidence));
  }
  Table table(header);
  for (size_t i = 0; i < comparison.systems.size(); ++i) {
    const EvaluatedSystem& system = comparison.systems[i];
    std::vector<std::string> row = {system.name, Number(system.parameters, "{:.0f}"),
                                    Number(system.memory_bytes / 1e6, "{:.1f}"),
                                    Number(system.ms_per_text, "{:.3f}")};
    for (size_t k = 0; k < comparison.headlines.size(); ++k) {
      const SystemScore& score = comparison.headline(k)[i];
      row.push_back(score.present
                        ? FormatScore(score.value) + (score.same_items ? "" : " (other items)")
                        : "-");
      row.push_back(score.present ? FormatInterval(score.interval) : "-");
    }
    table.AddRow(row);
  }
  return table.Text();
}

void ReportSeveral(const GlobalOptions& globals, const ReportFlags& flags) {
  if (flags.output.empty())
    FailUsage("--output", "name the folder for the page of several evaluations");
  CheckOutput(flags.output, {.overwrite = flags.overwrite});
  for (const std::string& folder : flags.folders) {
    if (!IsEvaluation(folder)) {
      throw UserError(fmt::format(
          "[{}] found no results.json; expected folders that `lacos eval --output` wrote; give "
          "only such folders where there are several",
          folder));
    }
  }
  const std::vector<std::string> names = ShortNames(flags.folders);
  // All folders use the bootstrap options of the first one. Their items are then resampled alike, as
  // paired differences require.
  const BootstrapOptions bootstrap = ReadBootstrapOptions(flags.folders[0]);
  std::vector<EvaluatedSystem> systems;
  for (size_t i = 0; i < flags.folders.size(); ++i)
    systems.push_back(MakeEvaluatedSystem(names[i], ReadResults(flags.folders[i], bootstrap)));
  const SystemsComparison comparison = CompareSystems(std::move(systems), bootstrap.confidence);

  const auto add_inputs = [&](RunInputs& inputs) {
    for (const std::string& evaluated : flags.folders)
      inputs.AddFile("evaluation", evaluated + "/results.json");
  };
  WriteSystemsFolder(comparison, flags.output,
                     MakeOutputOptions(globals, flags.output, flags.overwrite),
                     {.inputs = add_inputs});
  if (globals.json) {
    PrintJson(SystemsJson(comparison));
  } else {
    Out().Write(SystemsTable(comparison));
  }
}

void Report(const GlobalOptions& globals, const ReportFlags& flags) {
  if (flags.folders.size() > 1) return ReportSeveral(globals, flags);
  if (!flags.output.empty())
    FailUsage("--output", "goes with several folders; one folder keeps its own page");
  ReportOne(globals, flags.folders[0]);
}

}  // namespace

void AddReportCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(
      app, globals, "report",
      "Write report.html of a training run, running or ended, of an evaluation, a sweep, or "
      "several evaluations",
      "lacos report results-a results-b results-c --output page");
  auto flags = std::make_shared<ReportFlags>();
  command
      ->add_option(
          "DIR", flags->folders,
          "Output folder of 'lacos train', 'lacos eval' or 'lacos sweep'; several of 'lacos eval' "
          "make one page")
      ->type_name("")
      ->required();
  command
      ->add_option("--output", flags->output,
                   "Of several evaluations: folder for report.html and systems.json")
      ->type_name("DIR");
  AddOverwriteOption(command, flags->overwrite);
  OnRun(command, globals, [&globals, flags] { Report(globals, *flags); });
}

}  // namespace lacos::cli
