#include "lacos/capi/evaluation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <span>

#include "lacos/capi/encode_texts.h"
#include "lacos/eval/measured_system.h"
#include "lacos/eval/results/result_folders.h"
#include "lacos/kernels/make_backend.h"

namespace lacos::capi {
namespace {

void Check(const EvaluationCall& call) {
  if (call.check_cancel) call.check_cancel();
}

// Encodes in slices, so that other callers of the model take turns.
MeasuredSystem MeasureOpenModel(const EvaluationCall& call, const TextTable& texts,
                                const std::function<void(const std::string&)>& on_warning) {
  const lacos_model& model = *call.model;
  const auto total = static_cast<size_t>(texts.size());
  size_t finished = 0;
  TableEncoder encoder(*model.embedder);
  encoder.dimension = static_cast<int64_t>(lacos_dimension(&model));
  encoder.truncate_dim = model.embedder->folder().settings.truncate_dim.value_or(0);
  encoder.normalize = model.normalize;
  encoder.encode = [&](std::span<const std::string> block, const TextPrompt& prompt,
                       std::span<float> out) {
    const lacos_encode_stats stats = EncodeTexts(model, block, prompt, out, [&](size_t done) {
      if (call.progress) call.progress(finished + done, total);
    });
    finished += block.size();
    return EncodeStatistics{.texts = static_cast<int64_t>(stats.texts),
                            .tokens = static_cast<int64_t>(stats.tokens),
                            .truncated = static_cast<int64_t>(stats.truncated),
                            .empty = static_cast<int64_t>(stats.empty)};
  };
  encoder.alone = [&](const std::function<void()>& work) { RunForModel(model, work); };
  return MeasureModel(encoder, texts,
                      {.name = model.embedder->folder().path,
                       .prompts = call.prompts,
                       .prefix = model.options.prefix,
                       .suffix = model.options.suffix,
                       .preset = model.options.preset,
                       .similarity = call.similarity,
                       .cache = call.cache,
                       .progress = {},
                       .on_warning = on_warning});
}

WorkRecord RecordOf(const EvaluationCall& call, const Backend& backend) {
  return {.inputs =
              [&call](RunInputs& inputs) {
                AddInputs({.model = call.model ? &call.model->embedder->folder() : nullptr,
                           .embeddings = call.other.embeddings,
                           .about = call.other.about,
                           .leak_check = call.leak_check},
                          call.data, inputs);
              },
          .kernels =
              [&call, &backend] {
                if (call.model == nullptr) return backend.Describe();
                KernelInfo kernels;  // those that embedded the texts
                RunForModel(*call.model,
                            [&] { kernels = call.model->embedder->backend().Describe(); });
                return kernels;
              }};
}

void Note(const EvaluationCall& call, const std::string& line) {
  if (call.on_note) call.on_note(line);
}
void Warn(const EvaluationCall& call, const std::string& line) {
  if (call.on_warning) call.on_warning(line);
}

EvaluationTasks ReadTasks(const EvaluationCall& call, TextTable& texts) {
  std::vector<std::string> absent;
  EvaluationTasks tasks = MakeTasks(call.data, absent);
  if (!absent.empty())
    Warn(call, fmt::format("not in the suite, left out: {}", fmt::join(absent, ", ")));
  for (const auto& task : tasks) {
    task->Collect(texts);
    for (const std::string& line : task->notes()) Note(call, line);
    for (const std::string& line : task->warnings()) Warn(call, line);
  }
  return tasks;
}

MeasuredSystem Measure(const EvaluationCall& call, const TextTable& texts, const Backend& backend) {
  if (call.model != nullptr)
    return MeasureOpenModel(call, texts, [&](const std::string& line) { Warn(call, line); });
  MeasuredSystem system = call.floor ? MeasureFloor(*call.floor, texts, backend)
                                     : MeasureEmbeddings(call.other, texts, backend);
  system.similarity = call.similarity.value_or(Similarity::kCosine);
  return system;
}

}  // namespace

TextTable TextsOf(const EvaluationCall& call) {
  TextTable texts;
  ReadTasks(call, texts);
  return texts;
}

EvaluationResults RunEvaluation(const EvaluationCall& call) {
  const ModelFolder* folder = call.model ? &call.model->embedder->folder() : nullptr;
  Check(call);
  if (!call.output.empty()) {
    CheckOutput(call.output, {.overwrite = call.writing.overwrite,
                              .inputs = {folder ? folder->path : call.other.embeddings}});
  }
  TextTable texts;
  const EvaluationTasks tasks = ReadTasks(call, texts);
  // Vectors are compared beside the thread that computes for all callers, which can go on meanwhile.
  const std::unique_ptr<Backend> backend = MakeBackend({.compute = Compute::kF32});
  const MeasuredSystem system = Measure(call, texts, *backend);
  EvaluationResults results = ScoreTasks(tasks, system, *backend, call.seed,
                                         [&](int64_t, const std::string&) { Check(call); });
  if (!call.complete && call.output.empty()) return results;
  CompleteResults({.adapter_path = folder ? folder->adapter_path : "",
                   .files = call.leak_check,
                   .table = call.data.options.table,
                   .names = call.data.names,
                   .check_cancel = [&] { Check(call); },
                   .on_warning = [&](const std::string& line) { Warn(call, line); },
                   .on_note = [&](const std::string& line) { Note(call, line); }},
                  tasks, texts, call.bootstrap, results);
  if (!call.output.empty()) {
    WriteResultsFolder(results, call.bootstrap.confidence, call.output, call.writing,
                       RecordOf(call, *backend));
  }
  return results;
}

}  // namespace lacos::capi
