// The base models that a sweep's cells use: the recipe's models, pruned to their lowest layers and
// quantized as the cells require. Each is made once and shared by all cells that need it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "lacos/formats/base_weights.h"
#include "lacos/io/json.h"
#include "lacos/sweep/recipe.h"

namespace lacos {

struct PreparedBase {
  std::string path;
  int64_t layers = 0, parameters = 0;
  int64_t bytes = 0;    // size of its tensors on disk
  Json relative_error;  // error of quantization by kind of tensor; null when nothing was quantized
};

class SweepBases {
 public:
  // Pruned and quantized bases are written to `folder` under names such as NAME-2layers and
  // NAME-2layers-linear-row. A .json file beside each states what it was made from.
  SweepBases(const SweepRecipe& recipe, std::string folder)
      : recipe_(recipe), folder_(std::move(folder)) {}

  // A hash of everything that a base with these settings is made from: configuration, weights (a
  // sample of them), tokenizer, number of layers and quantization scheme.
  std::string Identity(const CellSettings& settings);
  // Returns the base for these settings. Makes it if it is missing or was made from other sources;
  // `made` is called with each folder that is about to be written.
  PreparedBase Prepare(const CellSettings& settings,
                       const std::function<void(const std::string&)>& made);
  // A base for these settings without weights, for memory plans. Writes nothing.
  std::shared_ptr<BaseWeights> Shape(const CellSettings& settings);

 private:
  struct Source {
    std::shared_ptr<BaseWeights> base_weights;
    std::string path;      // folder with the weights
    std::string identity;  // hash of its configuration, weights and tokenizer
  };
  const Source& Open(const std::string& base);
  int64_t Layers(const CellSettings& settings);

  const SweepRecipe& recipe_;
  std::string folder_;
  std::map<std::string, Source> sources_;
};

}  // namespace lacos
