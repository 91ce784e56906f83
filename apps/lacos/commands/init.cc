// `lacos init`: writes a BLOOM folder of any shape with random weights, for tests and benchmarks.
#include <fmt/format.h>

#include <memory>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "lacos/convert/init.h"
#include "lacos/formats/bloom_config.h"
#include "terminal/output.h"

namespace lacos::cli {
namespace {

struct InitFlags {
  std::string config, output, dtype = "bf16";
  bool quantized = false, overwrite = false;
  std::string tokenizer;
};

void Init(const GlobalOptions& globals, const InitFlags& flags) {
  CheckOutput(flags.output, {.overwrite = flags.overwrite});
  const Json config = Json::ReadFile(flags.config);
  const BloomConfig shape = ParseBloomConfig(config, flags.config);
  InitFolder(config, flags.output,
             {.seed = globals.seed,
              .dtype = ParseDType(flags.dtype),
              .quantized = flags.quantized,
              .tokenizer = flags.tokenizer,
              .config_path = flags.config,
              .writing = MakeOutputOptions(globals, flags.output, flags.overwrite)});
  const std::string stored = flags.quantized ? "int8" : flags.dtype;
  if (globals.json) {
    Json report = Json::Object();
    report.Set("output", flags.output);
    report.Set("parameters", shape.Parameters());
    report.Set("dtype", stored);
    report.Set("seed", globals.seed);
    PrintJson(report);
    return;
  }
  FieldList fields;
  fields.Add("output", flags.output);
  fields.Add("parameters", fmt::format("{}", shape.Parameters()));
  fields.Add("stored as", stored);
  fields.Add("seed", fmt::format("{}", globals.seed));
  Out().Write(fields.Text());
}

}  // namespace

void AddInitCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "init", "Make a model folder of any BLOOM shape with random weights",
                 "lacos init --config config.json --output random-560m --quantized");
  auto flags = std::make_shared<InitFlags>();
  command->add_option("--config", flags->config, "A config.json with the shape")
      ->type_name("FILE")
      ->required();
  command->add_option("--output", flags->output, "Folder to make")->type_name("DIR")->required();
  AddDTypeOption(command, flags->dtype,
                 "Element type of the weights, where they are not --quantized");
  command->add_flag("--quantized", flags->quantized, "Write random 8-bit codes directly");
  command
      ->add_option("--tokenizer", flags->tokenizer,
                   "A tokenizer.json to copy; without one, a token is a byte")
      ->type_name("FILE");
  AddOverwriteOption(command, flags->overwrite);
  OnRun(command, globals, [&globals, flags] { Init(globals, *flags); });
}

}  // namespace lacos::cli
