// What a sweep is to do, as its TOML file says: bases, data, evaluation, settings and studies.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lacos/eval/measures/bootstrap.h"
#include "lacos/sweep/settings.h"

namespace lacos {

// A file that every cell is scored on; names and languages are those of TaskName
// (eval/tasks/tasks.h).
struct EvaluationFile {
  std::string name, subset, path, task = "sts", split = "test";
  std::vector<std::string> languages;
};

struct EvaluationRecipe {
  std::vector<EvaluationFile> files;
  std::vector<std::string> suites;  // of data/suite_families.h
  std::string suite_folder;
  // what studies compare: a set ("STSb de") or an average ("STSb mean"); empty: the mean of all
  std::string score;
  BootstrapOptions bootstrap;
};

// Values of one setting, in the order of the recipe.
struct Axis {
  std::string setting;
  std::vector<SettingValue> values;
};

// Cells around the common settings: all combinations of the axes' values.
struct Study {
  std::string name, title;
  CellSettings settings;  // the recipe's with the study's own
  std::vector<Axis> axes;
  // Values of the axes in the cell that the others are compared with.
  CellSettings baseline;
  std::string score;             // empty: the evaluation's
  std::optional<double> within;  // points that a cell may differ from the baseline
};

struct SweepRecipe {
  std::string path, title;
  std::vector<uint64_t> seeds = {1, 2, 3};
  std::map<std::string, std::string> bases;              // name, folder
  std::map<std::string, std::vector<std::string>> data;  // name, files
  EvaluationRecipe evaluation;
  CellSettings settings;
  std::vector<Study> studies;
};

// Reads and checks a recipe; relative paths in it are found from its folder. Every mistake is a
// UserError that names file, line and key, what was found and what was expected; an unknown key
// lists the known ones.
SweepRecipe ReadRecipe(const std::string& path);
// The same of a text; `path` names it and says where relative paths begin.
SweepRecipe ParseRecipe(const std::string& text, const std::string& path);

}  // namespace lacos
