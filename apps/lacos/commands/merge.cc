// `lacos merge`: merges an adapter into an original BLOOM folder, for transformers or llama.cpp.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "lacos/base/process.h"
#include "lacos/convert/gguf_export.h"
#include "lacos/convert/merge.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

struct MergeFlags {
  std::string model, adapter, output, format = "safetensors", gguf_type = "f16", pooling;
  bool overwrite = false;
  bool has_gguf_type = false;
};

std::vector<std::string> GgmlTypeFlags() {
  std::vector<std::string> words;
  for (const GgmlTypeNames& names : kGgmlTypeNames) words.emplace_back(names.flag);
  return words;
}

void PrintReport(const MergeReport& report, PeakMemory& memory, double seconds) {
  FieldList fields;
  fields.Add("tensors", std::to_string(report.tensors));
  fields.Add("merged", std::to_string(report.merged));
  fields.Add("bytes", fmt::format("{} ({})", report.bytes, FormatBytes(double(report.bytes))));
  fields.Add("time", FormatSeconds(seconds));
  memory.AddTo(fields);
  Out().Write(fields.Text());
}

Json ReportJson(const MergeReport& report, PeakMemory& memory, double seconds) {
  Json warnings = Json::Array();
  for (const std::string& warning : report.warnings) warnings.Append(warning);
  Json json = Json::Object();
  json.Set("bytes", report.bytes);
  json.Set("tensors", report.tensors);
  json.Set("merged", report.merged);
  json.Set("warnings", warnings);
  json.Set("seconds", seconds);
  memory.AddTo(json);
  return json;
}

void CheckFlags(const MergeFlags& flags) {
  if (flags.format == "gguf") return;
  if (flags.adapter.empty()) {
    FailUsage("--adapter",
              "is not given; expected the adapter to merge (only --format gguf does without)");
  }
  if (flags.has_gguf_type)
    FailUsage("--gguf-type", "is given without --format gguf; expected both");
  if (!flags.pooling.empty()) {
    FailUsage("--pooling",
              "is given without --format gguf; expected both: a merged folder keeps the pooling "
              "that the adapter's or the model's folder says");
  }
}

void Merge(const GlobalOptions& globals, const MergeFlags& flags) {
  const bool to_file = flags.format == "gguf" && flags.output.ends_with(".gguf");
  const Stopwatch watch;
  PeakMemory memory;
  WorkDisplay display(globals, "merging", "bytes");
  OutputOptions writing = MakeOutputOptions(globals, flags.output, flags.overwrite,
                                            to_file ? OutputKind::kFile : OutputKind::kFolder);
  writing.progress = [&](const WorkProgress& work) {
    memory.Sample();
    display.Update(work);
  };
  const MergeReport report =
      flags.format == "gguf"
          ? ExportGguf(
                flags.model, flags.adapter, flags.output,
                {.type = kGgmlTypeNames.Find(flags.gguf_type, &GgmlTypeNames::flag)->value,
                 .pooling = flags.pooling.empty() ? std::nullopt : Parse<Pooling>(flags.pooling),
                 .writing = writing})
          : MergeFolder(flags.model, flags.adapter, flags.output, {.writing = writing});
  display.Finish();
  for (const std::string& warning : report.warnings) spdlog::warn("{}", warning);
  if (globals.json) {
    PrintJson(ReportJson(report, memory, watch.Seconds()));
  } else {
    PrintReport(report, memory, watch.Seconds());
  }
}

// llama.cpp's own tools accept the names of types in upper and lower case.
CLI::Option* InLowerCase(CLI::Option* option) {
  const auto lower = [](std::string& text) -> std::string {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return "";
  };
  return option->transform(CLI::Validator(lower, "", "lower case"));
}

}  // namespace

void AddMergeCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(
      app, globals, "merge",
      "Write an original BLOOM and an adapter as one model, for transformers or llama.cpp",
      "lacos merge --model bloom-560m --adapter trained --output merged");
  auto flags = std::make_shared<MergeFlags>();
  command
      ->add_option("--model", flags->model,
                   "The original BLOOM folder: a quantized one would add its error to the weights")
      ->type_name("DIR")
      ->required();
  command
      ->add_option(
          "--adapter", flags->adapter,
          "PEFT adapter or trained output folder to merge into it; --format gguf also does without")
      ->type_name("DIR");
  command
      ->add_option(
          "--output", flags->output,
          "Folder to make; for --format gguf also the name of a file that ends in .gguf, which "
          "gets FILE.run.json beside it")
      ->type_name("DIR")
      ->required();
  OneOf(command->add_option(
            "--format", flags->format,
            "A BLOOM folder in the original's type and shards, or one file for llama.cpp"),
        {"safetensors", "gguf"});
  CLI::Option* gguf_type =
      InLowerCase(OneOf(command->add_option("--gguf-type", flags->gguf_type,
                                            "Type of the matrices in a GGUF file; vectors are f32"),
                        GgmlTypeFlags()));
  OneOf(command->add_option("--pooling", flags->pooling,
                            "Pooling that a GGUF file asks llama.cpp for"),
        WordsOf<Pooling>())
      ->default_str("what the folder says, else mean");
  AddOverwriteOption(command, flags->overwrite);
  OnRun(command, globals, [&globals, flags, gguf_type] {
    flags->has_gguf_type = gguf_type->count() > 0;
    CheckFlags(*flags);
    Merge(globals, *flags);
  });
}

}  // namespace lacos::cli
