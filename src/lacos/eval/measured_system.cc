#include "lacos/eval/measured_system.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "lacos/base/process.h"
#include "lacos/base/version.h"
#include "lacos/eval/tasks/vector_cache.h"
#include "lacos/formats/model_size.h"
#include "lacos/io/manifest.h"
#include "lacos/model/embedding_identity.h"
#include "lacos/model/encoder.h"
#include "lacos/record/machine.h"
#include "lacos/search/vectors.h"

namespace lacos {
namespace {

constexpr int64_t kFloorDimension = 4096;

// Adds parameters and bytes. "memory_bytes" is the memory that computing needs permanently: the
// base as it is stored, without its word embedding, and the adapter in f32.
void DescribeSize(const SentenceEncoder& embedder, Json& about) {
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
  about.Set("machine", MachineOfMeasurement(kernels));
  about.Set("lacos_version", kLacosVersion);
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  about.Set("date", fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(now)));
}

// Adds what the maker of the vectors says about them, in addition to what is measured here.
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

std::unique_ptr<VectorCache> OpenCache(const TableEncoder& encoder, const ModelUse& use) {
  if (use.cache.empty()) return nullptr;
  Json identity;
  encoder.alone([&] { identity = EmbeddingIdentity(encoder.embedder, use.cache); });
  identity.Set("normalize", encoder.normalize);
  if (encoder.truncate_dim > 0) identity.Set("truncate_dim", encoder.truncate_dim);
  return std::make_unique<VectorCache>(use.cache, identity, encoder.dimension, use.on_warning);
}

MeasuredSystem WithoutModel(const TextTable& texts) {
  MeasuredSystem system;
  system.table.is_empty.assign(static_cast<size_t>(texts.size()), false);
  system.table.is_truncated = system.table.is_empty;
  return system;
}

}  // namespace

MeasuredSystem MeasureModel(const TableEncoder& encoder, const TextTable& texts,
                            const ModelUse& use) {
  const SentenceEncoder& embedder = encoder.embedder;
  const std::unique_ptr<VectorCache> cache = OpenCache(encoder, use);
  MeasuredSystem system;
  system.similarity = use.similarity.value_or(embedder.similarity());
  const Stopwatch watch;
  system.table = EmbedTable(encoder, texts, use.prompts, cache.get(), use.progress);
  system.seconds = watch.Seconds();

  Json& about = system.description;
  about.Set("model", use.name);
  about.Set("base", embedder.folder().base_name);
  about.Set("adapter", embedder.folder().adapter_path);
  about.Set("adapter_sha256", AdapterHashes(embedder.folder()));
  DescribeSize(embedder, about);
  about.Set("pooling", Name(embedder.pooling()));
  about.Set("normalize", encoder.normalize);
  about.Set("max_length", embedder.max_length());
  about.Set("truncates", LostPart(embedder.tokenizer()));
  about.Set("strip", embedder.strip());
  about.Set("similarity", Name(system.similarity));
  about.Set("prompt", use.prompts.plain.text);
  about.Set("query_prompt", use.prompts.query.text);
  about.Set("document_prompt", use.prompts.document.text);
  about.Set("preset", use.preset ? Json(Name(*use.preset)) : Json());
  about.Set("prefix", use.prefix);
  about.Set("suffix", use.suffix);
  about.Set("compute", Name(embedder.compute()));
  DescribeTime(system.table, texts.size(), system.seconds, about);
  KernelInfo kernels;
  encoder.alone([&] { kernels = embedder.backend().Describe(); });
  DescribeRun(system.table, kernels, about);
  return system;
}

MeasuredSystem MeasureEmbeddings(const OtherSystem& other, const TextTable& texts,
                                 const Backend& backend) {
  MeasuredSystem system = WithoutModel(texts);
  VectorFile file = ReadVectors(other.embeddings, texts.size(), other.texts_from);
  system.table.values = std::move(file.values);
  system.table.d = file.d;
  system.description.Set("model", other.name);
  if (!other.about.empty()) AddAbout(other.about, system.description);
  system.description.Set("embeddings_sha256", FileSha256(other.embeddings));
  system.description.Set("texts", texts.size());
  DescribeRun(system.table, backend.Describe(), system.description);
  return system;
}

MeasuredSystem MeasureFloor(Floor floor, const TextTable& texts, const Backend& backend) {
  MeasuredSystem system = WithoutModel(texts);
  std::vector<std::string> list;
  for (int64_t row = 0; row < texts.size(); ++row) list.push_back(texts.text(row));
  const Stopwatch watch;
  system.table.values = FloorVectors(floor, list, kFloorDimension);
  system.seconds = watch.Seconds();
  system.table.d = kFloorDimension;
  system.table.statistics.texts = texts.size();
  system.description.Set("model", fmt::format("floor: {}", Name(floor)));
  DescribeTime(system.table, texts.size(), system.seconds, system.description);
  system.description.Set("tokens", Json());
  system.description.Set("tokens_per_second", Json());
  DescribeRun(system.table, backend.Describe(), system.description);
  return system;
}

}  // namespace lacos
