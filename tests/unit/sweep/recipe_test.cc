// Reading recipes: defaults, baselines, and messages about every kind of mistake.
#include "lacos/sweep/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipe_fixture.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kStudy = "[[study]]\nname = \"rank\"\nvary = {lora_rank = [4, 8]}\n";

TEST(SweepRecipe, PathsAreFoundFromTheRecipesFolderAndDefaultsFilled) {
  const RecipeFolder folder;
  const SweepRecipe recipe = folder.Parse(kRecipeStart + "batch_size = 64\n" + kStudy);
  EXPECT_EQ(recipe.title, "A test");
  EXPECT_EQ(recipe.bases.at("nano"), folder / "model");
  EXPECT_THAT(recipe.data.at("both"), ElementsAre(folder / "a.tsv", folder / "b.tsv"));
  EXPECT_EQ(recipe.settings.base, "nano");  // the only base of the recipe
  EXPECT_EQ(recipe.settings.train.batch_size, 64);
  EXPECT_EQ(recipe.evaluation.files.at(0).name, "sts.tsv");
  EXPECT_EQ(recipe.studies.at(0).axes.at(0).setting, "lora_rank");
}

TEST(SweepRecipe, TheBaselineIsTheCommonValueElseTheFirstElseWhatItSays) {
  const RecipeFolder folder;
  const SweepRecipe recipe =
      folder.Parse(kRecipeStart + kStudy +
                   "[[study]]\nname = \"other\"\nvary = {lora_rank = [2, 4]}\n"
                   "[[study]]\nname = \"said\"\nvary = {lora_rank = [2, 4]}\nbaseline = "
                   "{lora_rank = 4}\n");
  EXPECT_EQ(recipe.studies[0].baseline.train.lora_rank, 8);
  EXPECT_EQ(recipe.studies[1].baseline.train.lora_rank, 2);
  EXPECT_EQ(recipe.studies[2].baseline.train.lora_rank, 4);
}

TEST(SweepRecipe, MistakesNameFileLineKeyAndWhatWasExpected) {
  const RecipeFolder folder;
  const std::string name = folder / "recipe.toml";
  // The text after kRecipeStart begins in line 12.
  EXPECT_THAT(folder.ErrorOf(kRecipeStart + "ranks = 3\n" + kStudy),
              AllOf(HasSubstr("[" + name + ":12: settings.ranks]"), HasSubstr("lora_rank"),
                    HasSubstr("pooling")));
  EXPECT_THAT(
      folder.ErrorOf(kRecipeStart +
                     "[[study]]\nname = \"x\"\nvary = {loss = [\"mnr\", \"bce\"]}\n"),
      AllOf(HasSubstr(name + ":14: study.vary.loss]"), HasSubstr("'bce'"), HasSubstr("cosent")));
  EXPECT_THAT(folder.ErrorOf(kRecipeStart + "epochs = \"two\"\n" + kStudy),
              AllOf(HasSubstr(":12: settings.epochs]"), HasSubstr("'two'"), HasSubstr("a number")));
  EXPECT_THAT(folder.ErrorOf(kRecipeStart + "[[study]\n"),
              AllOf(HasSubstr(name + ":12]"), HasSubstr("no TOML")));
  EXPECT_THAT(folder.ErrorOf(kRecipeStart), HasSubstr("[[study]]"));
  EXPECT_THAT(folder.ErrorOf(kRecipeStart + "[[study]]\nname = \"x\"\n"), HasSubstr("study.vary"));
  EXPECT_THAT(folder.ErrorOf(kRecipeStart + "base = \"big\"\n" + kStudy),
              HasSubstr("a name of [bases]: nano"));
  EXPECT_THAT(
      folder.ErrorOf(kRecipeStart + "[[study]]\nname = \"x\"\nvary = {lora_rank = [4, 4]}\n"),
      HasSubstr("4 twice"));
  EXPECT_THAT(folder.ErrorOf(kRecipeStart + kStudy + kStudy), HasSubstr("'rank' twice"));
  EXPECT_THAT(folder.ErrorOf(kRecipeStart + kStudy + "baseline = {lora_rank = 16}\n"),
              HasSubstr("values in vary"));
  EXPECT_THAT(folder.ErrorOf("[bases]\nnano = \"nowhere\"\n"), HasSubstr("there is nothing at"));
}

