// Evaluate: collects the texts of a task, encodes them with their prompts and scores the vectors.
#include "lacos/evaluate.h"

#include <fmt/format.h>

#include "lacos/api/call.h"
#include "lacos/base/error.h"
#include "lacos/eval/tasks/file_tasks.h"
#include "lacos/kernels/make_backend.h"

namespace lacos::v0 {
namespace {

// The prompt for texts: what the options say, or else the folder's default prompt.
std::string PlainPrompt(const SentenceEncoder& encoder, const EvaluateOptions& options) {
  if (options.prompt) return *options.prompt;
  const std::string name = encoder.default_prompt_name();
  return name.empty() ? "" : encoder.prompts().at(name);
}

}  // namespace

Evaluation Evaluate(const SentenceEncoder& encoder, const std::string& task,
                    const std::string& data, const EvaluateOptions& options) {
  return Call([&] {
    FileTaskOptions file{.split = options.split, .train_data = options.train_data};
    file.classification.seed = options.seed;
    const std::unique_ptr<EvaluationTask> scored = FileTask(task, data, file);
    TextTable table;
    scored->Collect(table);

    const std::string plain = PlainPrompt(encoder, options);
    std::vector<std::string> texts;
    EncodeOptions encode{.progress = options.progress};
    for (int64_t row = 0; row < table.size(); ++row) {
      texts.push_back(table.text(row));
      const TextRole role = table.role(row);
      encode.prompts.push_back(role == TextRole::kQuery ? options.query_prompt.value_or(plain)
                               : role == TextRole::kDocument
                                   ? options.document_prompt.value_or(plain)
                                   : plain);
    }
    const Vectors vectors = encoder.Encode(texts, encode);

    const std::unique_ptr<Backend> backend = MakeBackend({.compute = Compute::kF32});
    const TaskResult result = scored->Score(
        {.backend = *backend,
         .vectors = {.values = vectors.values, .d = static_cast<int64_t>(vectors.dimension)},
         .seed = options.seed,
         .progress = {}});
    Evaluation evaluation{.items = result.n, .notes = scored->notes()};
    for (const lacos::Measure& measure : result.measures)
      evaluation.measures.push_back({.name = measure.name, .value = measure.value});
    return evaluation;
  });
}

}  // namespace lacos::v0
