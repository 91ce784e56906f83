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
};

// Opens weights, tokenizer and adapter. Throws UserError, for example if the tokenizer has ids
// beyond the rows of the embedding.
LoadedModel LoadModel(const std::string& path, const std::string& base, const std::string& adapter);

}  // namespace lacos
