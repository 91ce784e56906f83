// Evaluate: the options of a call become those of an evaluation.
#include "lacos/evaluate.h"

#include "lacos/api/access.h"
#include "lacos/api/call.h"
#include "lacos/capi/call_record.h"
#include "lacos/capi/evaluation.h"

namespace lacos::v0 {
namespace {

// The prompts for texts of each role: what the options say, or else the folder's.
RolePrompts PromptsFor(const lacos_model& model, const EvaluateOptions& options) {
  RolePrompts prompts = FolderPrompts(model.embedder->folder().settings);
  if (options.prompt) prompts.plain = prompts.query = prompts.document = *options.prompt;
  if (options.query_prompt) prompts.query = *options.query_prompt;
  if (options.document_prompt) prompts.document = *options.document_prompt;
  return prompts;
}

// The call for run.json.
Json RecordOf(const lacos_model& model, const std::string& task, const std::string& data,
              const EvaluateOptions& options) {
  Json call = capi::OpeningSettings(model);
  call.Set("task", task);
  call.Set("data", data);
  if (options.prompt) call.Set("prompt", *options.prompt);
  if (options.query_prompt) call.Set("query_prompt", *options.query_prompt);
  if (options.document_prompt) call.Set("document_prompt", *options.document_prompt);
  call.Set("split", options.split);
  if (!options.train_data.empty()) call.Set("train_data", options.train_data);
  call.Set("keep_identical_ids", options.keep_identical_ids);
  return capi::RecordOfCall({.command = "eval",
                             .interface = "lacos/evaluate.h",
                             .function = "lacos::Evaluate",
                             .settings = call,
                             .output = options.output,
                             .seed = options.seed});
}

}  // namespace

Evaluation Evaluate(const SentenceEncoder& encoder, const std::string& task,
                    const std::string& data, const EvaluateOptions& options) {
  return Call([&] {
    const lacos_model& model = SentenceEncoderAccess::Model(encoder);
    capi::EvaluationCall call{
        .model = &model,
        .data = {.task = task,
                 .files = {data},
                 .options = {.split = options.split,
                             .train_data = options.train_data,
                             .keep_identical_ids = options.keep_identical_ids}},
        .prompts = PromptsFor(model, options),
        .seed = options.seed,
        .complete = false};
    call.data.options.classification.seed = call.bootstrap.seed = options.seed;
    call.output = options.output;
    call.cache = options.cache;
    call.writing.overwrite = options.overwrite;
    call.writing.record = RecordOf(model, task, data, options);
    call.progress = [&](size_t done, size_t total) {
      if (options.progress && !options.progress(done, total)) throw StopWork();
    };
    const TaskResult result = capi::RunEvaluation(call).sets.at(0);
    Evaluation found{.items = result.n, .notes = result.notes};
    for (const lacos::Measure& measure : result.measures)
      found.measures.push_back({.name = measure.name, .value = measure.value});
    return found;
  });
}

}  // namespace lacos::v0
