#include "lacos/sweep/grid.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "lacos/base/check.h"
#include "lacos/base/hash.h"

namespace lacos {
namespace {

// The settings of an untrained cell: those that decide how an untrained base embeds come from
// `settings`, all others from `common`.
CellSettings WithoutTraining(const CellSettings& settings, const CellSettings& common) {
  CellSettings result = common;
  result.base = settings.base;
  result.layers = settings.layers;
  result.quantization = settings.quantization;
  result.train.compute = settings.train.compute;
  result.train.pooling = settings.train.pooling;
  result.train.normalize = settings.train.normalize;
  result.train.strip = settings.train.strip;
  result.train.max_length = settings.train.max_length;
  return result;
}

std::vector<std::string> Differences(const CellSettings& settings, const CellSettings& common) {
  std::vector<std::string> parts;
  for (const std::string& name : SettingNames()) {
    const std::string text = SettingText(settings, name);
    if (text != SettingText(common, name)) parts.push_back(fmt::format("{}={}", name, text));
  }
  return parts;
}

// Turns a cell's name into a folder name. Letters, digits and a few signs stay, every other
// character becomes '_'. A long name is cut and gets a hash, so that it stays unique.
std::string FolderName(const std::string& name) {
  constexpr size_t kLongest = 100;
  std::string folder = name;
  for (char& c : folder) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '=' || c == ',' || c == '.' || c == '+' || c == '-' || c == '_';
    if (!plain) c = '_';
  }
  if (folder.starts_with('.')) folder[0] = '_';
  if (folder.size() > kLongest)
    folder = fmt::format("{}-{:.8}", folder.substr(0, kLongest), Sha256Hex(name));
  return folder;
}

class GridMaker {
 public:
  explicit GridMaker(const SweepRecipe& recipe) : recipe_(recipe) {}

  Grid Make() {
    for (const Study& study : recipe_.studies) {
      Grid::StudyCells cells;
      Combine(study, 0, study.settings, cells.cells);
      cells.baseline = Add(study.baseline, true);
      LACOS_CHECK(std::ranges::find(cells.cells, cells.baseline) != cells.cells.end(),
                  "one of the study's cells");
      grid_.studies.push_back(cells);
    }
    const size_t trained = grid_.cells.size();
    for (size_t i = 0; i < trained; ++i) {
      grid_.untrained_of.push_back(
          Add(WithoutTraining(grid_.cells[i].settings, recipe_.settings), false));
    }
    return std::move(grid_);
  }

 private:
  void Combine(const Study& study, size_t axis, const CellSettings& settings,
               std::vector<size_t>& cells) {
    if (axis == study.axes.size()) {
      cells.push_back(Add(settings, true));
      return;
    }
    for (const SettingValue& value : study.axes[axis].values) {
      CellSettings with = settings;
      SetSetting(with, study.axes[axis].setting, value);
      Combine(study, axis + 1, with, cells);
    }
  }

  // Index of the cell with these settings, which is added if it does not exist yet. A folder name
  // that is already taken gets a hash.
  size_t Add(const CellSettings& settings, bool trained) {
    for (size_t i = 0; i < grid_.cells.size(); ++i) {
      if (grid_.cells[i].trained == trained && grid_.cells[i].settings == settings) return i;
    }
    Cell cell{.settings = settings, .trained = trained};
    std::vector<std::string> parts = Differences(settings, recipe_.settings);
    if (!trained) parts.insert(parts.begin(), std::string("untrained"));
    if (parts.empty()) parts.emplace_back("common");
    cell.name = fmt::format("{}", fmt::join(parts, ","));
    cell.folder = FolderName(cell.name);
    if (!folders_.insert(cell.folder).second) {
      cell.folder += fmt::format("-{:.8}", Sha256Hex(cell.name));
      folders_.insert(cell.folder);
    }
    grid_.cells.push_back(cell);
    return grid_.cells.size() - 1;
  }

  const SweepRecipe& recipe_;
  Grid grid_;
  std::set<std::string> folders_;
};

}  // namespace

Grid MakeGrid(const SweepRecipe& recipe) { return GridMaker(recipe).Make(); }

std::vector<Grid::Run> Grid::Runs(const std::vector<uint64_t>& seeds) const {
  std::vector<Run> runs;
  for (size_t cell = 0; cell < cells.size(); ++cell) {
    if (!cells[cell].trained) {
      runs.push_back({.cell = cell, .seed = 0});
      continue;
    }
    for (const uint64_t seed : seeds) runs.push_back({.cell = cell, .seed = seed});
  }
  return runs;
}

}  // namespace lacos
