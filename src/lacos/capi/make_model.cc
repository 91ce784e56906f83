// lacos_quantize and lacos_train: the settings of a call become the options of the library, whose
// events become JSON.
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/capi/call_record.h"
#include "lacos/capi/call_settings.h"
#include "lacos/capi/events.h"
#include "lacos/capi/status.h"
#include "lacos/capi/text.h"
#include "lacos/convert/quantize.h"
#include "lacos/formats/bloom_tensors.h"
#include "lacos/io/json_numbers.h"
#include "lacos/train/report_json.h"
#include "lacos/train/trainer.h"

namespace lacos::capi {
namespace {

Json TextEvent(const char* kind, const std::string& text) {
  Json event = Json::Object();
  event.Set("event", kind);
  event.Set("text", text);
  return event;
}

// "row" or a number of values. A wrong number is refused by QuantizeFolder.
void ReadBlockSize(CallSettings& settings, int64_t& block_size) {
  if (settings.Given("block_size") && settings.Value("block_size").IsString()) {
    if (settings.Value("block_size").AsString() == "row") return;
    throw UserError(fmt::format(
        "[`block_size`] found {}; expected 'row', or a power of two from 64 to 4096; correct it",
        settings.Value("block_size").Dump()));
  }
  settings.Read("block_size", block_size);
}

void Quantize(const char* json, lacos_event on_event, void* context, char** report) {
  CallSettings settings(json, "lacos_quantize");
  std::string model, output;
  QuantizeOptions options;
  settings.Require("model", "an original BLOOM folder");
  settings.Read("model", model);
  settings.Require("output", "the folder to make");
  settings.Read("output", output);
  settings.Read("scheme", options.scheme);
  if (options.scheme == QuantScheme::kNone)
    throw UserError("[`scheme`] found 'none'; expected linear or dynamic; correct it");
  ReadBlockSize(settings, options.block_size);
  settings.Read("keep_embedding", options.keep_embedding);
  settings.Read("layout", options.layout);
  settings.Read("base_name", options.base_name);
  settings.Read("overwrite", options.writing.overwrite);
  const int threads = settings.ReadThreads();
  settings.RefuseOthers();
  options.writing.record = RecordOfCall({.command = "quantize",
                                         .interface = "lacos.h",
                                         .function = "lacos_quantize",
                                         .settings = settings.all(),
                                         .output = output});
  RunWithEvents(on_event, context, [&](Events& events) {
    SetThreadCount(threads);
    options.writing.progress = [&](const WorkProgress& work) {
      events.PostProgress(work.done, work.total);
    };
    options.writing.check_cancel = [&] { events.CheckStop(); };
    const QuantizeReport done = QuantizeFolder(model, output, options);
    if (!done.left_out_heads.empty())
      events.Post(TextEvent("message", HeadsNote(model, done.left_out_heads)));
    GiveText(ReportJson(done).Dump(), report);
  });
}

Json StepEvent(const StepRecord& record) {
  Json event = Json::Object();
  event.Set("event", "step");
  event.Set("step", record.step);
  event.Set("total_steps", record.total_steps);
  event.Set("epoch", record.epoch);
  event.Set("loss", NumberOrNull(record.loss));
  event.Set("learning_rate", record.learning_rate);
  event.Set("gradient_norm", NumberOrNull(record.gradient_norm));
  event.Set("tokens", record.tokens);
  event.Set("tokens_per_second", record.tokens_per_second);
  event.Set("seconds", record.seconds);
  event.Set("has_update", !record.bad.has_value());
  return event;
}

class TrainEvents final : public TrainObserver {
 public:
  explicit TrainEvents(Events& events) : events_(events) {}

