// `lacos plan`: what a training run would take in memory, strategy by strategy, before it is started.
#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "common.h"
#include "lacos/base/process.h"
#include "output.h"
#include "progress.h"
#include "train_flags.h"

namespace lacos {
namespace {

Json Components(const PlannedStrategy& planned) {
  Json json = Json::Object();
  for (const auto& [name, bytes] : planned.components) json.Set(name, bytes);
  return json;
}

void PrintPlan(const GlobalOptions& globals, const MemoryPlan& plan) {
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
      json.Set("layer_cache_bytes", plan.layer_cache_bytes > 0 ? Json(plan.layer_cache_bytes) : Json());
    }
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
  Out().Write(table.Text() + "\n" + fields.Text());
}

}  // namespace

void AddPlanCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "plan", "Predict the peak memory of a training run for each strategy",
                 "lacos plan --model bloom-560m-int8 --train nli.tsv --batch-size 64");
  auto flags = std::make_shared<TrainFlags>();
  command
      ->add_option(
          "--train", flags->train_files,
          "Training data, whose real lengths then count; without it every text has --max-length tokens")
      ->type_name("FILE");
  AddTrainFlags(command, *flags);
  OnRun(command, globals,
        [&globals, flags] { PrintPlan(globals, PlanRun(MakeTrainOptions(globals, *flags))); });
}

}  // namespace lacos
