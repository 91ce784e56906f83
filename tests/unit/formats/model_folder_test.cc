// Model folders: which base, adapter, tokenizer and settings a folder leads to.
#include "lacos/formats/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/io/manifest.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = ModelFolder::Kind;

constexpr char kLegacyPooling[] =
    R"({"word_embedding_dimension": 40, "pooling_mode_cls_token": false,
    "pooling_mode_mean_tokens": false, "pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false,
    "pooling_mode_weightedmean_tokens": true, "pooling_mode_lasttoken": false})";

std::string ModulesText(const std::vector<std::pair<std::string, std::string>>& modules) {
  std::string text = "[";
  for (size_t i = 0; i < modules.size(); ++i) {
    text += fmt::format(R"({}{{"idx": {}, "name": "{}", "path": "{}", "type": "{}"}})",
                        i == 0 ? "" : ", ", i, i, modules[i].first, modules[i].second);
  }
  return text + "]";
}

class ModelFolderTest : public ::testing::Test {
 protected:
  void WriteBase(const std::string& name) {
    WriteConfig(folder_ / name, MakeTinyModel());
    WriteText(folder_ / (name + "/model.safetensors"), "not read here");
    WriteText(folder_ / (name + "/tokenizer.json"), "{}");
  }
  void WriteSettings(const std::string& name, const std::string& pooling = kLegacyPooling,
                     bool normalize = true) {
    std::vector<std::pair<std::string, std::string>> modules = {
        {"", "sentence_transformers.models.Transformer"},
        {"1_Pooling", "sentence_transformers.models.Pooling"}};
    if (normalize) modules.emplace_back("2_Normalize", "sentence_transformers.models.Normalize");
    WriteText(folder_ / (name + "/modules.json"), ModulesText(modules));
    WriteText(folder_ / (name + "/1_Pooling/config.json"), pooling);
  }
  void WriteAdapter(const std::string& name, const std::string& base) {
    WriteText(folder_ / (name + "/adapter_config.json"),
              R"({"peft_type": "LORA", "base_model_name_or_path": ")" + base + "\"}");
  }
  void WriteRecord(const std::string& name, const std::string& base) {
    WriteText(
        folder_ / (name + "/lacos.json"),
        fmt::format(
            R"({{"base": {{"path": "../{}", "config_sha256": "{}"}}, "strip": false, "files": {{}}}})",
            base, FileSha256(folder_ / (base + "/config.json"))));
  }
  ModelFolder Open(const std::string& name, const std::string& base = "",
                   const std::string& adapter = "") {
    return OpenModelFolder(folder_ / name, base.empty() ? "" : folder_ / base,
                           adapter.empty() ? "" : folder_ / adapter);
  }
  std::string Error(const std::string& name, const std::string& base = "",
                    const std::string& adapter = "") {
    return ErrorOf([&] { Open(name, base, adapter); });
  }

  TestFolder folder_;
};

TEST_F(ModelFolderTest, AnOriginalFolderHasTheLimitOfItsTokenizerAndNoOtherSettings) {
  WriteBase("base");
  WriteText(folder_ / "base/tokenizer_config.json", R"({"model_max_length": 512})");
  const ModelFolder folder = Open("base");
  EXPECT_EQ(folder.kind, Kind::kOriginal);
  EXPECT_EQ(folder.base_path, folder_ / "base");
  EXPECT_EQ(folder.base_name, folder_ / "base");
  EXPECT_EQ(folder.tokenizer_path, folder_ / "base/tokenizer.json");
  EXPECT_EQ(folder.adapter_path, "");
  EXPECT_EQ(folder.settings.max_length, 512);
  EXPECT_FALSE(folder.settings.pooling || folder.settings.normalize || folder.settings.strip ||
               folder.settings.truncate_dim);
  EXPECT_THAT(folder.warnings, ::testing::IsEmpty());
}

TEST_F(ModelFolderTest, AQuantizedFolderRemembersItsOriginal) {
  WriteBase("q");
  Json config = Json::ReadFile(folder_ / "q/config.json");
  config.Set("quantization", Json::Parse(R"({"scheme": "linear", "block_size": "row"})", "x"));
  WriteText(folder_ / "q/config.json", config.Dump());
  WriteText(folder_ / "q/lacos.json", R"({"base_name": "bigscience/bloom-560m"})");
  const ModelFolder folder = Open("q");
  EXPECT_EQ(folder.kind, Kind::kQuantized);
  EXPECT_EQ(folder.base_name, "bigscience/bloom-560m");
}

