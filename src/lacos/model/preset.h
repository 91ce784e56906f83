// How published BLOOM embedders are used, where their folders do not say it: pooling, special tokens
// around queries and documents, similarity.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lacos/base/enum_names.h"
#include "lacos/base/pooling.h"
#include "lacos/base/similarity.h"
#include "lacos/formats/model_folder.h"
#include "lacos/text/tokenizer.h"

namespace lacos {

enum class Preset : uint8_t { kSgptBloom, kUdever, kBloomzRetriever, kBloomzRetrieverV2 };

// A row has only what the models' authors say. Where a value is absent, the folder decides.
struct PresetNames {
  Preset value;
  std::string_view word;
  std::string_view models;  // names on the Hugging Face hub
  Pooling pooling;
  std::optional<Similarity> similarity;
  std::optional<int64_t> max_length;  // tokens, those around a text included
  // Tokens around queries and around documents; empty: none.
  std::string_view query_before, query_after, document_before, document_after;
  bool plain_is_query = false;  // whether a text without a role is taken for a query
  std::string_view sources;     // where the values are from, for the docs
};

inline constexpr auto kPresetNames = MakeEnumNames<PresetNames>({
    {.value = Preset::kSgptBloom,
     .word = "sgpt-bloom",
     .models = "bigscience/sgpt-bloom-7b1-msmarco",
     .pooling = Pooling::kWeightedMean,
     .similarity = Similarity::kCosine,
     .max_length = 300,
     .query_before = "[",
     .query_after = "]",
     .document_before = "{",
     .document_after = "}",
     .sources = "the model card (weighted mean, 300 tokens, `--specb`) and the code of "
                "github.com/Muennighoff/sgpt that it names (brackets, cosine)"},
    {.value = Preset::kUdever,
     .word = "udever",
     .models = "izhx/udever-bloom-560m, -1b1, -3b, -7b1",
     .pooling = Pooling::kLast,
     .similarity = std::nullopt,
     .max_length = 300,
     .query_before = "[BOQ]",
     .query_after = "[EOQ]",
     .document_before = "[BOD]",
     .document_after = "[EOD]",
     .plain_is_query = true,
     .sources = "`encode` in the model cards, whose default is a query"},
    {.value = Preset::kBloomzRetriever,
     .word = "bloomz-retriever",
     .models = "cmarkea/bloomz-560m-retriever, cmarkea/bloomz-3b-retriever",
     .pooling = Pooling::kLast,
     .similarity = Similarity::kEuclidean,
     .max_length = std::nullopt,
     .sources = "`infer` in the model cards (last token); the cards of version 2 name the L2 "
                "distance of version 1"},
    {.value = Preset::kBloomzRetrieverV2,
     .word = "bloomz-retriever-v2",
     .models = "cmarkea/bloomz-560m-retriever-v2, cmarkea/bloomz-3b-retriever-v2",
     .pooling = Pooling::kLast,
     .similarity = Similarity::kCosine,
     .max_length = std::nullopt,
     .sources = "`infer` in the model cards (last token, cosine)"},
});
constexpr const auto& NamesOf(Preset) { return kPresetNames; }

// Replaces the folder's pooling, length, similarity and prompts by those of the preset. If it has
// tokens around texts, the prompts are "query" and "document", and no others. Throws UserError if
// one of these tokens is not one token of the tokenizer, because the folder is of another model
// then.
void ApplyPreset(Preset preset, const Tokenizer& tokenizer, EmbeddingSettings& settings);

}  // namespace lacos
