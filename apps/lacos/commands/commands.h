// The subcommands, one file each. Every function adds one command with its flags to the program.
#pragma once

namespace CLI {
class App;
}

namespace lacos::cli {

struct GlobalOptions;

void AddDemoCommand(CLI::App& app, GlobalOptions& globals);
void AddInfoCommand(CLI::App& app, GlobalOptions& globals);
void AddInitCommand(CLI::App& app, GlobalOptions& globals);
void AddPlanCommand(CLI::App& app, GlobalOptions& globals);
void AddQuantizeCommand(CLI::App& app, GlobalOptions& globals);
void AddTokenizeCommand(CLI::App& app, GlobalOptions& globals);
void AddTrainCommand(CLI::App& app, GlobalOptions& globals);
void AddDataCommand(CLI::App& app, GlobalOptions& globals);
void AddEvalCommand(CLI::App& app, GlobalOptions& globals);
void AddEmbedCommand(CLI::App& app, GlobalOptions& globals);
void AddSimilarityCommand(CLI::App& app, GlobalOptions& globals);
void AddClusterCommand(CLI::App& app, GlobalOptions& globals);
void AddAdapterCommand(CLI::App& app, GlobalOptions& globals);
void AddServeCommand(CLI::App& app, GlobalOptions& globals);
void AddSweepCommand(CLI::App& app, GlobalOptions& globals);
void AddPruneCommand(CLI::App& app, GlobalOptions& globals);
void AddMergeCommand(CLI::App& app, GlobalOptions& globals);
void AddVerifyCommand(CLI::App& app, GlobalOptions& globals);
void AddReportCommand(CLI::App& app, GlobalOptions& globals);
void AddBenchCommand(CLI::App& app, GlobalOptions& globals);

}  // namespace lacos::cli