TEST_F(ModelFolderTest, ATrainedFolderFindsItsBaseAndSettings) {
  WriteBase("base");
  WriteSettings("out");
  WriteAdapter("out", "bigscience/bloom-560m");
  WriteRecord("out", "base");
  WriteText(folder_ / "out/sentence_bert_config.json",
            R"({"max_seq_length": 75, "do_lower_case": false})");
  WriteText(folder_ / "out/config_sentence_transformers.json",
            R"({"prompts": {"query": "Q: ", "none": ""}, "default_prompt_name": "query",
                "__version__": {"sentence_transformers": "3.1.0"}})");
  ModelFolder folder = Open("out");
  EXPECT_EQ(folder.kind, Kind::kTrained);
  EXPECT_EQ(folder.base_path, folder_ / "base");
  EXPECT_EQ(folder.base_name, "bigscience/bloom-560m");
  EXPECT_EQ(folder.adapter_path, folder_ / "out");
  EXPECT_EQ(folder.tokenizer_path, folder_ / "base/tokenizer.json");
  EXPECT_EQ(folder.settings.pooling, Pooling::kWeightedMean);
  EXPECT_EQ(folder.settings.normalize, true);
  EXPECT_EQ(folder.settings.max_length, 75);
  EXPECT_EQ(folder.settings.strip, false);  // lacos.json takes precedence over the version
  EXPECT_EQ(folder.settings.prompts.at("query"), "Q: ");
  EXPECT_EQ(folder.settings.default_prompt_name, "query");
  WriteText(folder_ / "out/tokenizer.json", "{}");
  EXPECT_EQ(Open("out").tokenizer_path, folder_ / "out/tokenizer.json");
}

TEST_F(ModelFolderTest, TheSimilarityIsOneOfSentenceTransformers) {
  WriteBase("st");
  WriteSettings("st");
  EXPECT_EQ(Open("st").settings.similarity, std::nullopt);
  const auto write = [&](const std::string& value) {
    WriteText(folder_ / "st/config_sentence_transformers.json",
              R"({"similarity_fn_name": )" + value + "}");
  };
  for (const SimilarityNames& names : kSimilarityNames) {
    write(fmt::format("\"{}\"", names.word));
    EXPECT_EQ(Open("st").settings.similarity, names.value);
  }
  write("null");
  EXPECT_EQ(Open("st").settings.similarity, std::nullopt);
  write("\"maxsim\"");
  EXPECT_THAT(Error("st"), AllOf(HasSubstr("similarity_fn_name] found 'maxsim'"),
                                 HasSubstr("cosine, dot, euclidean or manhattan")));
}

TEST_F(ModelFolderTest, AMovedOrChangedBaseIsAskedFor) {
  WriteBase("base");
  WriteAdapter("out", "bigscience/bloom-560m");
  WriteRecord("out", "base");
  fs::rename(folder_ / "base", folder_ / "moved");
  EXPECT_THAT(Error("out"), AllOf(HasSubstr("`base`"), HasSubstr("was moved")));
  EXPECT_EQ(Open("out", "moved").base_path, folder_ / "moved");
  fs::rename(folder_ / "moved", folder_ / "base");
  WriteText(folder_ / "base/config.json", ReadText(folder_ / "base/config.json") + " ");
  EXPECT_THAT(Error("out"), HasSubstr("another config.json"));
  EXPECT_EQ(Open("out", "base").base_path, folder_ / "base");
}

TEST_F(ModelFolderTest, APlainAdapterFindsItsBaseByPath) {
  WriteBase("base");
  WriteAdapter("absolute", folder_ / "base");
  EXPECT_EQ(Open("absolute").base_path, folder_ / "base");
  WriteAdapter("relative", "../base");
  EXPECT_EQ(Open("relative").base_path, folder_ / "base");
  WriteAdapter("hub", "bigscience/bloom-560m");
  EXPECT_THAT(Error("hub"), AllOf(HasSubstr("'bigscience/bloom-560m'"), HasSubstr("`base`")));
  EXPECT_EQ(Open("hub", "base").base_path, folder_ / "base");
  WriteText(folder_ / "nameless/adapter_config.json",
            R"({"peft_type": "LORA", "base_model_name_or_path": null})");
  EXPECT_THAT(Error("nameless"), HasSubstr("`base`"));
}

