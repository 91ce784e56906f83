// The recipe of a sweep, read from its TOML file: bases, data, evaluation, settings and studies.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lacos/eval/measures/bootstrap.h"
#include "lacos/sweep/settings.h"

namespace lacos {

// A file on which every cell is scored. Its names and languages have the same meaning as in
// TaskName (eval/tasks/tasks.h).
struct EvaluationFile {
  std::string name, subset, path, task = "sts", split = "test";
  std::vector<std::string> languages;
};

struct EvaluationRecipe {
  std::vector<EvaluationFile> files;
  std::vector<std::string> suites;  // names of suites from data/suite_families.h
  std::string suite_folder;
  // The score that studies compare: a set ("STSb de") or an average ("STSb mean"). Empty = the mean
  // of all sets.
  std::string score;
  BootstrapOptions bootstrap;
};

// The values of one setting that a study varies, in the order of the recipe.
struct Axis {
  std::string setting;
  std::vector<SettingValue> values;
};

// A comparison of cells: all combinations of the axes' values, with all other settings fixed.
struct Study {
  std::string name, title;
  CellSettings settings;  // the recipe's settings, changed by the study's fixed settings
  std::vector<Axis> axes;
  // The settings of the cell that the other cells are compared with.
  CellSettings baseline;
  std::string score;  // empty = EvaluationRecipe::score
  // The largest difference from the baseline, in points, at which a cell counts as equivalent.
  std::optional<double> within;
};

struct SweepRecipe {
  std::string path, title;
  std::vector<uint64_t> seeds = {1, 2, 3};
  std::map<std::string, std::string> bases;              // folder by name
  std::map<std::string, std::vector<std::string>> data;  // files by name
  EvaluationRecipe evaluation;
  CellSettings settings;
  std::vector<Study> studies;
};

// Reads and checks a recipe. Relative paths in it are resolved against the recipe's folder. Every
// mistake is a UserError that names the file, line and key, what was found and what was expected;
// for an unknown key it lists the known keys.
SweepRecipe ReadRecipe(const std::string& path);
// Reads and checks a recipe given as text. `path` names it in messages, and its folder is where
// relative paths begin.
SweepRecipe ParseRecipe(const std::string& text, const std::string& path);

}  // namespace lacos
