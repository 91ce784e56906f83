// What run.json records about inputs: which recorded hashes are trusted, and which differences
// are detected.
#include "lacos/record/inputs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/io/manifest.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

class RunInputsTest : public testing::Test {
 protected:
  RunInputsTest() : folder_(fs::path(testing::TempDir()) / "lacos_run_inputs_test") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~RunInputsTest() override { fs::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& contents) const {
    std::ofstream(folder_ / name, std::ios::binary) << contents;
    return (folder_ / name).string();
  }
  static Json Only(const std::string& path) {
    RunInputs inputs;
    inputs.AddFile("train", path);
    return inputs.ToJson();
  }

  fs::path folder_;
};

TEST_F(RunInputsTest, TheManifestIsBelievedOnlyForTheSizeThatItNames) {
  const std::string path = Write("data.tsv", "one\n");
  EXPECT_EQ(Only(path)[0].At("hash_from").AsString(), "contents");
  EXPECT_EQ(Only(path)[0].At("sha256").AsString(), Sha256Hex(std::string("one\n")));
  WriteManifest(folder_.string(), Json::Object());
  EXPECT_EQ(Only(path)[0].At("hash_from").AsString(), "manifest");
  EXPECT_EQ(Only(path)[0].At("sha256").AsString(), Sha256Hex(std::string("one\n")));
  Write("data.tsv", "longer\n");
  EXPECT_EQ(Only(path)[0].At("hash_from").AsString(), "contents");
  EXPECT_EQ(Only(path)[0].At("sha256").AsString(), Sha256Hex(std::string("longer\n")));
  for (const char* manifest :
       {"{\"files\": 3}", "{", "{\"files\": {\"data.tsv\": {\"bytes\": 7}}}"}) {
    Write("lacos.json", manifest);
    EXPECT_EQ(Only(path)[0].At("hash_from").AsString(), "contents") << manifest;
  }
}

TEST_F(RunInputsTest, AFileCountsOnceByWhateverPath) {
  const std::string path = Write("data.tsv", "one\n");
  fs::create_symlink(path, folder_ / "link.tsv");
  RunInputs inputs;
  inputs.AddFile("train", path);
  inputs.AddFile("dev", (folder_ / "." / "data.tsv").string());
  inputs.AddFile("dev", (folder_ / "link.tsv").string());
  EXPECT_EQ(inputs.ToJson().size(), 1u);
  EXPECT_THROW(inputs.AddFile("train", (folder_ / "absent.tsv").string()), UserError);
}

TEST_F(RunInputsTest, DifferencesAreThoseOfContentsNotOfPlaces) {
  const Json a = Only(Write("a.tsv", "one\n")), b = Only(Write("b.tsv", "one\n")),
             c = Only(Write("c.tsv", "two\n"));
  EXPECT_TRUE(InputDifferences(a, b).empty());
  ASSERT_EQ(InputDifferences(a, c).size(), 1u);
  EXPECT_NE(InputDifferences(a, c)[0].find("c.tsv"), std::string::npos);
  EXPECT_EQ(InputDifferences(a, Json::Array()).size(), 1u);
  EXPECT_EQ(InputDifferences(Json::Array(), a).size(), 1u);
  // If one side has no hash, only the sizes are compared.
  const Json unknown =
      Json::Parse(R"([{"role": "train", "path": "x", "bytes": 4, "sha256": null}])", "x");
  EXPECT_TRUE(InputDifferences(unknown, a).empty());
  EXPECT_THROW(InputDifferences(Json::Parse("[{}]", "x"), a), UserError);
}

}  // namespace
}  // namespace lacos