TEST_F(ModelFolderTest, AnAdapterOnABaseBringsItsSettings) {
  WriteBase("base");
  WriteAdapter("plain", "elsewhere");
  ModelFolder folder = Open("base", "", "plain");
  EXPECT_EQ(folder.kind, Kind::kOriginal);
  EXPECT_EQ(folder.adapter_path, folder_ / "plain");
  EXPECT_FALSE(folder.settings.pooling);
  WriteSettings("trained");
  WriteAdapter("trained", "elsewhere");
  folder = Open("base", "", "trained");
  EXPECT_EQ(folder.base_path, folder_ / "base");
  EXPECT_EQ(folder.settings.pooling, Pooling::kWeightedMean);
}

TEST_F(ModelFolderTest, AnAdaptersTokenizerThatIsNotUsedIsNamed) {
  WriteBase("base");
  WriteAdapter("plain", "elsewhere");
  WriteText(folder_ / "plain/tokenizer.json", "{}");
  EXPECT_THAT(Open("base", "", "plain").warnings, ::testing::IsEmpty());
  WriteText(folder_ / "plain/added_tokens.json", R"({"[Q]": 300})");
  EXPECT_THAT(Open("base", "", "plain").warnings,
              ::testing::ElementsAre(HasSubstr("plain/added_tokens.json")));
  EXPECT_THAT(Open("plain", "base").warnings, ::testing::IsEmpty());
}

