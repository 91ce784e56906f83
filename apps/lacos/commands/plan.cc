// `lacos plan`: predicts the memory that a training run would need with each strategy.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "flags/common.h"
#include "flags/train_flags.h"
#include "lacos/base/error.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/model_folder.h"
#include "lacos/formats/model_place.h"
#include "lacos/io/paths.h"
#include "lacos/train/trainer.h"
#include "terminal/output.h"
#include "terminal/progress.h"
#include "terminal/rates.h"

namespace lacos::cli {
namespace {

namespace fs = std::filesystem;

Json Components(const PlannedStrategy& planned) {
  Json json = Json::Object();
  for (const auto& [name, bytes] : planned.components) json.Set(name, bytes);
  return json;
}

// The flags of `lacos quantize` that decide the shape of a base, for a configuration that has no
// weights yet.
struct ShapeFlags {
  std::string scheme = "linear", block_size = "row", dtype = "bf16";
};

// The path of the config.json if --model names that file, or a folder that contains no other part
// of a model. Returns nothing if there are weights, or if the folder is not a base: OpenModelFolder
// then says what is wrong.
std::optional<std::string> ConfigAlone(const std::string& model) {
  if (FileExists(model)) return model;
  const fs::path folder = FindModelPlace(model, "a model's folder or a config.json");
  const fs::path config = folder / "config.json";
  if (!FileExists(config.string())) return std::nullopt;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json", "modules.json", "adapter_config.json"}) {
    if (PathExists((folder / name).string())) return std::nullopt;
  }
  return config.string();
}

std::shared_ptr<BaseWeights> ShapeOf(const std::string& path, const ShapeFlags& flags) {
  const BloomConfig config = ParseBloomConfig(Json::ReadFile(path), path);
  const QuantizationInfo info{.scheme = *Parse<QuantScheme>(flags.scheme),
                              .block_size = ParseBlockSize(flags.block_size)};
  return BaseWeights::WithoutWeights(config, info, ParseDType(flags.dtype));
}

// The needs of one run with a resident and with a streamed base, and the facts common to both.
struct Needs {
  MemoryPlan plan;                               // the plan that the flags describe
  std::optional<MemoryPlan> resident, streamed;  // nothing if --memory-budget is too small
  int64_t disk_bytes = 0;
  double flops_per_token = 0;
  std::optional<DeviceRates> rates;  // of a GPU, if the plan copies to it
};

// The copies of a base that is larger than a GPU's memory, at the rates that were measured.
struct Copies {
  int64_t bytes = 0;   // bytes copied in a pass over all blocks, forward or backward
  double seconds = 0;  // time that they take
  // The rate of products in the mode of the run, and the tokens of a pass whose products take as long
  // as its copies: with more tokens copies cost no time. Not known for f32.
  double product_rate = 0, tokens_to_hide = 0;
};

std::optional<Copies> CopiesOf(const Needs& needs, Compute compute) {
  if (!needs.rates || needs.plan.chosen.copied_bytes == 0) return std::nullopt;
  Copies copies{.bytes = needs.plan.chosen.copied_bytes};
  copies.seconds = static_cast<double>(copies.bytes) / needs.rates->upload_bytes_per_second;
  if (compute != Compute::kF32) {
    copies.product_rate = compute == Compute::kInt8 ? needs.rates->products.int8_op_per_second
                                                    : needs.rates->products.bf16_flop_per_second;
    copies.tokens_to_hide = copies.seconds * copies.product_rate / (needs.flops_per_token / 2);
  }
  return copies;
}

Needs PlanBothWays(TrainOptions options) {
  Needs needs{.plan = PlanRun(options)};
  bool& streams = options.settings.stream_layers;
  (streams ? needs.streamed : needs.resident) = needs.plan;
  streams = !streams;
  try {
    (streams ? needs.streamed : needs.resident) = PlanRun(options);
  } catch (const UserError&) {
    // The other way does not fit into the budget; the requested plan is the answer.
  }
  const auto base_weights =
      options.shape ? options.shape
                    : BaseWeights::Open(
                          OpenModelFolder(options.model, options.base, options.adapter).base_path);
  needs.disk_bytes = base_weights->Bytes();
  needs.flops_per_token = 2 * FlopsPerToken(base_weights->config());  // forward and input gradients
  return needs;
}

void PrintPlan(const GlobalOptions& globals, Needs needs) {
  const MemoryPlan& plan = needs.plan;
  if (plan.chosen.copied_bytes > 0) {
    std::string note;
    needs.rates = RatesOf(globals.device, note);
    if (!note.empty()) spdlog::warn("{}", note);
  }
  const std::optional<Copies> copies = CopiesOf(needs, globals.compute);
  const auto peak = [](const std::optional<MemoryPlan>& one) {
    return one ? Json(one->chosen.peak_bytes) : Json();
  };
  const auto shown = [](const std::optional<MemoryPlan>& one) {
    return one ? fmt::format("{} ({})", FormatBytes(double(one->chosen.peak_bytes)),
                             one->chosen.name)
               : std::string("more than --memory-budget");
  };
  if (globals.json) {
    Json strategies = Json::Array();
    for (const PlannedStrategy& planned : plan.considered) {
      Json json = Json::Object();
      json.Set("strategy", planned.name);
      json.Set("peak_bytes", planned.peak_bytes);
      json.Set("relative_time", planned.relative_time);
      json.Set("fits", planned.fits);
      json.Set("components", Components(planned));
      strategies.Append(json);
    }
    Json json = Json::Object();
    json.Set("strategy", plan.chosen.name);
    json.Set("peak_bytes", plan.chosen.peak_bytes);
    json.Set("components", Components(plan.chosen));
    json.Set("fits", plan.chosen.fits);
    json.Set("limit_bytes", plan.limit_bytes);
    json.Set("strategies", strategies);
    if (plan.layer_cache_token_bytes > 0) {
      json.Set("layer_cache_token_bytes", plan.layer_cache_token_bytes);
      json.Set("layer_cache_bytes",
               plan.layer_cache_bytes > 0 ? Json(plan.layer_cache_bytes) : Json());
    }
    json.Set("resident_peak_bytes", peak(needs.resident));
    json.Set("streamed_peak_bytes", peak(needs.streamed));
    Json copied;
    if (copies) {
      copied = Json::Object();
      copied.Set("bytes_per_pass", copies->bytes);
      copied.Set("seconds_per_pass", copies->seconds);
      copied.Set("tokens_to_hide",
                 copies->tokens_to_hide > 0 ? Json(copies->tokens_to_hide) : Json());
      copied.Set("rates", RatesJson(*needs.rates));
    }
    json.Set("copies", copied);
    json.Set("disk_bytes", needs.disk_bytes);
    json.Set("flops_per_token", needs.flops_per_token);
    PrintJson(json);
    return;
  }
  std::vector<std::string> header = {"strategy", "peak", "time", "fits"};
  for (const auto& [name, bytes] : plan.chosen.components) header.push_back(name);
  Table table(header);
  for (const PlannedStrategy& planned : plan.considered) {
    std::vector<std::string> row = {planned.name, FormatBytes(double(planned.peak_bytes)),
                                    fmt::format("{:.2f}x", planned.relative_time),
                                    planned.fits ? "yes" : "no"};
    for (const auto& [name, bytes] : planned.components) row.push_back(FormatBytes(double(bytes)));
    table.AddRow(row);
  }
  FieldList fields;
  fields.Add("chosen", plan.chosen.name);
  fields.Add("limit", FormatBytes(double(plan.limit_bytes)));
  if (plan.layer_cache_token_bytes > 0) {
    std::string disk = fmt::format("{} bytes a token", plan.layer_cache_token_bytes);
    if (plan.layer_cache_bytes > 0)
      disk += fmt::format(", {} in all", FormatBytes(double(plan.layer_cache_bytes)));
    fields.Add("layer cache on disk", disk);
  }
  fields.Add("base resident", shown(needs.resident));
  fields.Add("base streamed", shown(needs.streamed));
  if (copies) {
    fields.Add("copied to the GPU",
               fmt::format("{} in each pass over the blocks, in {} at {}/s",
                           FormatBytes(double(copies->bytes)), FormatSeconds(copies->seconds),
                           FormatBytes(needs.rates->upload_bytes_per_second)));
    if (copies->tokens_to_hide > 0)
      fields.Add(
          "copies cost no time",
          fmt::format("from {} tokens a pass on, whose products take as long at {:.3g} TFLOP/s",
                      FormatCount(copies->tokens_to_hide), copies->product_rate / 1e12));
  }
  fields.Add("base on disk", FormatBytes(double(needs.disk_bytes)));
  fields.Add("FLOP a token", FormatCount(needs.flops_per_token));
  Out().Write(table.Text() + "\n" + fields.Text());
}

}  // namespace

void AddPlanCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(
      app, globals, "plan", "Predict the peak memory of a training run for each strategy",
      "lacos plan --model bloom-560m-int8 --train nli.tsv --batch-size 64");
  AddDeviceOption(command, globals);
  auto flags = std::make_shared<TrainFlags>();
  command
      ->add_option("--train", flags->train_files,
                   "Training data, whose real lengths then count; without it every text has "
                   "--max-length tokens")
      ->type_name("FILE");
  AddTrainFlags(command, *flags);
  auto shape = std::make_shared<ShapeFlags>();
  std::vector<CLI::Option*> of_shape = {
      OneOf(command->add_option(
                "--scheme", shape->scheme,
                "How the base will be stored, where --model has no weights: as `lacos quantize` "
                "would, or as --dtype"),
            WordsOf<QuantScheme>()),
      AddBlockSizeOption(command, shape->block_size, "Values that share a scale, with --scheme"),
      AddDTypeOption(command, shape->dtype,
                     "Element type of what is not quantized, where --model has no weights")};
  OnRun(command, globals, [&globals, flags, shape, of_shape] {
    const auto config = ConfigAlone(flags->model.model);
    if (!config) {
      for (const CLI::Option* option : of_shape) {
        if (option->count() > 0) FailUsage(option->get_name(), "is for a --model without weights");
      }
      const TrainOptions options = MakeTrainOptions(globals, *flags);
      LogNotes(OpenModelFolder(options.model, options.base, options.adapter));
      return PrintPlan(globals, PlanBothWays(options));
    }
    if (!flags->train_files.empty() || !flags->model.adapter.empty()) {
      FailUsage(flags->train_files.empty() ? "--adapter" : "--train",
                "needs a model folder with weights and tokenizer; leave it out to plan from "
                "config.json alone");
    }
    PrintPlan(globals, PlanBothWays(MakeTrainOptions(globals, *flags, ShapeOf(*config, *shape))));
  });
}

}  // namespace lacos::cli
