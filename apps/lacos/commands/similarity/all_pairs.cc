#include "commands/similarity/all_pairs.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

void PrintPair(const SimilarPair& pair, const TextVectors& input) {
  Out().Write(fmt::format("{:.6f}\t{}\t{}", pair.similarity, pair.first + 1, pair.second + 1));
  if (input.has_texts())
    Out().Write(fmt::format("\t{}\t{}", input.text(pair.first), input.text(pair.second)));
  Out().Write("\n");
}

void PrintPairAsJson(const SimilarPair& pair, const TextVectors& input, Similarity similarity) {
  Json json = Json::Object();
  json.Set(std::string(Name(similarity)), pair.similarity);
  json.Set("line1", pair.first + 1);
  json.Set("line2", pair.second + 1);
  if (input.has_texts()) {
    json.Set("sentence1", input.text(pair.first));
    json.Set("sentence2", input.text(pair.second));
  }
  Out().Write(json.Dump());
}

}  // namespace

void PrintAllPairs(const GlobalOptions& globals, const VectorInput& vector_input,
                   const AllPairsFlags& flags) {
  TextVectors input(globals, vector_input);
  const Similarity similarity = flags.similarity.value_or(input.similarity());
  Progress progress(globals, {.what = "comparing", .unit = "pairs"});
  const SimilarPairs found = FindSimilarPairs(
      input.backend(), input.vectors(),
      {.similarity = similarity,
       .threshold = flags.threshold,
       .top_k = flags.top_k,
       .max_pairs = flags.max_pairs,
       .progress = [&](int64_t done, int64_t total) {
         CheckInterrupt();
         progress.Update(done, "", static_cast<double>(done) / static_cast<double>(total));
       }});
  progress.Finish();
  if (globals.json) {
    Json report = Json::Object();
    input.Describe(report);
    report.Set("similarity", Name(similarity));
    report.Set("threshold", flags.threshold ? Json(*flags.threshold) : Json());
    report.Set("found", found.found);
    std::string head = report.Dump();
    head.back() = ',';  // the list is written pair by pair
    Out().Write(head + " \"pairs\": [");
    for (size_t i = 0; i < found.pairs.size(); ++i) {
      Out().Write(i > 0 ? ",\n" : "\n");
      PrintPairAsJson(found.pairs[i], input, similarity);
    }
    Out().Write("\n]}\n");
  } else {
    for (const SimilarPair& pair : found.pairs) PrintPair(pair, input);
  }
  Out().Flush();
  input.Warn();
  if (found.found > std::ssize(found.pairs)) {
    spdlog::warn(
        "{} pairs were found, and the {} most similar ones are shown; raise --max-pairs or "
        "--threshold",
        found.found, found.pairs.size());
  }
}

}  // namespace lacos::cli
