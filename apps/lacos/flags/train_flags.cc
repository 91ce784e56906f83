// The flags of a training run, shared by `lacos train`, `lacos plan` and `lacos bench train`.
#include "flags/train_flags.h"

#include "flags/setting_flags.h"

namespace lacos::cli {
namespace {

// Adds the flags of one group in the order of the list. `Settings` is TrainSettings or RunOptions.
template <class Settings>
void AddGroup(CLI::App* command, Settings& settings, SettingGroup group) {
  settings.ForEachField([&](const SettingInfo& info, auto& value) {
    if (info.group == group) AddFlag(command, info, value);
  });
}

}  // namespace

void AddTrainFlags(CLI::App* command, TrainFlags& flags) {
  command
      ->add_option("--config", flags.config,
                   "Flags from a TOML file, or from the run.json of an earlier run")
      ->type_name("FILE");
  AddModelOptions(command, flags.model);
  for (const SettingGroup group :
       {SettingGroup::kData, SettingGroup::kObjective, SettingGroup::kAdapter,
        SettingGroup::kOptimizer, SettingGroup::kMemory}) {
    AddGroup(command, flags.settings, group);
  }
  GetOption(command, "--warmup-steps")->excludes(GetOption(command, "--warmup-ratio"));
}

void AddEvaluationFlags(CLI::App* command, TrainFlags& flags) {
  AddGroup(command, flags.settings, SettingGroup::kEvaluation);
}

void AddCheckpointFlags(CLI::App* command, TrainFlags& flags) {
  AddGroup(command, flags.run, SettingGroup::kCheckpoints);
}

TrainOptions MakeTrainOptions(const GlobalOptions& globals, const TrainFlags& flags,
                              const std::shared_ptr<BaseWeights>& shape) {
  TrainOptions options{.model = flags.model.model,
                       .base = flags.model.base,
                       .adapter = flags.model.adapter,
                       .shape = shape,
                       .train_files = flags.train_files,
                       .dev_file = flags.dev,
                       .device = globals.device,
                       .settings = flags.settings,
                       .run = flags.run,
                       .probe = {}};
  options.settings.compute = globals.compute;
  options.settings.seed = globals.seed;
  return Resolve(options);
}

}  // namespace lacos::cli
