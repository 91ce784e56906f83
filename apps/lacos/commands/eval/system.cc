#include "commands/eval/system.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "lacos/base/process.h"
#include "lacos/base/version.h"
#include "lacos/eval/tasks/floors.h"
#include "lacos/formats/model_size.h"
#include "lacos/io/manifest.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/embedding_identity.h"
#include "terminal/interrupt.h"
#include "terminal/machine.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

constexpr int64_t kFloorDimension = 4096;

// Adds parameters and bytes. "memory_bytes" is the memory that computing needs permanently: the
// base as it is stored, without its word embedding, and the adapter in f32.
void DescribeSize(SentenceEncoder& embedder, Json& about) {
  const BaseWeights& base_weights = embedder.encoder().model().base_weights();
  const std::string& folder = embedder.folder().adapter_path;
  const int64_t adapter =
      folder.empty() ? 0 : CountParameters(ReadLoraAdapter(folder, base_weights.config()));
  about.Set("quantization", QuantizationText(base_weights.quantization()));
  about.Set("layers", base_weights.config().layers);
  about.Set("parameters", base_weights.config().Parameters());
  about.Set("adapter_parameters", adapter);
  about.Set("bytes", base_weights.Bytes() + 4 * adapter);
  about.Set("memory_bytes", MeasureBase(base_weights).resident_bytes + 4 * adapter);
}

// Adds counts and time of the embedded texts; no rates if every vector came from the cache.
void DescribeTime(const EmbeddedTable& table, int64_t texts, double seconds, Json& about) {
  const EncodeStatistics& statistics = table.statistics;
  const bool timed = statistics.texts > 0 && seconds > 0;
  about.Set("texts", texts);
  about.Set("embedded_texts", statistics.texts);
  about.Set("cached_texts", table.cached);
  about.Set("tokens", statistics.tokens);
  about.Set("embed_seconds", seconds);
  about.Set("tokens_per_second",
            timed ? Json(static_cast<double>(statistics.tokens) / seconds) : Json());
  about.Set("ms_per_text",
            timed ? Json(1000 * seconds / static_cast<double>(statistics.texts)) : Json());
}

void DescribeRun(const EmbeddedTable& table, const KernelInfo& kernels, Json& about) {
  const auto count = [](const std::vector<bool>& list) {
    return static_cast<int64_t>(std::count(list.begin(), list.end(), true));
  };
  about.Set("dimension", table.d);
  about.Set("truncated_texts", count(table.is_truncated));
  about.Set("empty_texts", count(table.is_empty));
  about.Set("machine", MachineJson(kernels));
  about.Set("lacos_version", kLacosVersion);
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  about.Set("date", fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(now)));
}

