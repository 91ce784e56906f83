// `lacos report`: the page of a training run or of an evaluation, made anew from its folder.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "commands.h"
#include "common.h"
#include "lacos/eval/evaluation_report.h"
#include "lacos/io/atomic_file.h"
#include "lacos/train/run_report.h"
#include "output.h"

namespace lacos {
namespace {

void Report(const GlobalOptions& globals, const std::string& folder) {
  const std::string path = (std::filesystem::path(folder) / "report.html").string();
  if (std::filesystem::exists(std::filesystem::path(folder) / "results.json")) {
    const BootstrapOptions bootstrap = ReadBootstrapOptions(folder);
    WriteFileAtomically(path, EvaluationReportHtml(ReadResults(folder, bootstrap), bootstrap.confidence));
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

}  // namespace

void AddReportCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(app, globals, "report",
                                 "Write report.html of a training run, running or ended, or of an evaluation",
                                 "lacos report trained");
  auto folder = std::make_shared<std::string>();
  command->add_option("DIR", *folder, "Output folder of 'lacos train' or 'lacos eval'")
      ->type_name("")
      ->required();
  OnRun(command, globals, [&globals, folder] { Report(globals, *folder); });
}

}  // namespace lacos