TEST(SweepRecipe, OtherCharactersThanAsciiAreReadAsTheyAre) {
  const RecipeFolder folder;
  const std::string text = kRecipeStart + kStudy;
  for (const char* more : {"# Größe\n", "title = \"Größe # \\\" ü\" # ö\n", "title = 'Größe \\'\n",
                           "title = \"\"\"\nGröße \"ü\" \"\"\"\"\n", "title = '''\nGröße\n'''\n"}) {
    std::string whole = text;
    whole.erase(whole.find("title"), whole.find('\n', whole.find("title")) - whole.find("title"));
    EXPECT_EQ(folder.ErrorOf(more + whole), "no error") << more;
  }
  EXPECT_EQ(folder.Parse("title = \"Größe 東京 byte_ \\u00e9\"\n" + text.substr(text.find("seeds")))
                .title,
            "Größe 東京 byte_ é");
  EXPECT_THAT(folder.ErrorOf(text + "[\"größe\"]\n"), HasSubstr("größe] no such key"));
  EXPECT_THAT(folder.ErrorOf("title = Größe\n" + text), HasSubstr(":1] is no TOML"));
  EXPECT_THAT(folder.ErrorOf("title = '\xff'\n" + text), HasSubstr("no UTF-8 at byte 9"));
  EXPECT_THAT(folder.ErrorOf("[[\1\2\3on.file]]\n" + text), HasSubstr("is no TOML"));
}

TEST(SweepRecipe, NamesTellThingsApart) {
  const RecipeFolder folder;
  EXPECT_THAT(folder.ErrorOf(kRecipeStart + kStudy + "[[evaluation.file]]\npath = \"sts.tsv\"\n"),
              HasSubstr("two files are called 'sts.tsv'"));
  EXPECT_EQ(folder.ErrorOf(kRecipeStart + kStudy +
                           "[[evaluation.file]]\npath = \"sts.tsv\"\nsubset = \"en\"\n"),
            "no error");
  EXPECT_THAT(folder.ErrorOf("[bases]\n\"../x\" = \"model\"\n"), HasSubstr("letters, digits"));
}

TEST(SweepRecipe, FewerThanThreeSeedsAreRefusedWithTheReason) {
  const RecipeFolder folder;
  const std::string rest = kRecipeStart.substr(kRecipeStart.find("[bases]")) + kStudy;
  EXPECT_THAT(folder.ErrorOf("seeds = [1, 2]\n" + rest),
              AllOf(HasSubstr("at least 3"), HasSubstr("chance")));
  EXPECT_THAT(folder.ErrorOf("seeds = [1, 2, 2]\n" + rest), HasSubstr("2 twice"));
  EXPECT_THAT(folder.ErrorOf("seeds = [1, 2, -3]\n" + rest), HasSubstr("whole numbers"));
  EXPECT_THAT(folder.Parse(rest).seeds, ElementsAre(1, 2, 3));
}

TEST(SweepRecipe, MoreCellsThanCanBeTrainedAreRefusedBeforeTheyAreMade) {
  const RecipeFolder folder;
  std::string values = "1";
  for (int i = 2; i <= 64; ++i) values += ", " + std::to_string(i);
  const auto product = [&](const std::string& more) {
    return kRecipeStart + "[product.vary]\nlora_rank = [" + values + "]\nmax_steps = [" + values +
           "]\n" + more;
  };
  EXPECT_EQ(folder.ErrorOf(product("")), "no error");  // 4,096 combinations
  EXPECT_THAT(folder.ErrorOf(product("layers = [0, 1]\n")), HasSubstr("more than 4096 cells"));
  EXPECT_THAT(folder.ErrorOf(product("") + kStudy), HasSubstr("at most 4096 in all studies"));
  EXPECT_THAT(folder.ErrorOf(product("epochs = [" + values + "]\nlora_alpha = [" + values + "]\n")),
              HasSubstr("more than 4096 cells"));
}

TEST(SweepRecipe, DataMustBeNamedWhereThereAreSeveral) {
  const RecipeFolder folder;
  std::string text = kRecipeStart;
  text.erase(text.find("data = \"one\"\n"));
  EXPECT_THAT(folder.ErrorOf(text + kStudy), HasSubstr("settings.data"));
  EXPECT_EQ(folder.ErrorOf(text + "[[study]]\nname = \"x\"\nvary = {data = [\"one\", \"both\"]}\n"),
            "no error");
}

}  // namespace
}  // namespace lacos
