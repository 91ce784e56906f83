// The grid of a sweep: all cells that result from its studies' combinations of settings. A cell
// that occurs in several studies is listed once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/sweep/recipe.h"

namespace lacos {

struct Cell {
  // The difference from the recipe's common settings, for example "lora_rank=32"; "common" if there
  // is none.
  std::string name;
  CellSettings settings;
  bool trained = true;  // false: the base is scored without training
  std::string folder;   // the name, changed so that it can be a folder's name
};

struct Grid {
  std::vector<Cell> cells;  // trained ones in the order of the studies, then untrained ones
  struct StudyCells {
    std::vector<size_t> cells;
    size_t baseline = 0;  // index into Grid::cells
  };
  std::vector<StudyCells> studies;  // one for each study, in the order of SweepRecipe::studies
  // For each trained cell, the index of the untrained cell with the same base and pooling.
  std::vector<size_t> untrained_of;

  // A unit of work. Each trained cell runs once with every seed, each untrained cell
  // once with seed 0.
  struct Run {
    size_t cell = 0;
    uint64_t seed = 0;
  };
  std::vector<Run> Runs(const std::vector<uint64_t>& seeds) const;
};

Grid MakeGrid(const SweepRecipe& recipe);

}  // namespace lacos
