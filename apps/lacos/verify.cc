// `lacos verify`: checks every size and hash of a folder that lacos wrote.
#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "common.h"
#include "lacos/base/error.h"
#include "lacos/io/manifest.h"
#include "output.h"

namespace lacos {
namespace {

void Verify(const GlobalOptions& globals, const std::string& folder) {
  const auto problems = VerifyManifest(folder);
  if (globals.json) {
    Json list = Json::Array();
    for (const VerifyProblem& problem : problems) {
      Json entry = Json::Object();
      entry.Set("file", problem.file);
      entry.Set("found", problem.found);
      entry.Set("expected", problem.expected);
      list.Append(entry);
    }
    Json report = Json::Object();
    report.Set("folder", folder);
    report.Set("ok", problems.empty());
    report.Set("problems", list);
    PrintJson(report);
  } else if (problems.empty()) {
    Out().Write(fmt::format("{}: every file has the size and hash of the manifest\n", folder));
  } else {
    for (const VerifyProblem& problem : problems) {
      Out().Write(fmt::format("{}: found {}; expected {}\n", problem.file, problem.found, problem.expected));
    }
  }
  if (problems.empty()) return;
  Out().Flush();
  throw UserError(
      fmt::format("[{}] {} of its files {} not as the manifest says; expected no difference; copy or make "
                  "the folder again",
                  folder, problems.size(), problems.size() == 1 ? "is" : "are"));
}

}  // namespace

void AddVerifyCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "verify", "Check every size and hash of a folder that lacos wrote",
                 "lacos verify bloom-560m-int8");
  auto folder = std::make_shared<std::string>();
  command->add_option("DIR", *folder, "Folder with a lacos.json")->type_name("")->required();
  OnRun(command, globals, [&globals, folder] { Verify(globals, *folder); });
}

}  // namespace lacos
