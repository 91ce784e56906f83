// The cells of a sweep: what its studies' combinations come to, each cell once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/sweep/recipe.h"

namespace lacos {

struct Cell {
  // how it differs from the recipe's settings: "lora_rank=32"; "common" where it does not
  std::string name;
  CellSettings settings;
  bool trained = true;  // false: the base alone, scored as it is
  std::string folder;   // the name as a folder's
};

struct Grid {
  std::vector<Cell> cells;  // trained ones in the order of the studies, then untrained ones
  struct StudyCells {
    std::vector<size_t> cells;
    size_t baseline = 0;  // index into Grid::cells
  };
  std::vector<StudyCells> studies;  // beside the recipe's
  // for each trained cell, the untrained one with its base and pooling
  std::vector<size_t> untrained_of;

  // What is trained or scored: each trained cell with every seed, each untrained one once, with
  // seed 0.
  struct Run {
    size_t cell = 0;
    uint64_t seed = 0;
  };
  std::vector<Run> Runs(const std::vector<uint64_t>& seeds) const;
};

Grid MakeGrid(const SweepRecipe& recipe);

}  // namespace lacos