  void OnStart(const TrainingData& data, const MemoryPlan& plan, int64_t first_step,
               int64_t total_steps) override {
    for (const ExampleFile& file : data.files()) {
      OnMessage(fmt::format("[{}] {} rows read, {} examples", file.path, file.rows,
                            file.examples.size()));
      file.dropped.ForEachReason([&](const char* reason, int64_t count) {
        if (count > 0)
          OnMessage(fmt::format("[{}] {} rows {} were left out", file.path, count, reason));
      });
      for (const std::string& note : file.Notes())
        OnMessage(fmt::format("[{}] {}", file.path, note));
    }
    if (data.truncated() > 0) {
      OnMessage(fmt::format("{} texts are longer than `max_length` and lose their {}",
                            data.truncated(), data.lost_part()));
    }
    Json event = Json::Object();
    event.Set("event", "start");
    event.Set("first_step", first_step);
    event.Set("total_steps", total_steps);
    event.Set("examples", data.examples());
    event.Set("truncated", data.truncated());
    event.Set("strategy", plan.chosen.name);
    event.Set("planned_peak_bytes", plan.chosen.peak_bytes);
    events_.Post(event);
  }
  void OnStep(const StepRecord& record) override { events_.Post(StepEvent(record)); }
  void OnEvaluation(const EvaluationRecord& record) override {
    Json event = Json::Object();
    event.Set("event", "dev_score");
    event.Set("step", record.step);
    event.Set("spearman", NumberOrNull(record.spearman));
    event.Set("pearson", NumberOrNull(record.pearson));
    event.Set("best", record.best);
    events_.Post(event);
  }
  void OnCheckpoint(int64_t step, const std::string& folder) override {
    OnMessage(fmt::format("step {}: saved {}", step, folder));
  }
  void OnMessage(const std::string& message) override {
    events_.Post(TextEvent("message", message));
  }
  void OnWarning(const std::string& message) override {
    events_.Post(TextEvent("warning", message));
  }

 private:
  Events& events_;
};

void Train(const char* json, lacos_event on_event, void* context, char** report) {
  CallSettings settings(json, "lacos_train");
  TrainOptions options;
  settings.Require("model", "the folder of a BLOOM or of a trained model");
  settings.Read("model", options.model);
  settings.Read("base", options.base);
  settings.Read("adapter", options.adapter);
  settings.Require("train", "files of training data");
  settings.Read("train", options.train_files);
  settings.Read("dev", options.dev_file);
  settings.Require("output", "the folder to make");
  settings.Read("output", options.run.output);
  settings.Read("overwrite", options.run.writing.overwrite);
  std::string device(NameOf(options.device));
  settings.Read("device", device);
  options.device = DeviceValue(device);
  const int threads = settings.ReadThreads();
  const auto read = [&](const SettingInfo& info, auto& field) { settings.ReadListed(info, field); };
  options.settings.ForEachField(read);
  options.run.ForEachField(read);
  options.run.names = settings.ReadNames();
  settings.RefuseOthers();
  if (options.run.resume && options.run.writing.overwrite) {
    throw UserError(
        "[`resume`, `overwrite`] both are set; expected one; go on with a run or start anew");
  }
  options.run.writing.record = RecordOfCall({.command = "train",
                                             .interface = "lacos.h",
                                             .function = "lacos_train",
                                             .settings = settings.all(),
                                             .output = options.run.output,
                                             .seed = options.settings.seed,
                                             .names = options.run.names});
  RunWithEvents(on_event, context, [&](Events& events) {
    SetThreadCount(threads);
    TrainEvents observer(events);
    const TrainReport done =
        lacos::Train(options, {&observer}, [&] { return events.stop_requested(); });
    Json result = ReportJson(done);
    result.Set("interrupted", done.interrupted);
    GiveText(result.Dump(), report);
  });
}

}  // namespace

void GiveText(std::string_view text, char** out) {
  if (out == nullptr) return;
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  *out = copy;
}

}  // namespace lacos::capi

extern "C" {

void lacos_free_text(char* text) { std::free(text); }

lacos_status lacos_quantize(const char* settings, lacos_event on_event, void* context,
                            char** report) {
  if (report != nullptr) *report = nullptr;
  return lacos::capi::Call([&] { lacos::capi::Quantize(settings, on_event, context, report); });
}

lacos_status lacos_train(const char* settings, lacos_event on_event, void* context, char** report) {
  if (report != nullptr) *report = nullptr;
  return lacos::capi::Call([&] { lacos::capi::Train(settings, on_event, context, report); });
}
}
