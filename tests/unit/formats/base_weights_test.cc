// Base folders: which tensors are found under which names, and which damage is refused.
#include "lacos/formats/base_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lacos/convert/quantize.h"
#include "lacos/formats/base_embedding.h"
#include "lacos/quant/code.h"
#include "test_paths.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<float> MatrixValues(const BaseWeights& base_weights, const std::string& name) {
  const QuantizedMatrix matrix = base_weights.Matrix(name);
  std::vector<float> values(static_cast<size_t>(matrix.rows * matrix.cols));
  Decode(matrix, 0, matrix.rows * matrix.cols, values.data());
  return values;
}

void ExpectValues(const BaseWeights& base_weights, const TinyModel& model) {
  for (const TensorSpec& spec : ListTensors(model.config)) {
    const std::vector<float> values =
        spec.IsMatrix() ? MatrixValues(base_weights, spec.name) : base_weights.Vector(spec.name);
    EXPECT_EQ(values, model.values.at(spec.name)) << spec.name;
  }
}

TEST(BaseWeightsTest, ReadsEveryTypeWithAndWithoutPrefix) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64}) {
    for (const char* prefix : {"", "transformer."}) {
      const TestFolder folder;
      TinyModel model = MakeTinyModel(dtype);
      model.prefix = prefix;
      WriteModel(folder.path(), model);
      const auto base_weights = BaseWeights::Open(folder.path());
      ExpectValues(*base_weights, model);
      EXPECT_EQ(base_weights->Bytes(),
                model.config.Parameters() * static_cast<int64_t>(SizeOf(dtype)));
      EXPECT_EQ(base_weights->Matrix("word_embeddings.weight").scheme, QuantScheme::kNone);
    }
  }
}

TEST(BaseWeightsTest, ReadsShardsThroughTheIndexAlone) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel();
  WriteShardedModel(folder.path(), model);
  WriteText(folder / "model_00003-of-00002.safetensors", "a stray file");
  const auto base_weights = BaseWeights::Open(folder.path());
  EXPECT_EQ(base_weights->files().size(), 2u);
  ExpectValues(*base_weights, model);
}

TEST(BaseWeightsTest, ReadsTheModelsThatTransformersWrote) {
  for (const char* name : {"a", "b", "c"}) {
    const std::string folder = std::string(LACOS_SOURCE_DIR "/tests/golden/models/") + name;
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
    const auto base_weights = BaseWeights::Open(folder);
    const auto rows = base_weights->config().vocab_size;
    EXPECT_EQ(MatrixValues(*base_weights, "word_embeddings.weight").size(),
              static_cast<size_t>(rows * base_weights->config().hidden_size));
    EXPECT_EQ(base_weights->config().residual_from_layernorm, std::string(name) == "c");
  }
}

TEST(BaseWeightsTest, IgnoresTheTiedHead) {
  const TestFolder folder;
  TinyModel model = MakeTinyModel();
  model.prefix = "transformer.";
  WriteConfig(folder.path(), model);
  std::vector<RawTensor> tensors = RawTensors(model);
  tensors.push_back({"lm_head.weight", "F32", {1}, std::string(4, '\0')});
  WriteRawSafetensors(folder / "model.safetensors", tensors);
  ExpectValues(*BaseWeights::Open(folder.path()), model);
}

TEST(BaseWeightsTest, LeavesOutEveryHeadOfTransformersAndTrl) {
  const TestFolder folder;
  for (const char* head :
       {"score.weight", "classifier.weight", "classifier.bias", "qa_outputs.weight",
        "qa_outputs.bias", "lm_head.SCB", "transformer.lm_head.weight", "v_head.summary.weight"}) {
    TinyModel model = MakeTinyModel();
    model.prefix = "transformer.";
    WriteConfig(folder.path(), model);
    std::vector<RawTensor> tensors = RawTensors(model);
    tensors.push_back({head, "F32", {1}, std::string(4, '\0')});
    WriteRawSafetensors(folder / "model.safetensors", tensors);
    const auto weights = BaseWeights::Open(folder.path());
    ExpectValues(*weights, model);
    EXPECT_EQ(weights->heads(), std::vector<std::string>{head});
  }
}

TEST(BaseWeightsTest, RefusesAMixOfPrefixes) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel();
  WriteConfig(folder.path(), model);
  std::vector<RawTensor> tensors = RawTensors(model);
  tensors[0].name = "transformer." + tensors[0].name;
  WriteRawSafetensors(folder / "model.safetensors", tensors);
  EXPECT_THAT(ErrorOf([&] { BaseWeights::Open(folder.path()); }),
              HasSubstr("prefix 'transformer.'"));
}

