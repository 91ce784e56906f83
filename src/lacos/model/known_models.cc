#include "lacos/model/known_models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lacos/model/loaded_model.h"
#include "lacos/model/log_probabilities.h"

namespace lacos {
namespace {

// The published config.json files. The word embedding of every size has 250,880 rows, of which the
// tokenizer uses 250,680.
KnownModel Published(std::string_view name, int64_t layers, int64_t hidden, int64_t heads) {
  return {
      .name = name,
      .config = {.hidden_size = hidden, .heads = heads, .layers = layers, .vocab_size = 250880},
      .ids = 250680,
      // The first five are in transformers' tests/models/bloom/test_tokenization_bloom.py
      // (0df12785), the last two in text-generation-inference: server/tests/models/test_bloom.py
      // (017a2a8c) and the integration test test_bloom_560m.json (0b95693f).
      .encodings =
          {
              {"The quick brown fox</s>", {2175, 23714, 73173, 144252, 2}},
              {"jumps over the lazy dog</s>", {77, 132619, 3478, 368, 109586, 35433, 2}},
              {"You are a helpful chatbot.</s>Hello!</s>",
               {5448, 1306, 267, 66799, 44799, 37143, 17, 2, 59414, 4, 2}},
              {"You are a helpful chatbot.</s>Hello!</s>Nice to meet you.</s>",
               {5448, 1306, 267, 66799, 44799, 37143, 17, 2, 59414, 4, 2, 229126, 427, 11890, 1152,
                17, 2}},
              {"Nice to meet you.</s>Hello!</s>", {229126, 427, 11890, 1152, 17, 2, 59414, 4, 2}},
              {"Test", {10264}},
              {"Pour déguster un ortolan, il faut tout d'abord",
               {17934, 49833, 21543, 447, 46341, 35567, 15, 1669, 11580, 3913, 39261}},
          },
      .predicted = {},
      .log_probabilities = {}};
}

std::vector<KnownModel> MakeKnownModels() {
  std::vector<KnownModel> models = {
      Published("bloom-560m", 24, 1024, 16), Published("bloom-1b1", 24, 1536, 16),
      Published("bloom-1b7", 24, 2048, 16),  Published("bloom-3b", 30, 2560, 32),
      Published("bloom-7b1", 30, 4096, 32),  Published("bloom", 70, 14336, 112)};
  // The same integration test of text-generation-inference records what bloom-560m predicts, in
  // 16-bit floats. Logits between 256 and 512 are 0.25 apart there, so that a logarithm can be off
  // by about half a nat.
  KnownModel& smallest = models.front();
  smallest.predicted = smallest.encodings.back();
  smallest.log_probabilities = {-10.5703125, -0.14746094, -1.9277344,  -15.421875, -7.5820312,
                                -1.4013672,  -1.5664062,  -0.94189453, -3.6816406, -1.7753906};
  smallest.tolerance = 0.5;
  return models;
}

KnownFact Compare(std::string what, int64_t found, int64_t expected) {
  return {std::move(what), fmt::format("{}", found), fmt::format("{}", expected),
          found == expected};
}

std::vector<KnownFact> CompareConfig(const BloomConfig& found, const BloomConfig& expected) {
  return {
      Compare("layers", found.layers, expected.layers),
      Compare("hidden size", found.hidden_size, expected.hidden_size),
      Compare("attention heads", found.heads, expected.heads),
      Compare("rows of the word embedding", found.vocab_size, expected.vocab_size),
      Compare("parameters", found.Parameters(), expected.Parameters()),
      {"epsilon of LayerNorm", fmt::format("{}", found.layer_norm_epsilon),
       fmt::format("{}", expected.layer_norm_epsilon),
       found.layer_norm_epsilon == expected.layer_norm_epsilon},
      {"residual connections",
       found.residual_from_layernorm ? "after LayerNorm" : "before LayerNorm",
       expected.residual_from_layernorm ? "after LayerNorm" : "before LayerNorm",
       found.residual_from_layernorm == expected.residual_from_layernorm},
  };
}

KnownFact CompareIds(const KnownEncoding& known, const Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  tokenizer.Encode(known.text, ids);
  return {fmt::format("ids of '{}'", known.text), fmt::format("{}", fmt::join(ids, " ")),
          fmt::format("{}", fmt::join(known.ids, " ")), ids == known.ids};
}

std::vector<KnownFact> ComparePredictions(const KnownModel& known, const LoadedModel& loaded) {
  std::vector<KnownFact> facts;
  const std::vector<double> found = LogProbabilities(loaded.base_weights, known.predicted.ids);
  for (size_t i = 0; i < found.size(); ++i) {
    const double expected = known.log_probabilities[i];
    facts.push_back(
        {fmt::format("log-probability of '{}'",
                     loaded.tokenizer->Decode(std::span(known.predicted.ids).subspan(i + 1, 1),
                                              /*skip_special_tokens=*/false)),
         fmt::format("{:.3f}", found[i]), fmt::format("{:.3f} +- {}", expected, known.tolerance),
         std::abs(found[i] - expected) <= known.tolerance});
  }
  return facts;
}

}  // namespace

std::span<const KnownModel> KnownModels() {
  static const std::vector<KnownModel> models = MakeKnownModels();
  return models;
}

std::vector<KnownFact> CheckKnownModel(const KnownModel& known, const std::string& path) {
  const LoadedModel loaded = LoadModel(path, "", "");
  std::vector<KnownFact> facts = CompareConfig(loaded.base_weights->config(), known.config);
  const bool same_shape =
      std::all_of(facts.begin(), facts.end(), [](const KnownFact& fact) { return fact.equal; });
  facts.push_back(Compare("ids of the tokenizer", loaded.tokenizer->VocabularySize(), known.ids));
  for (const KnownEncoding& encoding : known.encodings) {
    facts.push_back(CompareIds(encoding, *loaded.tokenizer));
  }
  if (same_shape && !known.log_probabilities.empty()) {
    const std::vector<KnownFact> predictions = ComparePredictions(known, loaded);
    facts.insert(facts.end(), predictions.begin(), predictions.end());
  }
  return facts;
}

}  // namespace lacos