TEST_F(ModelFolderTest, AFullSentenceTransformersModelIsItsOwnBase) {
  WriteBase("st");
  WriteSettings(
      "st", R"({"embedding_dimension": 40, "pooling_mode": "lasttoken", "include_prompt": true})",
      false);
  WriteText(folder_ / "st/tokenizer_config.json", R"({"model_max_length": 300})");
  WriteText(folder_ / "st/config_sentence_transformers.json",
            R"({"__version__": {"sentence_transformers": "6.2.0"}, "default_prompt_name": null})");
  ModelFolder folder = Open("st");
  EXPECT_EQ(folder.kind, Kind::kTrained);
  EXPECT_EQ(folder.base_path, folder_ / "st");
  EXPECT_EQ(folder.settings.pooling, Pooling::kLast);
  EXPECT_EQ(folder.settings.normalize, false);
  EXPECT_EQ(folder.settings.max_length, 300);
  EXPECT_EQ(folder.settings.strip, false);
  WriteText(folder_ / "st/tokenizer_config.json",
            R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_FALSE(Open("st").settings.max_length);
}

TEST_F(ModelFolderTest, LimitsComeFromTheFirstFileThatHasOne) {
  WriteBase("st");
  WriteSettings("st");
  const auto limit = [&](const std::string& bert, const std::string& tokenizer, int64_t positions) {
    Json config = Json::ReadFile(folder_ / "st/config.json");
    config.Set("max_position_embeddings", positions);
    WriteText(folder_ / "st/config.json", config.Dump());
    WriteText(folder_ / "st/sentence_bert_config.json", bert);
    WriteText(folder_ / "st/tokenizer_config.json", tokenizer);
    return Open("st").settings.max_length;
  };
  EXPECT_EQ(limit(R"({"max_seq_length": 75})", R"({"model_max_length": 5})", 9), 75);
  EXPECT_EQ(limit("{}", R"({"model_max_length": 5})", 9), 5);
  EXPECT_EQ(limit("{}", R"({"max_len": 12})", 9), 9);
  EXPECT_EQ(limit("{}", R"({"max_len": 12, "model_max_length": null})", -1), std::nullopt);
  EXPECT_EQ(limit(R"({"max_seq_length": 75, "tokenizer_args": {"model_max_length": 20}})", "{}", 9),
            20);
  EXPECT_EQ(limit(R"({"max_seq_length": 75, "processor_kwargs": {"model_max_length": 1e30}})",
                  R"({"model_max_length": 5})", 9),
            std::nullopt);
  for (const char* wrong : {"0", "-3", "7.5", "\"7\"", "[]"}) {
    EXPECT_THAT(
        ErrorOf([&] { limit("{}", fmt::format(R"({{"model_max_length": {}}})", wrong), -1); }),
        AllOf(HasSubstr("tokenizer_config.json: model_max_length"), HasSubstr("expected")))
        << wrong;
  }
  EXPECT_THAT(ErrorOf([&] { limit("{}", "{}", 0); }), HasSubstr("max_position_embeddings"));
}

TEST_F(ModelFolderTest, OldNamesOfTheTransformersSettingsAreRead) {
  WriteBase("st");
  WriteSettings("st");
  WriteText(folder_ / "st/sentence_bert_config.json", "{}");
  WriteText(folder_ / "st/sentence_roberta_config.json", R"({"max_seq_length": 33})");
  EXPECT_EQ(Open("st").settings.max_length, 33);
}

TEST_F(ModelFolderTest, LeadingValuesAreKeptAsTheFolderSays) {
  WriteBase("st");
  WriteSettings("st");
  const std::string path = folder_ / "st/config_sentence_transformers.json";
  WriteText(path, R"({"truncate_dim": 7})");
  EXPECT_EQ(Open("st").settings.truncate_dim, 7);
  WriteText(path, R"({"truncate_dim": null})");
  EXPECT_EQ(Open("st").settings.truncate_dim, std::nullopt);
  for (const char* wrong : {"0", "-5", "1.5", "\"7\""}) {
    WriteText(path, fmt::format(R"({{"truncate_dim": {}}})", wrong));
    EXPECT_THAT(Error("st"), HasSubstr("config_sentence_transformers.json: truncate_dim")) << wrong;
  }
}

TEST_F(ModelFolderTest, UnknownKeysAreNamedWithTheirFile) {
  WriteBase("st");
  WriteSettings("st");
  WriteText(folder_ / "st/tokenizer_config.json",
            R"({"add_eos_tokens": 1, "padding_side": "left"})");
  WriteText(
      folder_ / "st/sentence_bert_config.json",
      R"({"max_length": 5, "tokenizer_args": {"truncation_sides": "left", "use_fast": true}})");
  const std::vector<std::string> warnings = Open("st").warnings;
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_THAT(warnings[0],
              AllOf(HasSubstr("sentence_bert_config.json"), HasSubstr("\"max_length\"")));
  EXPECT_THAT(warnings[2],
              AllOf(HasSubstr("tokenizer_config.json"), HasSubstr("\"add_eos_tokens\"")));
}

TEST_F(ModelFolderTest, AChatTemplateIsSaidWhereSentenceTransformersWouldUseIt) {
  WriteBase("base");
  WriteText(folder_ / "base/chat_template.jinja", "{{ messages }}");
  EXPECT_THAT(Open("base").warnings, ::testing::ElementsAre(HasSubstr("chat template")));
  WriteSettings("base");
  EXPECT_THAT(Open("base").warnings, ::testing::IsEmpty());
}

TEST_F(ModelFolderTest, ModulesHaveNamesOfTheirOwn) {
  WriteBase("st");
  WriteText(folder_ / "st/1_Pooling/config.json", kLegacyPooling);
  WriteText(
      folder_ / "st/modules.json",
      R"([{"idx": 0, "name": "a", "path": "", "type": "sentence_transformers.models.Transformer"},
                {"idx": 1, "name": "a", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
  EXPECT_THAT(Error("st"), AllOf(HasSubstr("modules.json"), HasSubstr("name"), HasSubstr("\"a\"")));
}

TEST_F(ModelFolderTest, TheTransformerMayLieInASubfolder) {
  WriteBase("st/0_Transformer");
  WriteText(folder_ / "st/modules.json",
            ModulesText({{"0_Transformer", "sentence_transformers.models.Transformer"},
                         {"1_Pooling", "sentence_transformers.models.Pooling"}}));
  WriteText(folder_ / "st/1_Pooling/config.json", kLegacyPooling);
  WriteText(folder_ / "st/0_Transformer/sentence_bert_config.json", R"({"max_seq_length": 128})");
  const ModelFolder folder = Open("st");
  EXPECT_EQ(folder.base_path, folder_ / "st/0_Transformer");
  EXPECT_EQ(folder.tokenizer_path, folder_ / "st/0_Transformer/tokenizer.json");
  EXPECT_EQ(folder.settings.max_length, 128);
}

TEST_F(ModelFolderTest, TheModulesOfVersion6AreUnderstood) {
  WriteBase("st");
  WriteText(
      folder_ / "st/modules.json",
      ModulesText(
          {{"", "sentence_transformers.base.modules.transformer.Transformer"},
           {"1_Pooling", "sentence_transformers.sentence_transformer.modules.pooling.Pooling"},
           {"2_Normalize",
            "sentence_transformers.sentence_transformer.modules.normalize.Normalize"}}));
  const std::vector<std::pair<std::string, Pooling>> modes = {
      {"cls", Pooling::kCls},        {"max", Pooling::kMax},
      {"mean", Pooling::kMean},      {"mean_sqrt_len_tokens", Pooling::kMeanSqrtLen},
      {"lasttoken", Pooling::kLast}, {"weightedmean", Pooling::kWeightedMean}};
  for (const auto& [name, pooling] : modes) {
    WriteText(folder_ / "st/1_Pooling/config.json",
              R"({"embedding_dimension": 40, "pooling_mode": ")" + name + "\"}");
    EXPECT_EQ(Open("st").settings.pooling, pooling);
    EXPECT_EQ(Open("st").settings.normalize, true);
  }
}

TEST_F(ModelFolderTest, FoldersOfVersionsThatStrippedBlanksStripThem) {
  WriteBase("st");
  WriteSettings("st");
  const std::vector<std::pair<std::string, std::optional<bool>>> cases = {
      {"0.4.1", true}, {"2.2.2", true},          {"5.3.0", true},       {"5.3.1.dev0", true},
      {"5", true},     {"5.4.0", false},         {"5.4.0.dev1", false}, {"6.2.0", false},
      {"10.0", false}, {"unknown", std::nullopt}};
  for (const auto& [version, strip] : cases) {
    WriteText(folder_ / "st/config_sentence_transformers.json",
              R"({"__version__": {"sentence_transformers": ")" + version + "\"}}");
    EXPECT_EQ(Open("st").settings.strip, strip) << version;
  }
}

TEST_F(ModelFolderTest, PoolingMayLeaveThePromptOut) {
  WriteBase("st");
  WriteSettings("st", R"({"pooling_mode": "mean", "include_prompt": false})");
  EXPECT_FALSE(Open("st").settings.pool_prompt);
  WriteSettings("st", R"({"pooling_mode": "mean"})");
  EXPECT_TRUE(Open("st").settings.pool_prompt);
}

TEST_F(ModelFolderTest, WhatLacosDoesNotComputeIsRefusedByName) {
  WriteBase("st");
  WriteSettings("st", R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})");
  EXPECT_THAT(Error("st"), HasSubstr("2 pooling modes"));
  WriteSettings("st", R"({"pooling_mode": ["mean", "max"]})");
  EXPECT_THAT(Error("st"), HasSubstr("2 pooling modes"));
  WriteSettings("st", R"({"pooling_mode": "median"})");
  EXPECT_THAT(Error("st"), HasSubstr("'median'"));
  WriteSettings("st");
  WriteText(folder_ / "st/sentence_bert_config.json",
            R"({"max_seq_length": 75, "do_lower_case": true})");
  EXPECT_THAT(Error("st"), HasSubstr("do_lower_case"));
  WriteText(folder_ / "st/sentence_bert_config.json", R"({"transformer_task": "fill-mask"})");
  EXPECT_THAT(Error("st"), HasSubstr("transformer_task"));
  WriteText(folder_ / "st/sentence_bert_config.json", R"({"max_seq_length": 0})");
  EXPECT_THAT(Error("st"),
              AllOf(HasSubstr("max_seq_length"), HasSubstr("found 0; expected at least 1")));
  WriteText(
      folder_ / "st/sentence_bert_config.json",
      R"({"transformer_task": "feature-extraction", "processing_kwargs": {"text": {"padding": true}}})");
  EXPECT_THAT(Error("st"), HasSubstr("processing_kwargs"));
  fs::remove(folder_ / "st/sentence_bert_config.json");
  WriteText(folder_ / "st/config_sentence_transformers.json",
            R"({"prompts": {"query": "q: "}, "default_prompt_name": "passage"})");
  EXPECT_THAT(Error("st"), AllOf(HasSubstr("default_prompt_name"), HasSubstr("found 'passage'")));
  WriteText(folder_ / "st/config_sentence_transformers.json",
            R"({"prompts": {"": "q: "}, "default_prompt_name": ""})");
  EXPECT_THAT(Error("st"), AllOf(HasSubstr("default_prompt_name"), HasSubstr("found ''")));
  fs::remove(folder_ / "st/config_sentence_transformers.json");
  const char* kTransformer = "sentence_transformers.models.Transformer";
  const char* kPooling = "sentence_transformers.models.Pooling";
  const auto modules = [&](const std::vector<std::pair<std::string, std::string>>& list) {
    WriteText(folder_ / "st/modules.json", ModulesText(list));
    return Error("st");
  };
  EXPECT_THAT(modules({{"", kTransformer},
                       {"1_Pooling", kPooling},
                       {"2_Dense", "sentence_transformers.models.Dense"}}),
              HasSubstr("models.Dense"));
  EXPECT_THAT(modules({{"", "custom_st.Transformer"}, {"1_Pooling", kPooling}}),
              HasSubstr("custom_st.Transformer"));
  EXPECT_THAT(modules({{"1_Pooling", kPooling}, {"", kTransformer}}), HasSubstr("out of place"));
  EXPECT_THAT(modules({{"", kTransformer}}), HasSubstr("no Pooling"));
  EXPECT_THAT(modules({{"", kTransformer}, {"../1_Pooling", kPooling}}),
              HasSubstr("inside this one"));
  EXPECT_THAT(modules({{"", kTransformer}, {"1_Pooling\\u0000", kPooling}}),
              HasSubstr("inside this one"));
}

