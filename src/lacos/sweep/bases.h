// The bases of a sweep's cells: the recipe's models, cut to their lowest layers and quantised, each
// made once.
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
  int64_t bytes = 0;    // of its tensors on disk
  Json relative_error;  // of quantising, by kind of tensor; null where the base is as it was
};

class SweepBases {
 public:
  // Made bases lie in `folder`: NAME, NAME-2layers, NAME-2layers-linear-row, ...; beside each a
  // NAME.json with what it was made of.
  SweepBases(const SweepRecipe& recipe, std::string folder)
      : recipe_(recipe), folder_(std::move(folder)) {}

  // What a base with these settings is made of: configuration, weights (by samples), tokenizer,
  // layers and scheme.
  std::string Identity(const CellSettings& settings);
  // The base, made where it is missing or was made of something else. `made` is told of each folder
  // that is written.
  PreparedBase Prepare(const CellSettings& settings,
                       const std::function<void(const std::string&)>& made);
  // The same base without weights, for planning; nothing is written.
  std::shared_ptr<BaseWeights> Shape(const CellSettings& settings);

 private:
  struct Source {
    std::shared_ptr<BaseWeights> base_weights;
    std::string path;      // folder of the weights
    std::string identity;  // of its files
  };
  const Source& Open(const std::string& base);
  int64_t Layers(const CellSettings& settings);

  const SweepRecipe& recipe_;
  std::string folder_;
  std::map<std::string, Source> sources_;
};

}  // namespace lacos
