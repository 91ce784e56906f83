// The cells that the studies of a recipe result in, and the names of their folders.
#include "lacos/sweep/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "recipe_fixture.h"

namespace lacos {
namespace {

std::vector<std::string> NamesOf(const Grid& grid, bool trained) {
  std::vector<std::string> names;
  for (const Cell& cell : grid.cells) {
    if (cell.trained == trained) names.push_back(cell.name);
  }
  return names;
}

TEST(SweepGrid, ACellOfSeveralStudiesIsThereOnce) {
  const RecipeFolder folder;
  const SweepRecipe recipe = folder.Parse(
      kRecipeStart +
      "[[study]]\nname = \"rank\"\nvary = {lora_rank = [8, 4]}\n"
      "[[study]]\nname = \"pooling\"\nvary = {pooling = [\"weighted_mean\", \"last\"]}\n");
  const Grid grid = MakeGrid(recipe);
  EXPECT_THAT(NamesOf(grid, true), ::testing::ElementsAre("common", "lora_rank=4", "pooling=last"));
  EXPECT_THAT(NamesOf(grid, false), ::testing::ElementsAre("untrained", "untrained,pooling=last"));
  EXPECT_EQ(grid.studies[0].cells[0], grid.studies[1].cells[0]);
  EXPECT_EQ(grid.cells[grid.studies[1].baseline].name, "common");
  EXPECT_EQ(grid.cells[grid.untrained_of[1]].name, "untrained");
  EXPECT_EQ(grid.cells[grid.untrained_of[2]].name, "untrained,pooling=last");
  EXPECT_EQ(grid.Runs({1, 2, 3}).size(), 3u * 3 + 2);
}

TEST(SweepGrid, TheAxesOfAStudyMultiply) {
  const RecipeFolder folder;
  const Grid grid = MakeGrid(folder.Parse(
      kRecipeStart +
      "[product]\nvary = {lora_rank = [2, 4, 8], loss = [\"mnr\", \"softmax\"], layers = [0, 1]}\n"));
  EXPECT_EQ(grid.studies.at(0).cells.size(), 12u);
  EXPECT_EQ(NamesOf(grid, true).size(), 12u);
  EXPECT_EQ(NamesOf(grid, false).size(), 2u);
  std::set<std::string> folders;
  for (const Cell& cell : grid.cells) folders.insert(cell.folder);
  EXPECT_EQ(folders.size(), grid.cells.size());
}

TEST(SweepGrid, FoldersAreNamesThatAnyFileSystemTakes) {
  const RecipeFolder folder;
  const Grid grid = MakeGrid(folder.Parse(
      kRecipeStart +
      "[product]\nvary = {quantization = [\"linear/row\"], lora_target = [[\"query_key_value\", "
      "\"dense\", \"dense_h_to_4h\", \"dense_4h_to_h\"]], learning_rate = [1e-3], loss = "
      "[\"softmax\"], batch_size = [64]}\n"));
  const Cell& cell = grid.cells[0];
  EXPECT_THAT(cell.name, ::testing::HasSubstr("quantization=linear/row"));
  EXPECT_EQ(cell.folder.find('/'), std::string::npos);
  EXPECT_LT(cell.folder.size(), 120u);
}

}  // namespace
}  // namespace lacos