TEST_F(ModelFolderTest, NamesThatNoFileCanHaveAreUsersErrors) {
  const std::string name(5000, 'a');
  WriteBase("st");
  WriteSettings("st");
  WriteText(folder_ / "st/modules.json",
            ModulesText({{name, "sentence_transformers.models.Transformer"},
                         {"1_Pooling", "sentence_transformers.models.Pooling"}}));
  EXPECT_THAT(Error("st"), HasSubstr("neither config.json nor adapter_config.json"));
  fs::create_directory(folder_ / "adapter");
  WriteText(folder_ / "adapter/adapter_config.json",
            R"({"peft_type": "LORA", "base_model_name_or_path": ")" + name + "\"}");
  EXPECT_THAT(Error("adapter"), HasSubstr("pass `base`"));
}

TEST_F(ModelFolderTest, WrongCombinationsAreRefused) {
  WriteBase("base");
  WriteAdapter("adapter", folder_ / "base");
  EXPECT_THAT(Error("nowhere"), HasSubstr("is no folder"));
  EXPECT_THAT(Error("base", "base"), HasSubstr("is a base itself"));
  EXPECT_THAT(Error("adapter", "", "adapter"), HasSubstr("is an adapter already"));
  EXPECT_THAT(Error("base", "", "base"), HasSubstr("no adapter_config.json"));
  WriteText(folder_ / "empty/x", "");
  EXPECT_THAT(Error("empty"), HasSubstr("neither config.json nor adapter_config.json"));
  fs::remove(folder_ / "base/tokenizer.json");
  EXPECT_THAT(Error("base"), HasSubstr("no tokenizer.json"));
}

TEST(PoolingNameTest, EveryNameRoundTrips) {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kWeightedMean, Pooling::kLast,
                                Pooling::kCls, Pooling::kMax, Pooling::kMeanSqrtLen}) {
    EXPECT_EQ(Parse<Pooling>(Name(pooling)), pooling);
  }
  EXPECT_EQ(Parse<Pooling>("average"), std::nullopt);
}

}  // namespace
}  // namespace lacos
