// lacos_evaluate, lacos_evaluation_texts and lacos_compare_evaluations: the settings of a call become
// those of an evaluation.
#include <string>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/capi/call_record.h"
#include "lacos/capi/call_settings.h"
#include "lacos/capi/evaluation.h"
#include "lacos/capi/events.h"
#include "lacos/capi/status.h"
#include "lacos/capi/text.h"
#include "lacos/data/task.h"
#include "lacos/eval/results/result_folders.h"
#include "lacos/eval/results/summary_json.h"
#include "lacos/train/settings.h"

namespace lacos::capi {
namespace {

// The prompts that the settings give, or else the folder's.
RolePrompts ReadPrompts(CallSettings& settings, const EmbeddingSettings& folder) {
  std::optional<std::string> prompt, query, document;
  std::string name;
  settings.Read("prompt", prompt);
  settings.Read("prompt_name", name);
  settings.Read("query_prompt", query);
  settings.Read("document_prompt", document);
  if (prompt && !name.empty()) {
    throw UserError(
        "[`prompt`, `prompt_name`] both are set; expected one of them; leave the other out");
  }
  RolePrompts prompts = FolderPrompts(folder);
  if (prompt || !name.empty()) {
    prompts.plain = prompts.query = prompts.document =
        prompt ? TextPrompt(*prompt) : ResolvePrompt(folder, "", name);
  }
  if (query) prompts.query = *query;
  if (document) prompts.document = *document;
  return prompts;
}

void ReadBootstrap(CallSettings& settings, BootstrapOptions& bootstrap) {
  settings.ReadListed({.name = "resamples", .low = 100, .high = 1e6}, bootstrap.resamples);
  settings.ReadListed({.name = "confidence", .low = 0.5, .high = 0.9999}, bootstrap.confidence);
  settings.Read("seed", bootstrap.seed);
}

// The settings that say what is measured on.
EvaluationData ReadData(CallSettings& settings) {
  EvaluationData data;
  settings.Read("task", data.task);
  if (!Parse<Task>(data.task)) WordValue<Task>("task", data.task);
  settings.Read("data", data.files);
  settings.Read("suite", data.suites, ',');
  settings.Read("suite_folder", data.suite_folder);
  settings.Read("skip_missing", data.skip_missing);
  if (data.files.empty() == data.suites.empty()) {
    throw UserError(
        "[`data`, `suite`] expected one of them; found both or neither; name files with `data`, or "
        "published sets with `suite` and `suite_folder`");
  }
  if (!data.suites.empty() && data.suite_folder.empty()) {
    throw UserError(
        "[`suite_folder`] found nothing; expected the folder that `lacos data prepare` made; set "
        "it");
  }
  settings.Read("split", data.options.split);
  settings.Read("train_data", data.options.train_data);
  settings.Read("keep_identical_ids", data.options.keep_identical_ids);
  std::string delimiter, quoting;
  bool replace_invalid = false;
  settings.ReadListed(SettingNamed("delimiter"), delimiter);
  settings.ReadListed(SettingNamed("quoting"), quoting);
  settings.ReadListed(SettingNamed("replace_invalid"), replace_invalid);
  data.options.table = MakeTableOptions(delimiter, quoting, replace_invalid);
  settings.ReadListed({.name = "shots", .low = 0, .high = INT32_MAX},
                      data.options.classification.shots);
  data.names = settings.ReadNames();
  return data;
}

// The settings that say which other system is measured than a model.
void ReadOtherSystem(CallSettings& settings, EvaluationCall& call) {
  std::string floor;
  settings.Read("embeddings", call.other.embeddings);
  settings.Read("about", call.other.about);
  settings.Read("floor", floor);
  if (!floor.empty()) call.floor = WordValue<Floor>("floor", floor);
  const auto named = call.data.names.find(call.other.embeddings);
  call.other.name = named == call.data.names.end() ? call.other.embeddings : named->second;
  call.other.texts_from = "lacos_evaluation_texts";
  const int systems = (call.model != nullptr ? 1 : 0) + (call.other.embeddings.empty() ? 0 : 1) +
                      (call.floor ? 1 : 0);
  if (systems > 1) {
    throw UserError(
        "[`embeddings`, `floor`] found more than one system; expected a model, `embeddings` or "
        "`floor`; leave the others out");
  }
  if (systems == 0) RequireModel(nullptr);
  if (!call.other.about.empty() && call.other.embeddings.empty()) {
    throw UserError(
        "[`about`] found no `embeddings`; expected them, since what is said of a model is measured; "
        "leave it out");
  }
}

EvaluationCall ReadSettings(const lacos_model* model, CallSettings& settings) {
  EvaluationCall read{.model = model};
  read.data = ReadData(settings);
  ReadBootstrap(settings, read.bootstrap);
  read.seed = read.data.options.classification.seed = read.bootstrap.seed;
  ReadOtherSystem(settings, read);
  settings.Read("similarity", read.similarity);
  settings.Read("leak_check", read.leak_check);
  settings.Read("output", read.output);
  settings.Read("overwrite", read.writing.overwrite);
  settings.Read("cache", read.cache);
  if (!read.cache.empty() && model == nullptr) {
    throw UserError("[`cache`] found no model; expected one, whose vectors it keeps; leave it out");
  }
  read.prompts = ReadPrompts(
      settings, model != nullptr ? model->embedder->folder().settings : EmbeddingSettings{});
  settings.RefuseOthers();
  return read;
}

Json NoteEvent(const char* kind, const std::string& text) {
  Json event = Json::Object();
  event.Set("event", kind);
  event.Set("text", text);
  return event;
}

void Evaluate(const lacos_model* model, const char* json, lacos_event on_event, void* context,
              char** report) {
  CallSettings settings(json, "lacos_evaluate");
  EvaluationCall call = ReadSettings(model, settings);
  Json recorded = model != nullptr ? OpeningSettings(*model) : Json::Object();
  AddMembers(settings.all(), recorded);
  call.writing.record = RecordOfCall({.command = "eval",
                                      .interface = "lacos.h",
                                      .function = "lacos_evaluate",
                                      .settings = recorded,
                                      .output = call.output,
                                      .seed = call.seed,
                                      .names = call.data.names});
  RunWithEvents(on_event, context, [&](Events& events) {
    call.on_note = [&](const std::string& line) { events.Post(NoteEvent("message", line)); };
    call.on_warning = [&](const std::string& line) { events.Post(NoteEvent("warning", line)); };
    call.check_cancel = call.writing.check_cancel = [&] { events.CheckStop(); };
    call.progress = [&](size_t done, size_t total) {
      events.CheckStop();
      events.PostProgress(static_cast<int64_t>(done), static_cast<int64_t>(total));
    };
    const EvaluationResults results = RunEvaluation(call);
    GiveText(ResultsReport(results, call.bootstrap.confidence).Dump(), report);
  });
}

void EvaluationTexts(const char* json, char** texts) {
  Require(texts != nullptr,
          "[texts] NULL; expected where the texts are to be put; pass the address of a pointer");
  CallSettings settings(json, "lacos_evaluation_texts");
  const EvaluationCall call{.data = ReadData(settings)};
  settings.RefuseOthers();
  const TextTable table = TextsOf(call);
  Json list = Json::Array();
  for (int64_t row = 0; row < table.size(); ++row) list.Append(TextJson(table, row));
  GiveText(list.Dump(), texts);
}

void CompareEvaluations(const char* folder_a, const char* folder_b, const char* json,
                        lacos_event on_event, void* context, char** report) {
  const std::string a(ReadText(folder_a, LACOS_NUL_TERMINATED, "a"));
  const std::string b(ReadText(folder_b, LACOS_NUL_TERMINATED, "b"));
  CallSettings settings(json, "lacos_compare_evaluations");
  BootstrapOptions bootstrap;
  ReadBootstrap(settings, bootstrap);
  std::string output;
  OutputOptions writing;
  settings.Read("output", output);
  settings.Read("overwrite", writing.overwrite);
  settings.RefuseOthers();
  Json recorded = Json::Object();
  recorded.Set("compare", Json::Strings({a, b}));
  AddMembers(settings.all(), recorded);
  writing.record = RecordOfCall({.command = "eval",
                                 .interface = "lacos.h",
                                 .function = "lacos_compare_evaluations",
                                 .settings = recorded,
                                 .output = output,
                                 .seed = bootstrap.seed});
  RunWithEvents(on_event, context, [&](Events& events) {
    writing.check_cancel = [&] { events.CheckStop(); };
    events.CheckStop();
    if (!output.empty()) CheckOutput(output, {.overwrite = writing.overwrite, .inputs = {a, b}});
    const FolderComparison found = CompareFolders(a, b, bootstrap);
    if (!found.apart.empty()) events.Post(NoteEvent("warning", found.NoteOnSetsApart()));
    events.CheckStop();
    if (!output.empty()) WriteComparisonFolder(found, bootstrap.confidence, output, writing);
    GiveText(found.ToJson().Dump(), report);
  });
}

}  // namespace
}  // namespace lacos::capi

extern "C" {

lacos_status lacos_evaluate(lacos_model* model, const char* settings, lacos_event on_event,
                            void* context, char** report) {
  if (report != nullptr) *report = nullptr;
  return lacos::capi::Call(
      [&] { lacos::capi::Evaluate(model, settings, on_event, context, report); });
}

lacos_status lacos_evaluation_texts(const char* settings, char** texts) {
  if (texts != nullptr) *texts = nullptr;
  return lacos::capi::Call([&] { lacos::capi::EvaluationTexts(settings, texts); });
}

lacos_status lacos_compare_evaluations(const char* a, const char* b, const char* settings,
                                       lacos_event on_event, void* context, char** report) {
  if (report != nullptr) *report = nullptr;
  return lacos::capi::Call(
      [&] { lacos::capi::CompareEvaluations(a, b, settings, on_event, context, report); });
}
}
