// Train: the settings of the interface become those of the library, whose events become calls.
#include "lacos/trainer.h"

#include <fmt/format.h>

#include <string>
#include <type_traits>

#include "lacos/api/call.h"
#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/word_value.h"
#include "lacos/capi/call_record.h"
#include "lacos/train/setting_values.h"
#include "lacos/train/trainer.h"

namespace lacos::v0 {
namespace {

// Stores the given value of a setting in its field, which has its default. A default need not be in
// the range, because it may mean "not given".
template <class Given, class T>
void Take(const SettingInfo& info, const Given& given, T& field) {
  if constexpr (requires { field.has_value(); }) {
    if (!given) return;
    typename T::value_type value{};
    Take(info, *given, value);
    field = value;
  } else if constexpr (NamedEnum<T>) {
    field = WordValue<T>(info.name, given);
  } else if (given != field) {
    CheckSettingValue(info, given);
    field = given;
  }
}

// Calls `visit` with the name of each setting, its value, its default, and the library's own field.
template <class Visit>
void ForEachSetting(const TrainSettings& given, lacos::TrainOptions& options, const Visit& visit) {
  const TrainSettings otherwise;
#define LACOS_SETTING(part, name) visit(#name, given.name, otherwise.name, options.part.name)
#include "lacos/api/train_settings.inc"
#undef LACOS_SETTING
}

// Adds a setting that differs from its default.
template <class T>
void AddGiven(const char* name, const T& value, const T& otherwise, Json& call) {
  if (value == otherwise) return;
  if constexpr (requires { value.has_value(); }) {
    call.Set(name, *value);
  } else if constexpr (requires {
                         typename T::allocator_type;
                         requires !std::is_same_v<T, std::string>;
                       }) {
    Json list = Json::Array();
    for (const auto& element : value) list.Append(element);
    call.Set(name, list);
  } else {
    call.Set(name, value);
  }
}

// The call for run.json.
Json RecordOf(const TrainOptions& given) {
  const TrainOptions otherwise;
  Json call = Json::Object();
  const auto add = [&](const char* name, const auto& value, const auto& default_value) {
    AddGiven(name, value, default_value, call);
  };
  add("model", given.model, otherwise.model);
  add("base", given.base, otherwise.base);
  add("adapter", given.adapter, otherwise.adapter);
  add("train", given.train, otherwise.train);
  add("dev", given.dev, otherwise.dev);
  add("threads", given.threads, otherwise.threads);
  add("device", given.device, otherwise.device);
  lacos::TrainOptions unused;
  ForEachSetting(given.settings, unused,
                 [&](const char* name, const auto& value, const auto& default_value, const auto&) {
                   add(name, value, default_value);
                 });
  return capi::RecordOfCall({.command = "train",
                             .interface = "lacos/trainer.h",
                             .function = "lacos::Train",
                             .settings = call,
                             .output = given.output,
                             .seed = given.settings.seed});
}

lacos::TrainOptions MakeOptions(const TrainOptions& given) {
  lacos::TrainOptions options;
  options.model = given.model;
  options.base = given.base;
  options.adapter = given.adapter;
  options.train_files = given.train;
  options.dev_file = given.dev;
  options.run.output = given.output;
  options.run.writing.overwrite = given.overwrite;
  options.device = DeviceValue(given.device);
  ForEachSetting(given.settings, options,
                 [](const char* name, const auto& value, const auto&, auto& field) {
                   Take(SettingNamed(name), value, field);
                 });
  return options;
}

DevScore ScoreOf(const EvaluationRecord& record) {
  return {.step = record.step,
          .spearman = record.spearman,
          .pearson = record.pearson,
          .best = record.best};
}

class Events final : public TrainObserver {
 public:
  explicit Events(const TrainOptions& options) : options_(options) {}
  bool stopped() const { return stopped_; }

  void OnStep(const StepRecord& record) override {
    if (!options_.on_step) return;
    const TrainStep step{.step = record.step,
                         .total_steps = record.total_steps,
                         .epoch = record.epoch,
                         .loss = record.loss,
                         .learning_rate = record.learning_rate,
                         .gradient_norm = record.gradient_norm,
                         .tokens_per_second = record.tokens_per_second,
                         .seconds = record.seconds,
                         .has_update = !record.bad};
    stopped_ = !options_.on_step(step);
  }
  void OnEvaluation(const EvaluationRecord& record) override {
    if (options_.on_dev_score) options_.on_dev_score(ScoreOf(record));
  }
  void OnCheckpoint(int64_t step, const std::string& folder) override {
    OnMessage(fmt::format("step {}: saved {}", step, folder));
  }
  void OnMessage(const std::string& message) override {
    if (options_.on_message) options_.on_message(message);
  }
  void OnWarning(const std::string& message) override {
    if (options_.on_warning) options_.on_warning(message);
  }

 private:
  const TrainOptions& options_;
  bool stopped_ = false;
};

}  // namespace

TrainReport Train(const TrainOptions& given) {
  return Call([&] {
    lacos::TrainOptions options = MakeOptions(given);
    if (options.run.resume && given.overwrite) {
      throw UserError(
          "[`resume`, `overwrite`] both are set; expected one; go on with a run or start anew");
    }
    SetThreadCount(given.threads);
    options.run.writing.record = RecordOf(given);
    Events events(given);
    const lacos::TrainReport report =
        lacos::Train(options, {&events}, [&] { return events.stopped(); });
    return TrainReport{.steps = report.steps,
                       .bad_steps = report.bad_steps,
                       .tokens = report.tokens,
                       .truncated = report.truncated,
                       .seconds = report.seconds,
                       .loss_first = report.loss_first,
                       .loss_last = report.loss_last,
                       .interrupted = report.interrupted,
                       .has_dev_score = report.evaluated,
                       .first = ScoreOf(report.first_evaluation),
                       .best = ScoreOf(report.best_evaluation),
                       .last = ScoreOf(report.last_evaluation)};
  });
}

}  // namespace lacos::v0
