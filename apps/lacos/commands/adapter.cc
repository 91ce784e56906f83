// `lacos adapter`: checks an adapter against its base and writes it in PEFT's present format.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "lacos/convert/adapter.h"
#include "lacos/formats/bloom_tensors.h"
#include "terminal/output.h"

namespace lacos::cli {
namespace {

struct AdapterFlags {
  ModelOptions model;
  std::string output, base_name, base_class;
  bool overwrite = false;
};

void PrintReport(const GlobalOptions& globals, const LoraAdapter& adapter,
                 const std::string& base_name) {
  int64_t parameters = 0;
  const auto count = [&](const HostMatrix& matrix) {
    parameters += static_cast<int64_t>(matrix.values.size());
  };
  const auto& modules = adapter.modules.empty() ? adapter.idle_modules : adapter.modules;
  for (const auto& [name, module] : modules) {
    for (const HostMatrix* matrix : {&module.a, &module.b, &module.b_bias}) count(*matrix);
  }
  for (const auto& [name, bias] : adapter.biases) count(bias);
  const char* const base_class = adapter.causal_keys ? "BloomForCausalLM" : "BloomModel";
  if (globals.json) {
    Json targets = Json::Array();
    for (const std::string& target : adapter.settings.targets) targets.Append(target);
    Json json = Json::Object();
    json.Set("base_name", base_name);
    json.Set("base_class", base_class);
    json.Set("modules", static_cast<int64_t>(modules.size()));
    json.Set("biases", static_cast<int64_t>(adapter.biases.size()));
    json.Set("parameters", parameters);
    json.Set("rank", adapter.settings.rank);
    json.Set("alpha", adapter.settings.alpha);
    json.Set("targets", targets);
    PrintJson(json);
    return;
  }
  FieldList fields;
  fields.Add("base", fmt::format("{} ({})", base_name, base_class));
  fields.Add("linear layers", fmt::format("{}", modules.size()));
  fields.Add("biases", fmt::format("{}", adapter.biases.size()));
  fields.Add("values", fmt::format("{}", parameters));
  fields.Add("rank, alpha", fmt::format("{}, {}", adapter.settings.rank, adapter.settings.alpha));
  fields.Add("targets", fmt::format("{}", fmt::join(adapter.settings.targets, ", ")));
  Out().Write(fields.Text());
}

void Rewrite(const GlobalOptions& globals, const AdapterFlags& flags) {
  AdapterOptions options{.base = flags.model.base,
                         .adapter = flags.model.adapter,
                         .base_name = flags.base_name,
                         .writing = MakeOutputOptions(globals, flags.output, flags.overwrite)};
  if (!flags.base_class.empty()) options.causal_keys = flags.base_class == "BloomForCausalLM";
  const WrittenAdapter written = RewriteAdapter(flags.model.model, flags.output, options);
  if (const auto& heads = written.adapter.left_out_heads; !heads.empty())
    spdlog::info("{}", HeadsNote(flags.output, heads));
  PrintReport(globals, written.adapter, written.base_name);
}

}  // namespace

void AddAdapterCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(
      app, globals, "adapter",
      "Check a PEFT adapter against its base and write it anew: .bin and the old MergedLinear form "
      "become what PEFT reads today, tensors that need no conversion stay as they are",
      "lacos adapter --model bloom-560m --adapter old-adapter --output adapter");
  auto flags = std::make_shared<AdapterFlags>();
  AddModelOptions(command, flags->model);
  command->add_option("--output", flags->output, "Folder to make")->type_name("DIR")->required();
  command
      ->add_option("--base-name", flags->base_name,
                   "Hub name or path of the base, which the adapter is to name")
      ->type_name("NAME")
      ->default_str("what the adapter says");
  OneOf(command->add_option(
            "--base-class", flags->base_class,
            "Class of transformers that is to load it: its keys name the layers of this class"),
        {"BloomModel", "BloomForCausalLM"})
      ->default_str("what the adapter says");
  AddOverwriteOption(command, flags->overwrite);
  OnRun(command, globals, [&globals, flags] { Rewrite(globals, *flags); });
}

}  // namespace lacos::cli
