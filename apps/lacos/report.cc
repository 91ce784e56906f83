// `lacos report`: the page of a training run, made anew from its folder.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "commands.h"
#include "common.h"
#include "lacos/train/run_report.h"
#include "output.h"

namespace lacos {
namespace {

void Report(const GlobalOptions& globals, const std::string& folder) {
  WriteRunReport(folder);
  const std::string path = (std::filesystem::path(folder) / "report.html").string();
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
  CLI::App* command = NewCommand(
      app, globals, "report",
      "Write report.html of a training run, running or ended: curves, scores, settings, data, machine",
      "lacos report trained");
  auto folder = std::make_shared<std::string>();
  command->add_option("DIR", *folder, "Output folder of 'lacos train'")->type_name("")->required();
  OnRun(command, globals, [&globals, folder] { Report(globals, *folder); });
}

}  // namespace lacos
