// Exported model folders: their settings, their manifest and card, and how they find their base.
#include "lacos/formats/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/convert/init.h"
#include "lacos/formats/license.h"
#include "lacos/formats/model_card.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/io/manifest.h"
#include "lacos/text/byte_tokenizer.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ExportTest : public ::testing::Test {
 protected:
  ExportTest() {
    InitFolder(BloomConfigToJson(config_, "float32"), folder_ / "base", {});
    std::filesystem::create_directory(folder_ / "out");
    settings_.base_name = "bigscience/bloom-560m";
    settings_.base_folder = folder_ / "base";
    settings_.tokenizer_folder = folder_ / "base";
    settings_.hidden_size = config_.hidden_size;
    settings_.pooling = Pooling::kLast;
    settings_.max_length = 60;
    settings_.recipe = {{"loss", "mnr | symmetric"}, {"steps", "100"}};
    settings_.scores = {{"STS dev Spearman", "65.91 (step 7)"}};
  }
  void Write() { WriteSentenceTransformersFolder(folder_ / "out", adapter_, settings_); }

  TestFolder folder_;
  BloomConfig config_{.hidden_size = 40, .heads = 5, .layers = 2, .vocab_size = 300};
  LoraAdapter adapter_ = InitializeLora(config_, {}, 1);
  ExportSettings settings_;
};

TEST_F(ExportTest, TheFolderOpensWithItsSettings) {
  settings_.strip = true;
  for (const bool normalize : {false, true}) {
    settings_.normalize = normalize;
    Write();
    const ModelFolder folder = OpenModelFolder(folder_ / "out", "", "");
    EXPECT_EQ(folder.kind, ModelFolder::Kind::kTrained);
    EXPECT_EQ(folder.base_path, folder_ / "base");
    EXPECT_EQ(folder.base_name, "bigscience/bloom-560m");
    EXPECT_EQ(folder.tokenizer_path, folder_ / "out/tokenizer.json");
    EXPECT_EQ(folder.settings.pooling, Pooling::kLast);
    EXPECT_EQ(folder.settings.normalize, normalize);
    EXPECT_EQ(folder.settings.max_length, 60);
    EXPECT_EQ(folder.settings.strip, true);
    const LoraAdapter adapter = ReadLoraAdapter(folder.adapter_path, config_);
    EXPECT_EQ(adapter.modules.size(), 2u);
    EXPECT_THAT(folder.warnings, IsEmpty());
    EXPECT_FALSE(folder.settings.truncate_dim);
  }
}

TEST_F(ExportTest, WhatTheFirstFolderSaidOfTokensAndWidthIsKept) {
  settings_.origin.truncate_dim = 7;
  settings_.tokenizer_args = Json::Parse(
      R"({"truncation_side": "left", "model_max_length": 9, "pad_token": "[Q]"})", "arguments");
  Write();
  const ModelFolder folder = OpenModelFolder(folder_ / "out", "", "");
  EXPECT_EQ(folder.settings.truncate_dim, 7);
  EXPECT_EQ(folder.settings.max_length, 60);
  EXPECT_EQ(folder.tokenizer.truncate_left, true);
  EXPECT_EQ(OpenTokenizer(folder)->TokenId("[Q]"), kByteTokenizerSize);
}

TEST_F(ExportTest, PromptsAndSimilarityOfTheOriginSurvive) {
  settings_.origin.prompts = {{"query", "query: "}, {"document", "passage: "}, {"empty", ""}};
  settings_.origin.default_prompt_name = "query";
  settings_.origin.pool_prompt = false;
  settings_.origin.similarity = Similarity::kDot;
  Write();
  const EmbeddingSettings settings = OpenModelFolder(folder_ / "out", "", "").settings;
  EXPECT_EQ(settings.prompts, settings_.origin.prompts);
  EXPECT_EQ(settings.default_prompt_name, "query");
  EXPECT_FALSE(settings.pool_prompt);
  EXPECT_EQ(settings.similarity, Similarity::kDot);
  EXPECT_THAT(ReadText(folder_ / "out/README.md"), HasSubstr("whose dot product says"));
}