TEST(BaseWeightsTest, NamesMissingUnknownAndMisshapenTensors) {
  const TinyModel model = MakeTinyModel();
  const auto error = [&](auto&& change) {
    const TestFolder folder;
    WriteConfig(folder.path(), model);
    std::vector<RawTensor> tensors = RawTensors(model);
    change(tensors);
    WriteRawSafetensors(folder / "model.safetensors", tensors);
    return ErrorOf([&] { BaseWeights::Open(folder.path()); });
  };
  EXPECT_THAT(error([](auto& tensors) { tensors.pop_back(); }),
              AllOf(HasSubstr("lacks 1"), HasSubstr("ln_f.bias")));
  EXPECT_THAT(error([](auto& tensors) {
                tensors.push_back({"h.0.attn.masked_bias", "F32", {1}, "1234"});
              }),
              HasSubstr("h.0.attn.masked_bias"));
  EXPECT_THAT(error([](auto& tensors) {
                tensors[0].shape = {301, 40};
                tensors[0].bytes.resize(301 * 40 * 4);
              }),
              AllOf(HasSubstr("[301, 40]"), HasSubstr("[300, 40]"), HasSubstr("config.json")));
  EXPECT_THAT(error([](auto& tensors) { tensors[1].dtype = "I32"; }),
              AllOf(HasSubstr("word_embeddings_layernorm.weight"), HasSubstr("I32")));
  EXPECT_THAT(error([](auto& tensors) {
                tensors[0].dtype = "I8";
                tensors[0].bytes.resize(300 * 40);
              }),
              HasSubstr("no \"quantization\""));
}

TEST(BaseWeightsTest, AnIndexStaysInsideItsFolderAndTellsTheTruth) {
  const TinyModel model = MakeTinyModel();
  const auto error = [&](const std::string& from, const std::string& to) {
    const TestFolder folder;
    WriteShardedModel(folder.path(), model);
    std::string index = ReadText(folder / "model.safetensors.index.json");
    for (size_t at = 0; (at = index.find(from, at)) != std::string::npos; at += to.size()) {
      index.replace(at, from.size(), to);
    }
    WriteText(folder / "model.safetensors.index.json", index);
    return ErrorOf([&] { BaseWeights::Open(folder.path()); });
  };
  EXPECT_THAT(error("\"model_00001", "\"../model_00001"), HasSubstr("in the same folder"));
  EXPECT_THAT(error("\"model_00001", "\"/model_00001"), HasSubstr("in the same folder"));
  EXPECT_THAT(error("\"model_00001", "\"sub/../../model_00001"), HasSubstr("in the same folder"));
  EXPECT_THAT(error("\"model_00001", "\"model\\u0000_00001"), HasSubstr("in the same folder"));
  EXPECT_THAT(error("\"ln_f.bias\": \"model_00002", "\"ln_f.bias\": \"model_00001"),
              HasSubstr("ln_f.bias"));
  EXPECT_THAT(error("\"ln_f.bias\"", "\"ln_f.bia\""), HasSubstr("ln_f.bia"));
  // The index leaves one tensor out.
  const TestFolder folder;
  WriteShardedModel(folder.path(), model);
  Json index = Json::Parse(ReadText(folder / "model.safetensors.index.json"), "index");
  Json map = Json::Object();
  index.At("weight_map").ForEachItem([&](std::string_view name, const Json& shard) {
    if (name != "ln_f.bias") map.Set(std::string(name), shard.AsString());
  });
  index.Set("weight_map", map);
  WriteText(folder / "model.safetensors.index.json", index.Dump());
  EXPECT_THAT(ErrorOf([&] { BaseWeights::Open(folder.path()); }),
              AllOf(HasSubstr("holds ln_f.bias"), HasSubstr("model.safetensors.index.json")));
}

