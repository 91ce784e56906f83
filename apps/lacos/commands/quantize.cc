// `lacos quantize`: casts an original BLOOM folder to 8 bit and reports the loss of accuracy.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "lacos/base/process.h"
#include "lacos/convert/quantize.h"
#include "lacos/formats/bloom_tensors.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

struct QuantizeFlags {
  std::string model, output, scheme = "linear", block_size = "row", layout = "lacos", base_name;
  bool keep_embedding = false, overwrite = false;
};

void PrintReport(const QuantizeReport& report, double seconds) {
  Table table({"tensors", "relative error"});
  for (const auto& [kind, error] : report.relative_error)
    table.AddRow({kind, fmt::format("{:.6f}", error)});
  FieldList fields;
  fields.Add("bytes before",
             fmt::format("{} ({})", report.bytes_before, FormatBytes(double(report.bytes_before))));
  fields.Add("bytes after",
             fmt::format("{} ({})", report.bytes_after, FormatBytes(double(report.bytes_after))));
  fields.Add("time", FormatSeconds(seconds));
  PeakMemory().AddTo(fields);
  Out().Write(table.Text() + "\n" + fields.Text());
}

void Quantize(const GlobalOptions& globals, const QuantizeFlags& flags) {
  const Stopwatch watch;
  WorkDisplay display(globals, "quantizing", "bytes");
  OutputOptions writing = MakeOutputOptions(globals, flags.output, flags.overwrite);
  writing.progress = [&](const WorkProgress& work) { display.Update(work); };
  const QuantizeReport report = QuantizeFolder(flags.model, flags.output,
                                               {.scheme = *Parse<QuantScheme>(flags.scheme),
                                                .block_size = ParseBlockSize(flags.block_size),
                                                .keep_embedding = flags.keep_embedding,
                                                .layout = *Parse<QuantizedLayout>(flags.layout),
                                                .base_name = flags.base_name,
                                                .writing = writing});
  display.Finish();
  if (!report.left_out_heads.empty())
    spdlog::info("{}", HeadsNote(flags.model, report.left_out_heads));
  if (globals.json) {
    Json json = ReportJson(report);
    json.Set("seconds", watch.Seconds());
    PeakMemory().AddTo(json);
    PrintJson(json);
  } else {
    PrintReport(report, watch.Seconds());
  }
}

}  // namespace

void AddQuantizeCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "quantize", "Cast an original BLOOM folder to 8 bit, block by block",
                 "lacos quantize --model bloom-560m --output bloom-560m-int8");
  auto flags = std::make_shared<QuantizeFlags>();
  command->add_option("--model", flags->model, "An original BLOOM folder")
      ->type_name("DIR")
      ->required();
  command->add_option("--output", flags->output, "Folder to make")->type_name("DIR")->required();
  OneOf(command->add_option(
            "--scheme", flags->scheme,
            "What the codes mean: equal steps, or bitsandbytes' dynamic 256-entry map"),
        {std::string(Name(QuantScheme::kLinear)), std::string(Name(QuantScheme::kDynamic))});
  AddBlockSizeOption(
      command, flags->block_size,
      "Weights that share one scale; 'row' is one output row, on whose codes the int8 product "
      "works exactly");
  OneOf(command->add_option(
            "--layout", flags->layout,
            "Whose files to write: 'bitsandbytes' rounds weights to F16 first, keeps the word "
            "embedding and is what transformers with bitsandbytes loads in 8 bit"),
        WordsOf<QuantizedLayout>());
  command->add_flag("--keep-embedding", flags->keep_embedding,
                    "Leave the word embedding in its original type");
  command
      ->add_option(
          "--base-name", flags->base_name,
          "Hub name or path of the original, which adapters trained on the output will name as "
          "their base")
      ->type_name("NAME")
      ->default_str("what the folder says, else its path");
  AddOverwriteOption(command, flags->overwrite);
  OnRun(command, globals, [&globals, flags] { Quantize(globals, *flags); });
}

}  // namespace lacos::cli
