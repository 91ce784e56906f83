// The recipe of a sweep, and the cells that it describes.
#include <set>

#include "lacos/sweep/grid.h"
#include "lacos/sweep/recipe.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

size_t Combinations(const Study& study) {
  size_t count = 1;
  for (const Axis& axis : study.axes) count *= axis.values.size();
  return count;
}

}  // namespace

// The files that an input may name as a base, as training data or for scoring: nli.tsv and the
// folder base.
void SweepRecipe(Input input) {
  WriteScratch("sweep/base/config.json", "{}");
  WriteScratch("sweep/nli.tsv", "a\tb\n");
  const std::string path = WriteScratch("sweep/recipe.toml", Text(input));
  const lacos::SweepRecipe recipe = ReadRecipe(path);
  Require(recipe.seeds.size() >= 3 && !recipe.studies.empty(), "a recipe has seeds and studies");

  size_t combinations = 0;
  for (const Study& study : recipe.studies) combinations += Combinations(study);
  Require(combinations <= 4096, "the number of cells is bounded");
  if (combinations > 64) return;  // for speed
  const Grid grid = MakeGrid(recipe);
  std::set<std::string> names, folders;
  for (const Cell& cell : grid.cells) {
    Require(names.insert(cell.name).second && folders.insert(cell.folder).second,
            "cells are told apart");
    Require(cell.folder.find('/') == std::string::npos && !cell.folder.starts_with('.'),
            "a cell's folder stays where it belongs");
  }
  for (size_t i = 0; i < grid.studies.size(); ++i) {
    Require(grid.studies[i].cells.size() == Combinations(recipe.studies[i]),
            "a study has every combination of its values");
  }
}

}  // namespace lacos::fuzz