TEST(BaseWeightsTest, AnIndexMayNameATiedHeadThatIsNotStored) {
  const TestFolder folder;
  WriteShardedModel(folder.path(), MakeTinyModel());
  Json index = Json::ReadFile(folder / "model.safetensors.index.json");
  const auto add = [&](const std::string& name, const std::string& shard) {
    Json map = index.At("weight_map");
    map.Set(name, shard);
    index.Set("weight_map", map);
    WriteText(folder / "model.safetensors.index.json", index.Dump());
  };
  add("lm_head.weight", "model_00002-of-00002.safetensors");
  EXPECT_TRUE(BaseWeights::Open(folder.path())->heads().empty());
  add("v_head.summary.weight", "model_00003-of-00003.safetensors");  // a shard that is not there
  EXPECT_EQ(BaseWeights::Open(folder.path())->files().size(), 2u);
  WriteRawSafetensors(folder / "model_00003-of-00003.safetensors",
                      {{"v_head.summary.weight", "F32", {1}, "1234"}});
  const auto weights = BaseWeights::Open(folder.path());
  EXPECT_EQ(weights->heads(), std::vector<std::string>{"v_head.summary.weight"});
  EXPECT_EQ(HeadsNote("folder", weights->heads()),
            "[folder] 1 tensor of heads, which the vectors of texts do not need, left out: "
            "v_head.summary.weight");
  add("ln_f.other", "model_00004-of-00004.safetensors");
  EXPECT_THAT(ErrorOf([&] { BaseWeights::Open(folder.path()); }), HasSubstr("model_00004"));
}

TEST(BaseWeightsTest, AFolderWithoutWeightsIsAnError) {
  const TestFolder folder;
  WriteConfig(folder.path(), MakeTinyModel());
  EXPECT_THAT(ErrorOf([&] { BaseWeights::Open(folder.path()); }),
              HasSubstr("neither model.safetensors nor pytorch_model.bin"));
}

TEST(BaseWeightsTest, SlowButExactDropsTwoBiasesAsTransformersDoes) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel();
  WriteModel(folder.path(), model);
  Json config = BloomConfigToJson(model.config, "float32");
  config.Set("slow_but_exact", true);
  for (const int slices : {1, 4}) {
    config.Set("pretraining_tp", slices);
    WriteText(folder / "config.json", config.Dump());
    const auto base_weights = BaseWeights::Open(folder.path());
    for (const char* name : {"h.1.self_attention.dense.bias", "h.1.mlp.dense_4h_to_h.bias"}) {
      const std::vector<float> stored = model.values.at(name);
      EXPECT_EQ(base_weights->Vector(name),
                slices == 1 ? stored : std::vector<float>(stored.size()))
          << name;
    }
    EXPECT_EQ(base_weights->Vector("h.1.mlp.dense_h_to_4h.bias"),
              model.values.at("h.1.mlp.dense_h_to_4h.bias"));
  }
}

TEST(BaseWeightsTest, NonFiniteVectorsAreNamed) {
  const TestFolder folder;
  TinyModel model = MakeTinyModel();
  model.values["h.1.mlp.dense_4h_to_h.bias"][3] = std::numeric_limits<float>::quiet_NaN();
  WriteModel(folder.path(), model);
  const auto base_weights = BaseWeights::Open(folder.path());
  EXPECT_THAT(ErrorOf([&] { base_weights->Vector("h.1.mlp.dense_4h_to_h.bias"); }),
              AllOf(HasSubstr("h.1.mlp.dense_4h_to_h.bias"), HasSubstr("index 3")));
}

TEST(BaseWeightsTest, EmbeddingRowsAreTheRowsOfTheMatrix) {
  const TestFolder folder;
  WriteModel(folder / "plain", MakeTinyModel(DType::kBF16));
  // D = 40 does not divide 64 or 128, so blocks begin inside rows.
  QuantizeFolder(folder / "plain", folder / "row", {});
  QuantizeFolder(folder / "plain", folder / "64", {.block_size = 64});
  QuantizeFolder(folder / "plain", folder / "dynamic",
                 {.scheme = QuantScheme::kDynamic, .block_size = 128});
  QuantizeFolder(folder / "plain", folder / "kept", {.keep_embedding = true});
  for (const char* name : {"plain", "row", "64", "dynamic", "kept"}) {
    const auto base_weights = BaseWeights::Open(folder / name);
    const std::vector<float> all = MatrixValues(*base_weights, "word_embeddings.weight");
    const auto source = MakeEmbeddingSource(base_weights);
    ASSERT_EQ(source->rows(), 300);
    ASSERT_EQ(source->cols(), 40);
    std::vector<float> row(40);
    for (int64_t r = 0; r < 300; ++r) {
      source->ReadRow(r, row);
      EXPECT_TRUE(std::equal(row.begin(), row.end(), all.begin() + r * 40)) << name << " row " << r;
    }
  }
  std::vector<float> row(40);
  const auto source = MakeEmbeddingSource(BaseWeights::Open(folder / "row"));
  EXPECT_DEATH(source->ReadRow(300, row), "inside the table");
  TinyModel model = MakeTinyModel();
  model.values["word_embeddings.weight"][7 * 40 + 3] = std::numeric_limits<float>::infinity();
  WriteModel(folder / "infinite", model);
  const auto infinite = MakeEmbeddingSource(BaseWeights::Open(folder / "infinite"));
  infinite->ReadRow(6, row);
  EXPECT_THAT(ErrorOf([&] { infinite->ReadRow(7, row); }),
              AllOf(HasSubstr("word_embeddings.weight"), HasSubstr("has inf in row 7")));
}