void EmbedWithModel(const GlobalOptions& globals, const EvalFlags& flags, const TextTable& texts,
                    PeakMemory& memory, System& system) {
  system.embedder = std::make_unique<SentenceEncoder>(
      MakeSentenceEncoderOptions(globals, flags.model, flags.encoding, flags.embed));
  SentenceEncoder& embedder = *system.embedder;
  LogNotes(embedder);
  const RolePrompts prompts = flags.embed.Prompts(embedder.folder().settings);
  for (int64_t row = 0; row < texts.size(); ++row) {
    if (texts.role(row) == TextRole::kPlain) continue;
    flags.embed.NoteAbsentPrompts(embedder.folder().settings);
    break;
  }
  system.similarity = flags.similarity.value_or(embedder.similarity());
  std::unique_ptr<VectorCache> cache;
  if (!flags.cache.empty()) {
    cache = std::make_unique<VectorCache>(
        flags.cache, EmbeddingIdentity(embedder, flags.cache), embedder.dimension(),
        [](const std::string& line) { spdlog::warn("{}", line); });
  }
  Progress progress(globals, {.what = "embedding", .unit = "texts", .total = texts.size()});
  const Stopwatch watch;
  system.table = EmbedTable(
      embedder, texts, prompts, cache.get(), [&](int64_t done, int64_t tokens, int64_t all_tokens) {
        CheckInterrupt();
        memory.Sample();
        progress.Update(
            done,
            fmt::format("{} tokens/s", FormatCount(static_cast<double>(tokens) / watch.Seconds())),
            static_cast<double>(tokens) / static_cast<double>(std::max<int64_t>(all_tokens, 1)));
      });
  progress.Finish();
  const double seconds = watch.Seconds();
  const EncodeStatistics& statistics = system.table.statistics;
  WarnAboutStripped(system.table.stripped, flags.encoding);

  Json& about = system.description;
  about.Set("model", flags.model.model);
  about.Set("base", embedder.folder().base_name);
  about.Set("adapter", embedder.folder().adapter_path);
  about.Set("adapter_sha256", AdapterHashes(embedder.folder()));
  DescribeSize(embedder, about);
  about.Set("pooling", Name(embedder.pooling()));
  about.Set("normalize", embedder.normalize());
  about.Set("max_length", embedder.max_length());
  about.Set("truncates", LostPart(embedder.tokenizer()));
  about.Set("strip", embedder.strip());
  about.Set("similarity", Name(system.similarity));
  about.Set("prompt", prompts.plain.text);
  about.Set("query_prompt", prompts.query.text);
  about.Set("document_prompt", prompts.document.text);
  about.Set("preset", flags.embed.preset ? Json(Name(*flags.embed.preset)) : Json());
  about.Set("prefix", flags.embed.prefix);
  about.Set("suffix", flags.embed.suffix);
  about.Set("compute", Name(globals.compute));
  DescribeTime(system.table, texts.size(), seconds, about);
  DescribeRun(system.table, embedder.backend().Describe(), about);

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
  spdlog::info(
      "{} distinct texts: {} embedded in {}, {} tokens/s; {} from the cache; {} were truncated; {}",
      texts.size(), statistics.texts, FormatSeconds(seconds),
      FormatCount(static_cast<double>(statistics.tokens) / std::max(seconds, 1e-9)),
      system.table.cached, about.At("truncated_texts").AsInt(),
      MachineText(embedder.backend().Describe()));
}

// Adds the file of --about: what the maker of the --embeddings vectors says about them, in addition
// to what is measured here.
void AddAbout(const std::string& path, Json& about) {
  const Json given = Json::ReadFile(path);
  for (const std::string& key : given.Keys()) {
    const Json value = given.At(key);
    for (const char* number : {"parameters", "adapter_parameters", "bytes", "memory_bytes",
                               "tokens", "embed_seconds", "tokens_per_second", "ms_per_text"}) {
      if (key == number && !value.IsNull()) value.AsDouble();  // throws unless it is a number
    }
    if (key == "model") value.AsString();
    about.Set(key, value);
  }
}

}  // namespace

System MakeSystem(const GlobalOptions& globals, const EvalFlags& flags, const TextTable& texts,
                  PeakMemory& memory) {
  System system;
  system.similarity = flags.similarity.value_or(Similarity::kCosine);
  if (!flags.model.model.empty()) {
    EmbedWithModel(globals, flags, texts, memory, system);
    return system;
  }
  system.backend = MakeBackend({.compute = Compute::kF32});
  system.table.is_empty.assign(static_cast<size_t>(texts.size()), false);
  system.table.is_truncated = system.table.is_empty;
  Json& about = system.description;
  if (!flags.embeddings.empty()) {
    VectorFile file = ReadVectors(flags.embeddings, texts.size(), "--write-texts");
    system.table.values = std::move(file.values);
    system.table.d = file.d;
    about.Set("model", flags.embeddings);
    if (!flags.about.empty()) AddAbout(flags.about, about);
    about.Set("embeddings_sha256", FileSha256(flags.embeddings));
    about.Set("texts", texts.size());
  } else {
    std::vector<std::string> list;
    for (int64_t row = 0; row < texts.size(); ++row) list.push_back(texts.text(row));
    const Floor floor = *Parse<Floor>(flags.floor);
    const Stopwatch watch;
    system.table.values = FloorVectors(floor, list, kFloorDimension);
    system.table.d = kFloorDimension;
    system.table.statistics.texts = texts.size();
    about.Set("model", "floor: " + flags.floor);
    DescribeTime(system.table, texts.size(), watch.Seconds(), about);
    about.Set("tokens", Json());
    about.Set("tokens_per_second", Json());
  }
  DescribeRun(system.table, system.backend->Describe(), about);
  return system;
}

}  // namespace lacos::cli
