#include "commands/eval/system.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "lacos/base/process.h"
#include "lacos/eval/tasks/floors.h"
#include "lacos/kernels/make_backend.h"
#include "terminal/interrupt.h"
#include "terminal/machine.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

void EmbedWithModel(const GlobalOptions& globals, const EvalFlags& flags, const TextTable& texts,
                    PeakMemory& memory, System& system) {
  system.embedder = std::make_unique<SentenceEncoder>(
      MakeSentenceEncoderOptions(globals, flags.model, flags.encoding, flags.embed));
  SentenceEncoder& embedder = *system.embedder;
  LogNotes(embedder);
  for (int64_t row = 0; row < texts.size(); ++row) {
    if (texts.role(row) == TextRole::kPlain) continue;
    flags.embed.NoteAbsentPrompts(embedder.folder().settings);
    break;
  }
  Progress progress(globals, {.what = "embedding", .unit = "texts", .total = texts.size()});
  const Stopwatch watch;
  const auto on_texts = [&](int64_t done, int64_t tokens, int64_t all_tokens) {
    CheckInterrupt();
    memory.Sample();
    progress.Update(
        done,
        fmt::format("{} tokens/s", FormatCount(static_cast<double>(tokens) / watch.Seconds())),
        static_cast<double>(tokens) / static_cast<double>(std::max<int64_t>(all_tokens, 1)));
  };
  system.measured =
      MeasureModel(embedder, texts,
                   {.name = flags.model.model,
                    .prompts = flags.embed.Prompts(embedder.folder().settings),
                    .prefix = flags.embed.prefix,
                    .suffix = flags.embed.suffix,
                    .preset = flags.embed.preset,
                    .similarity = flags.similarity,
                    .cache = flags.cache,
                    .progress = on_texts,
                    .on_warning = [](const std::string& line) { spdlog::warn("{}", line); }});
  progress.Finish();
  const EmbeddedTable& table = system.measured.table;
  WarnAboutStripped(table.stripped, flags.encoding);

  const Json& about = system.measured.description;
  std::string adapter = "no adapter";
  for (const std::string& name : about.At("adapter_sha256").Keys()) {
    if (name.find("model") != std::string::npos)
      adapter = "adapter " + about.At("adapter_sha256").At(name).AsString().substr(0, 12);
  }
  spdlog::info(
      "{}: base {}, {}, {} parameters; {} pooling, at most {} tokens, {}", flags.model.model,
      embedder.folder().base_name, adapter,
      FormatCount(about.At("parameters").AsDouble() + about.At("adapter_parameters").AsDouble()),
      Name(embedder.pooling()), embedder.max_length(), Name(globals.compute));
  const EncodeStatistics& statistics = table.statistics;
  const double seconds = system.measured.seconds;
  spdlog::info(
      "{} distinct texts: {} embedded in {}, {} tokens/s; {} from the cache; {} were truncated; {}",
      texts.size(), statistics.texts, FormatSeconds(seconds),
      FormatCount(static_cast<double>(statistics.tokens) / std::max(seconds, 1e-9)), table.cached,
      about.At("truncated_texts").AsInt(), MachineText(embedder.backend().Describe()));
}

}  // namespace

System MakeSystem(const GlobalOptions& globals, const EvalFlags& flags, const TextTable& texts,
                  PeakMemory& memory) {
  System system;
  if (!flags.model.model.empty()) {
    EmbedWithModel(globals, flags, texts, memory, system);
    return system;
  }
  system.backend = MakeBackend({.compute = Compute::kF32});
  system.measured = flags.embeddings.empty()
                        ? MeasureFloor(*Parse<Floor>(flags.floor), texts, *system.backend)
                        : MeasureEmbeddings({.embeddings = flags.embeddings,
                                             .about = flags.about,
                                             .name = flags.embeddings,
                                             .texts_from = "--write-texts"},
                                            texts, *system.backend);
  system.measured.similarity = flags.similarity.value_or(Similarity::kCosine);
  return system;
}

}  // namespace lacos::cli
