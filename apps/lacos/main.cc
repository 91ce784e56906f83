// The program `lacos` with all its commands.
#include <CLI/CLI.hpp>

#include "commands/commands.h"
#include "program.h"

namespace lacos::cli {
namespace {

void AddCommands(CLI::App& app, GlobalOptions& globals) {
  AddDemoCommand(app, globals);
  AddInfoCommand(app, globals);
  AddInitCommand(app, globals);
  AddPlanCommand(app, globals);
  AddQuantizeCommand(app, globals);
  AddTokenizeCommand(app, globals);
  AddTrainCommand(app, globals);
  AddDataCommand(app, globals);
  AddEvalCommand(app, globals);
  AddEmbedCommand(app, globals);
  AddSimilarityCommand(app, globals);
  AddClusterCommand(app, globals);
  AddServeCommand(app, globals);
  AddAdapterCommand(app, globals);
  AddSweepCommand(app, globals);
  AddPruneCommand(app, globals);
  AddMergeCommand(app, globals);
  AddVerifyCommand(app, globals);
  AddReportCommand(app, globals);
  AddBenchCommand(app, globals);
}

}  // namespace
}  // namespace lacos::cli

int main(int argc, char** argv) {
  return lacos::cli::RunProgram(argc, argv, lacos::cli::AddCommands);
}