TEST_F(ExportTest, ItIsFoundFromAnyWorkingDirectoryAfterBothWereMoved) {
  Write();
  const TestFolder elsewhere;
  std::filesystem::rename(folder_ / "base", elsewhere / "base");
  std::filesystem::rename(folder_ / "out", elsewhere / "out");
  EXPECT_EQ(OpenModelFolder(elsewhere / "out", "", "").base_path, elsewhere / "base");
}

TEST_F(ExportTest, TheManifestCoversTheModelAndNotTheTrainingRun) {
  WriteText(folder_ / "out/metrics.jsonl", "{}");
  WriteText(folder_ / "out/checkpoints/step-000001/state", "x");
  Write();
  const Json record = Json::ReadFile(folder_ / "out/lacos.json");
  EXPECT_EQ(record.At("kind").AsString(), "trained");
  EXPECT_TRUE(record.At("files").Has("adapter_model.safetensors"));
  EXPECT_TRUE(record.At("files").Has("1_Pooling/config.json"));
  EXPECT_FALSE(record.At("files").Has("metrics.jsonl"));
  EXPECT_FALSE(record.At("files").Has("checkpoints/step-000001/state"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/checkpoints/step-000001/state"));
  EXPECT_THAT(VerifyManifest(folder_ / "out"), IsEmpty());
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "out")) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("tmp")));
  }
}

TEST_F(ExportTest, AFailureLeavesNoPartOfTheModel) {
  settings_.tokenizer_folder = folder_ / "nowhere";
  EXPECT_THAT(ErrorOf([&] { Write(); }), HasSubstr("no tokenizer.json"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));
}

TEST_F(ExportTest, TheCardTellsWhatTheModelIs) {
  settings_.base_license = "bigscience-bloom-rail-1.0";
  const std::string card = ModelCard(adapter_, settings_);
  EXPECT_THAT(card,
              AllOf(HasSubstr("license: \"bigscience-bloom-rail-1.0\"\n"),
                    HasSubstr("base_model: \"bigscience/bloom-560m\"\n"),
                    HasSubstr("| pooling | last |"), HasSubstr("| loss | mnr \\| symmetric |"),
                    HasSubstr("| STS dev Spearman | 65.91 (step 7) |"),
                    HasSubstr("The restrictions hold for this model too")));
  settings_.base_license.clear();
  settings_.base_name = "/home/someone/models/bloom";
  EXPECT_THAT(ModelCard(adapter_, settings_),
              AllOf(Not(HasSubstr("license:")), Not(HasSubstr("/home/someone"))));
  WriteText(folder_ / "base/README.md",
            "---\nlanguage:\n- en\nlicense: 'apache-2.0'\r\n---\n# Model\nlicense: other\n");
  EXPECT_EQ(ReadLicense(folder_ / "base"), "apache-2.0");
  WriteText(folder_ / "base/README.md", "---\nlanguage: en\n---\nlicense: other\n");
  EXPECT_EQ(ReadLicense(folder_ / "base"), "");
}

TEST(LicenseNotice, SaysThatRestrictionsOfUsePassOnToDerivedModels) {
  const std::string bloom = LicenseNotice("bigscience-bloom-rail-1.0");
  EXPECT_THAT(bloom, AllOf(HasSubstr("bigscience-bloom-rail-1.0"), HasSubstr("restricts uses"),
                           HasSubstr("https://huggingface.co/spaces/bigscience/license")));
  // Other RAIL licences restrict uses, too, but have texts of their own.
  EXPECT_THAT(LicenseNotice("openrail++"),
              AllOf(HasSubstr("restricts uses"), Not(HasSubstr("bigscience"))));
  EXPECT_THAT(LicenseNotice("apache-2.0"),
              AllOf(HasSubstr("apache-2.0"), Not(HasSubstr("restrict"))));
  // A folder without a README may be BLOOM's all the same.
  EXPECT_THAT(LicenseNotice(""), AllOf(HasSubstr("names no licence"), HasSubstr("BLOOM")));
}

}  // namespace
}  // namespace lacos
