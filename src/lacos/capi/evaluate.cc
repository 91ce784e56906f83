// lacos_evaluate: collects the texts of the tasks, encodes them with their prompts and scores the
// vectors.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/capi/call_settings.h"
#include "lacos/capi/encode_texts.h"
#include "lacos/capi/evaluation.h"
#include "lacos/capi/events.h"
#include "lacos/capi/status.h"
#include "lacos/capi/text.h"
#include "lacos/data/task.h"
#include "lacos/eval/results/aggregates.h"
#include "lacos/eval/results/summary_json.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/train/settings.h"

namespace lacos::capi {
namespace {

const TextPrompt& PromptOf(const RolePrompts& prompts, TextRole role) {
  return role == TextRole::kQuery      ? prompts.query
         : role == TextRole::kDocument ? prompts.document
                                       : prompts.plain;
}

// The vectors of the table's texts, [texts, D]. Texts of one prompt are encoded together.
std::vector<float> EncodeTable(const lacos_model& model, const TextTable& texts,
                               const ModelEvaluation& options) {
  const size_t d = lacos_dimension(&model), n = static_cast<size_t>(texts.size());
  std::vector<float> vectors(n * d);
  std::map<TextPrompt, std::vector<int64_t>> rows_of;
  for (int64_t row = 0; row < texts.size(); ++row)
    rows_of[PromptOf(options.prompts, texts.role(row))].push_back(row);
  size_t finished = 0;
  for (const auto& [prompt, rows] : rows_of) {
    std::vector<std::string> chosen;
    for (const int64_t row : rows) chosen.push_back(texts.text(row));
    std::vector<float> values(rows.size() * d);
    EncodeTexts(model, chosen, prompt, values, [&](size_t done) {
      if (options.progress) options.progress(finished + done, n);
    });
    finished += rows.size();
    for (size_t i = 0; i < rows.size(); ++i)
      std::copy_n(values.data() + i * d, d, vectors.data() + static_cast<size_t>(rows[i]) * d);
  }
  return vectors;
}

// Counts the texts of a set that were truncated or have no tokens.
void CountLengths(const lacos_model& model, const EvaluationTask& task, const TextTable& texts,
                  const RolePrompts& prompts, TaskResult& result) {
  const TextEncoder& encoder = model.embedder->text_encoder();
  std::map<TextPrompt, TokenizeOptions> tokenize;
  for (const TextPrompt* prompt : {&prompts.plain, &prompts.query, &prompts.document})
    tokenize.emplace(*prompt, encoder.TokenizeOptionsFor(*prompt));
  for (const int64_t row : task.rows()) {
    const TextPrompt& prompt = PromptOf(prompts, texts.role(row));
    const TokenizedText text = TokenizeText(model.embedder->tokenizer(),
                                            prompt.text + texts.text(row), tokenize.at(prompt));
    result.truncated += text.truncated ? 1 : 0;
    result.empty += text.ids.empty() ? 1 : 0;
  }
}

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

struct EvaluateSettings {
  EvaluationData data;
  ModelEvaluation model;
  BootstrapOptions bootstrap;
  std::vector<std::string> leak_check;
};

EvaluateSettings ReadSettings(CallSettings& settings, const EmbeddingSettings& folder) {
  EvaluateSettings read;
  EvaluationData& data = read.data;
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
  const auto in_range = [&](const SettingInfo& info, auto& field) {
    settings.ReadListed(info, field);
  };
  in_range({.name = "shots", .low = 0, .high = INT32_MAX}, data.options.classification.shots);
  in_range({.name = "resamples", .low = 100, .high = 1e6}, read.bootstrap.resamples);
  in_range({.name = "confidence", .low = 0.5, .high = 0.9999}, read.bootstrap.confidence);
  settings.Read("seed", read.model.seed);
  read.bootstrap.seed = data.options.classification.seed = read.model.seed;
  settings.Read("similarity", read.model.similarity);
  settings.Read("leak_check", read.leak_check);
  read.model.prompts = ReadPrompts(settings, folder);
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
  RequireModel(model);
  CallSettings settings(json, "lacos_evaluate");
  EvaluateSettings read = ReadSettings(settings, model->embedder->folder().settings);
  RunWithEvents(on_event, context, [&](Events& events) {
    const auto note = [&](const std::string& line) { events.Post(NoteEvent("message", line)); };
    const auto warn = [&](const std::string& line) { events.Post(NoteEvent("warning", line)); };
    events.CheckStop();
    std::vector<std::string> absent;
    const EvaluationTasks tasks = MakeTasks(read.data, absent);
    if (!absent.empty())
      warn(fmt::format("not in the suite, left out: {}", fmt::join(absent, ", ")));
    read.model.progress = [&](size_t done, size_t total) {
      events.CheckStop();
      events.PostProgress(static_cast<int64_t>(done), static_cast<int64_t>(total));
    };
    read.model.check_cancel = [&] { events.CheckStop(); };
    TextTable texts;
    EvaluationResults results = EvaluateModel(*model, tasks, read.model, texts);
    for (const auto& task : tasks) {
      for (const std::string& line : task->notes()) note(line);
      for (const std::string& line : task->warnings()) warn(line);
    }
    results.system.Set("model", model->embedder->folder().path);
    AddOverlap({.adapter_path = model->embedder->folder().adapter_path,
                .files = read.leak_check,
                .table = read.data.options.table,
                .check_cancel = read.model.check_cancel,
                .on_warning = warn,
                .on_note = note},
               tasks, texts, results);
    Summarize(results, read.bootstrap);
    for (const std::string& line : UndefinedResamples(results, read.bootstrap.confidence))
      warn(line);
    GiveText(ResultsReport(results, read.bootstrap.confidence).Dump(), report);
  });
}

}  // namespace

EvaluationResults EvaluateModel(const lacos_model& model, const EvaluationTasks& tasks,
                                const ModelEvaluation& options, TextTable& texts) {
  for (const auto& task : tasks) task->Collect(texts);
  const std::vector<float> vectors = EncodeTable(model, texts, options);
  const std::unique_ptr<Backend> backend = MakeBackend({.compute = Compute::kF32});
  EvaluationResults results;
  for (const auto& task : tasks) {
    TaskResult result = task->Score(
        {.backend = *backend,
         .vectors = {.values = vectors, .d = static_cast<int64_t>(lacos_dimension(&model))},
         .seed = options.seed,
         .similarity = options.similarity.value_or(model.embedder->similarity()),
         .progress = [&](int64_t, int64_t) {
           if (options.check_cancel) options.check_cancel();
         }});
    CountLengths(model, *task, texts, options.prompts, result);
    result.notes = task->notes();
    result.notes.insert(result.notes.end(), task->warnings().begin(), task->warnings().end());
    results.sets.push_back(std::move(result));
  }
  return results;
}

}  // namespace lacos::capi

extern "C" lacos_status lacos_evaluate(lacos_model* model, const char* settings,
                                       lacos_event on_event, void* context, char** report) {
  if (report != nullptr) *report = nullptr;
  return lacos::capi::Call(
      [&] { lacos::capi::Evaluate(model, settings, on_event, context, report); });
}
