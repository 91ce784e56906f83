// A model folder whose weights, tokenizer and adapter are opened and checked against each other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lacos/formats/base_weights.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/formats/model_folder.h"
#include "lacos/text/tokenizer.h"

namespace lacos {

struct LoadedModel {
  ModelFolder folder;
  std::shared_ptr<BaseWeights> base_weights;
  std::unique_ptr<Tokenizer> tokenizer;
  std::optional<LoraAdapter> adapter;
  std::vector<std::string> notes;  // see NotesOn
};

// What a user should hear about a model: the stored heads that were left out. `adapter` may be null.
std::vector<std::string> NotesOn(const ModelFolder& folder, const BaseWeights& base_weights,
                                 const LoraAdapter* adapter);

// What decides whether a difference below concerns the vectors that are computed.
struct VectorChoices {
  bool pooling_is_given = false;  // by the user, whatever the folder says
  bool are_cut = true;            // vectors keep only some of their leading values
  bool may_have_blanks = true;    // texts may begin or end with whitespace
};
// Where sentence-transformers 6.2 would compute other vectors from this folder, and lacos differs on
// purpose (docs/interop.md): how a folder of a causal language model is pooled that does not say it,
// the length of vectors that are cut, and whitespace at the ends of texts.
std::vector<std::string> DifferencesFromSentenceTransformers(const ModelFolder& folder,
                                                             const BaseWeights& base_weights,
                                                             const VectorChoices& choices = {});

// Opens weights, tokenizer and adapter. Throws UserError, for example if the tokenizer's vocabulary
// has ids beyond the rows of the embedding.
LoadedModel LoadModel(const std::string& path, const std::string& base, const std::string& adapter);

}  // namespace lacos
