// Evaluate: collects the texts of a task, encodes them with their prompts and scores the vectors.
#include "lacos/evaluate.h"

#include <fmt/format.h>

#include "lacos/api/call.h"
#include "lacos/base/error.h"
#include "lacos/eval/tasks/file_tasks.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/sentence_encoder.h"

namespace lacos::v0 {
namespace {

// The prompts for texts of each role: what the options say, or else the folder's.
RolePrompts PromptsFor(const SentenceEncoder& encoder, const EvaluateOptions& options) {
  EmbeddingSettings settings;
  settings.prompts = encoder.prompts();
  settings.default_prompt_name = encoder.default_prompt_name();
  RolePrompts prompts = FolderPrompts(settings);
  if (options.prompt) prompts.plain = prompts.query = prompts.document = *options.prompt;
  if (options.query_prompt) prompts.query = *options.query_prompt;
  if (options.document_prompt) prompts.document = *options.document_prompt;
  return prompts;
}

}  // namespace

Evaluation Evaluate(const SentenceEncoder& encoder, const std::string& task,
                    const std::string& data, const EvaluateOptions& options) {
  return Call([&] {
    FileTaskOptions file{.split = options.split,
                         .train_data = options.train_data,
                         .keep_identical_ids = options.keep_identical_ids};
    file.classification.seed = options.seed;
    const std::unique_ptr<EvaluationTask> scored = FileTask(task, data, file);
    TextTable table;
    scored->Collect(table);

    const RolePrompts prompts = PromptsFor(encoder, options);
    std::vector<std::string> texts;
    EncodeOptions encode{.progress = options.progress};
    for (int64_t row = 0; row < table.size(); ++row) {
      texts.push_back(table.text(row));
      const TextRole role = table.role(row);
      encode.prompts.push_back(role == TextRole::kQuery      ? prompts.query
                               : role == TextRole::kDocument ? prompts.document
                                                             : prompts.plain);
    }
    const Vectors vectors = encoder.Encode(texts, encode);

    const std::unique_ptr<Backend> backend = MakeBackend({.compute = Compute::kF32});
    const TaskResult result = scored->Score(
        {.backend = *backend,
         .vectors = {.values = vectors.values, .d = static_cast<int64_t>(vectors.dimension)},
         .seed = options.seed,
         .similarity = *Parse<Similarity>(encoder.similarity()),
         .progress = {}});
    Evaluation evaluation{.items = result.n, .notes = scored->notes()};
    evaluation.notes.insert(evaluation.notes.end(), scored->warnings().begin(),
                            scored->warnings().end());
    for (const lacos::Measure& measure : result.measures)
      evaluation.measures.push_back({.name = measure.name, .value = measure.value});
    return evaluation;
  });
}

}  // namespace lacos::v0
