// Evaluate: collects the texts of a task, encodes them with their prompts and scores the vectors.
#include "lacos/evaluate.h"

#include "lacos/api/access.h"
#include "lacos/api/call.h"
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

}  // namespace

Evaluation Evaluate(const SentenceEncoder& encoder, const std::string& task,
                    const std::string& data, const EvaluateOptions& options) {
  return Call([&] {
    const lacos_model& model = SentenceEncoderAccess::Model(encoder);
    EvaluationData what{.task = task,
                        .files = {data},
                        .options = {.split = options.split,
                                    .train_data = options.train_data,
                                    .keep_identical_ids = options.keep_identical_ids}};
    what.options.classification.seed = options.seed;
    std::vector<std::string> absent;
    const EvaluationTasks tasks = MakeTasks(what, absent);
    capi::ModelEvaluation evaluation{.prompts = PromptsFor(model, options), .seed = options.seed};
    evaluation.progress = [&](size_t done, size_t total) {
      if (options.progress && !options.progress(done, total)) throw StopWork();
    };
    TextTable texts;
    const TaskResult result = capi::EvaluateModel(model, tasks, evaluation, texts).sets.at(0);
    Evaluation found{.items = result.n, .notes = result.notes};
    for (const lacos::Measure& measure : result.measures)
      found.measures.push_back({.name = measure.name, .value = measure.value});
    return found;
  });
}

}  // namespace lacos::v0
