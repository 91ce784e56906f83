// `lacos prune`: writes the lowest blocks of a BLOOM as a model of their own.
#include <fmt/format.h>

#include <memory>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "lacos/base/process.h"
#include "lacos/convert/prune.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

struct PruneFlags {
  std::string model, output;
  int64_t layers = 0;
  bool overwrite = false;
};

void Print(const GlobalOptions& globals, const PruneReport& report, PeakMemory& memory,
           double seconds) {
  if (globals.json) {
    Json json = Json::Object();
    json.Set("layers_before", report.layers_before);
    json.Set("layers_after", report.layers_after);
    json.Set("parameters_before", report.parameters_before);
    json.Set("parameters_after", report.parameters_after);
    json.Set("bytes_before", report.bytes_before);
    json.Set("bytes_after", report.bytes_after);
    json.Set("seconds", seconds);
    memory.AddTo(json);
    PrintJson(json);
    return;
  }
  FieldList fields;
  fields.Add("layers", fmt::format("{} of {}", report.layers_after, report.layers_before));
  fields.Add("parameters",
             fmt::format("{} of {}", report.parameters_after, report.parameters_before));
  fields.Add("bytes",
             fmt::format("{} ({})", report.bytes_after, FormatBytes(double(report.bytes_after))));
  fields.Add("time", FormatSeconds(seconds));
  memory.AddTo(fields);
  Out().Write(fields.Text());
}

void Prune(const GlobalOptions& globals, const PruneFlags& flags) {
  const Stopwatch watch;
  PeakMemory memory;
  WorkDisplay display(globals, "copying", "bytes");
  OutputOptions writing = MakeOutputOptions(globals, flags.output, flags.overwrite);
  writing.progress = [&](const WorkProgress& work) {
    memory.Sample();
    display.Update(work);
  };
  const PruneReport report =
      PruneFolder(flags.model, flags.output, {.layers = flags.layers, .writing = writing});
  display.Finish();
  Print(globals, report, memory, watch.Seconds());
}

}  // namespace

void AddPruneCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "prune", "Write the lowest layers of a BLOOM as a shallower base",
                 "lacos prune --model bloom-560m --layers 12 --output bloom-560m-12-layers");
  auto flags = std::make_shared<PruneFlags>();
  command->add_option("--model", flags->model, "A BLOOM folder, original or quantized")
      ->type_name("DIR")
      ->required();
  command->add_option("--layers", flags->layers, "Layers that stay, counted from the bottom")
      ->type_name("N")
      ->check(IntegerIn(1, INT32_MAX))
      ->required();
  command->add_option("--output", flags->output, "Folder to make")->type_name("DIR")->required();
  AddOverwriteOption(command, flags->overwrite);
  OnRun(command, globals, [&globals, flags] { Prune(globals, *flags); });
}

}  // namespace lacos::cli