TEST(BaseWeightsTest, UnalignedScalesAreReadCorrectly) {
  const TestFolder folder;
  WriteModel(folder / "plain", MakeTinyModel());
  QuantizeFolder(folder / "plain", folder / "row", {});
  const auto aligned = BaseWeights::Open(folder / "row");
  // Writes the same tensors again with the codes first and the end of the header shifted, so that
  // scales begin at odd addresses.
  std::vector<RawTensor> tensors;
  for (const auto& file : aligned->files()) {
    for (const TensorEntry& entry : file->tensors()) {
      const auto bytes = file->Data(entry);
      tensors.push_back({entry.name, std::string(Name(entry.dtype)), entry.shape,
                         std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
    }
  }
  for (int padding = 0; padding < 4; ++padding) {
    const std::string name = folder / ("shifted" + std::to_string(padding));
    WriteText(name + "/config.json", ReadText(folder / "row/config.json"));
    WriteRawSafetensors(name + "/model.safetensors", tensors, padding);
    const auto shifted = BaseWeights::Open(name);
    for (const char* matrix : {"word_embeddings.weight", "h.1.mlp.dense_h_to_4h.weight"}) {
      EXPECT_EQ(MatrixValues(*shifted, matrix), MatrixValues(*aligned, matrix));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(shifted->Matrix(matrix).absmax) % alignof(float), 0u);
    }
  }
}

TEST(BaseWeightsTest, DamagedScalesAreNamed) {
  const TestFolder folder;
  WriteModel(folder / "plain", MakeTinyModel());
  QuantizeFolder(folder / "plain", folder / "row", {});
  int64_t offset = 0;
  {
    const auto base_weights = BaseWeights::Open(folder / "row");
    offset = base_weights->Tensor("h.0.mlp.dense_h_to_4h.weight.absmax").entry.offset;
  }
  std::fstream file(folder / "row/model.safetensors",
                    std::ios::in | std::ios::out | std::ios::binary);
  const float infinity = std::numeric_limits<float>::infinity();
  file.seekp(offset + 4 * 5);
  file.write(reinterpret_cast<const char*>(&infinity), 4);
  file.close();
  EXPECT_THAT(ErrorOf([&] { BaseWeights::Open(folder / "row"); }), HasSubstr("lacos.json records"));
  // folders of other programs have no lacos.json
  std::filesystem::remove(folder / "row/lacos.json");
  const auto base_weights = BaseWeights::Open(folder / "row");
  EXPECT_THAT(ErrorOf([&] { base_weights->Matrix("h.0.mlp.dense_h_to_4h.weight"); }),
              HasSubstr("index 5"));
  EXPECT_EQ(ErrorOf([&] { base_weights->Matrix("h.1.mlp.dense_h_to_4h.weight"); }), "no error");
}

TEST(BaseWeightsTest, QuantizedFoldersMustFitTheirConfig) {
  const TestFolder folder;
  WriteModel(folder / "plain", MakeTinyModel());
  QuantizeFolder(folder / "plain", folder / "q", {.block_size = 64});
  const std::string config = ReadText(folder / "q/config.json");
  const auto error = [&](const std::string& from, const std::string& to) {
    std::string changed = config;
    changed.replace(changed.find(from), from.size(), to);
    WriteText(folder / "q/config.json", changed);
    return ErrorOf([&] { BaseWeights::Open(folder / "q"); });
  };
  EXPECT_THAT(error("\"block_size\": 64", "\"block_size\": 128"),
              HasSubstr("blocks of 128 values"));
  EXPECT_THAT(error("\"block_size\": 64", "\"block_size\": 65"), HasSubstr("power of two"));
  EXPECT_THAT(error("\"linear\"", "\"dynamic\""), HasSubstr("expected U8 for scheme dynamic"));
  EXPECT_THAT(error("\"linear\"", "\"cubic\""), HasSubstr("found 'cubic'"));
}

}  // namespace
}  // namespace lacos
