// A small recipe in a folder of its own, and a function that returns the error of a changed recipe.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "lacos/base/error.h"
#include "lacos/sweep/recipe.h"

namespace lacos {

class RecipeFolder {
 public:
  RecipeFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "lacos_sweep_test_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
    std::filesystem::create_directory(path_ / "model");
    for (const char* file : {"a.tsv", "b.tsv", "sts.tsv"}) std::ofstream(path_ / file) << "x\n";
  }
  ~RecipeFolder() { std::filesystem::remove_all(path_); }
  RecipeFolder(const RecipeFolder&) = delete;
  RecipeFolder& operator=(const RecipeFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  SweepRecipe Parse(const std::string& text) const {
    return ParseRecipe(text, *this / "recipe.toml");
  }
  std::string ErrorOf(const std::string& text) const {
    try {
      Parse(text);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }

 private:
  std::filesystem::path path_;
};

// The first lines of every recipe. Studies follow.
inline const std::string kRecipeStart = R"(title = "A test"
seeds = [1, 2, 3]
[bases]
nano = "model"
[data]
one = "a.tsv"
both = ["a.tsv", "b.tsv"]
[[evaluation.file]]
path = "sts.tsv"
[settings]
data = "one"
)";

}  // namespace lacos
