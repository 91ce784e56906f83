// Adapters on disk: PEFT's files are read, files that lacos writes are read back equal, and
// everything else is refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lacos/formats/lora_adapter.h"
#include "lacos/io/safetensors.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const BloomConfig kConfig{.hidden_size = 40, .heads = 5, .layers = 3, .vocab_size = 300};

void FillRandom(std::vector<float>& values, Random& random) {
  for (float& value : values) value = static_cast<float>(random.Normal());
}

// An adapter without a value that is still zero.
LoraAdapter TrainedAdapter(const LoraSettings& settings) {
  LoraAdapter adapter = InitializeLora(kConfig, settings, 5);
  Random random(6, RandomStream::kWeights);
  for (auto& [name, module] : adapter.modules) FillRandom(module.b.values, random);
  return adapter;
}

std::map<std::string, HostMatrix> AllBiases() {
  std::map<std::string, HostMatrix> biases;
  Random random(8, RandomStream::kWeights);
  for (const TensorSpec& spec : ListTensors(kConfig)) {
    if (!spec.name.ends_with(".bias")) continue;
    biases[spec.name] = {spec.shape, std::vector<float>(static_cast<size_t>(spec.shape[0]))};
    FillRandom(biases[spec.name].values, random);
  }
  return biases;
}

void ExpectSame(const LoraAdapter& a, const LoraAdapter& b) {
  ASSERT_EQ(a.modules.size(), b.modules.size());
  for (const auto& [name, module] : a.modules) {
    const LoraModule& other = b.modules.at(name);
    EXPECT_EQ(module.b_bias.shape, other.b_bias.shape);
    EXPECT_EQ(module.b_bias.values, other.b_bias.values);
    EXPECT_EQ(module.a.shape, other.a.shape);
    EXPECT_EQ(module.a.values, other.a.values);
    EXPECT_EQ(module.b.shape, other.b.shape);
    EXPECT_EQ(module.b.values, other.b.values);
    EXPECT_EQ(module.scale, other.scale);
    EXPECT_EQ(module.dropout, other.dropout);
  }
  ASSERT_EQ(a.biases.size(), b.biases.size());
  for (const auto& [name, bias] : a.biases) {
    EXPECT_EQ(bias.shape, b.biases.at(name).shape);
    EXPECT_EQ(bias.values, b.biases.at(name).values);
  }
}

LoraAdapter WriteAndRead(const LoraAdapter& adapter) {
  const TestFolder folder;
  WriteLoraAdapter(adapter, folder.path(), "bigscience/bloom-560m");
  return ReadLoraAdapter(folder.path(), kConfig);
}

TEST(PeftFilesTest, AdaptersComeBackAsTheyWere) {
  const std::vector<LoraSettings> cases = {
      {},
      {.rank = 3, .alpha = 7, .dropout = 0.05, .rank_stabilized = true},
      {.rank = 4, .targets = {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"}},
      {.targets = {"dense"}},
      {.targets = {"dense", "dense_4h_to_h"}, .first_layer = 1},
      {.first_layer = 0, .last_layer = 1},
      {.first_layer = 1, .last_layer = 1},
  };
  for (const LoraSettings& settings : cases) {
    const LoraAdapter adapter = TrainedAdapter(settings);
    const LoraAdapter again = WriteAndRead(adapter);
    ExpectSame(adapter, again);
    EXPECT_EQ(again.settings.rank, settings.rank);
    EXPECT_EQ(again.settings.alpha, settings.alpha);
    EXPECT_EQ(again.settings.rank_stabilized, settings.rank_stabilized);
    EXPECT_EQ(again.settings.targets, settings.targets);
    EXPECT_EQ(again.settings.first_layer, settings.first_layer);
    EXPECT_EQ(again.settings.last_layer, settings.last_layer);
    EXPECT_FALSE(again.settings.train_biases);
  }
}

TEST(PeftFilesTest, ModulesOfTheirOwnRankAndScaleComeBack) {
  LoraAdapter adapter = TrainedAdapter({.targets = {"query_key_value", "dense"}});
  LoraModule& special = adapter.modules["h.1.self_attention.dense"];
  special = TrainedAdapter({.rank = 2, .alpha = 5, .targets = {"dense"}})
                .modules["h.1.self_attention.dense"];
  adapter.modules["h.2.self_attention.query_key_value"].scale = 0.75;
  ExpectSame(adapter, WriteAndRead(adapter));
}

TEST(PeftFilesTest, BiasesComeBackUnderPeftsNames) {
  const TestFolder folder;
  LoraAdapter all = TrainedAdapter({});
  all.biases = AllBiases();
  ExpectSame(all, WriteAndRead(all));

  LoraAdapter lora_only = TrainedAdapter({});
  for (const auto& [name, module] : lora_only.modules)
    lora_only.biases[name + ".bias"] = all.biases[name + ".bias"];
  WriteLoraAdapter(lora_only, folder.path(), "x");
  ExpectSame(lora_only, ReadLoraAdapter(folder.path(), kConfig));
  const SafetensorsFile file(folder / "adapter_model.safetensors");
  EXPECT_NE(file.Find("base_model.model.h.0.self_attention.query_key_value.base_layer.bias"),
            nullptr);
  EXPECT_EQ(file.tensors().size(), 9u);
}

TEST(PeftFilesTest, BitFitIsAnAdapterThatDoesNothingElse) {
  const TestFolder folder;
  LoraAdapter adapter;
  adapter.settings.train_biases = true;
  adapter.biases = AllBiases();
  WriteLoraAdapter(adapter, folder.path(), "x");
  const SafetensorsFile file(folder / "adapter_model.safetensors");
  EXPECT_EQ(file.tensors().size(), 2u + 6 * 3 + 2 * 3);
  const TensorEntry* b =
      file.Find("base_model.model.h.2.self_attention.query_key_value.lora_B.weight");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->shape, (std::vector<int64_t>{120, 1}));
  for (const std::byte byte : file.Data(*b)) EXPECT_EQ(byte, std::byte{0});
  const LoraAdapter again = ReadLoraAdapter(folder.path(), kConfig);
  EXPECT_TRUE(again.settings.train_biases);
  ExpectSame(adapter, again);
}

TEST(PeftFilesTest, TheConfigSaysWhatPeftWants) {
  const TestFolder folder;
  WriteLoraAdapter(TrainedAdapter({.targets = {"query_key_value", "dense"}}), folder.path(),
                   "bigscience/bloom-560m");
  const Json json = Json::ReadFile(folder / "adapter_config.json");
  EXPECT_EQ(json.At("peft_type").AsString(), "LORA");
  EXPECT_EQ(json.At("task_type").AsString(), "FEATURE_EXTRACTION");
  EXPECT_EQ(json.At("base_model_name_or_path").AsString(), "bigscience/bloom-560m");
  EXPECT_TRUE(json.At("lora_alpha").IsInteger());
  EXPECT_TRUE(json.At("inference_mode").AsBool());
  EXPECT_EQ(json.At("target_modules")[0].AsString(), "dense");
  std::vector<std::string> keys = json.Keys();
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  const SafetensorsFile file(folder / "adapter_model.safetensors");
  EXPECT_EQ(file.metadata().at("format"), "pt");
}

// Tensors of an adapter with the given targets, which a test can rename and convert, and a config
// text of the test's own.
class ForeignAdapter : public ::testing::Test {
 protected:
  void Write(const LoraSettings& settings, const std::string& root, const std::string& config,
             DType dtype = DType::kF32) {
    adapter_ = TrainedAdapter(settings);
    tensors_.clear();
    for (const auto& [name, module] : adapter_.modules) {
      Add(root + name + ".lora_A.weight", module.a, dtype);
      Add(root + name + ".lora_B.weight", module.b, dtype);
    }
    WriteText(folder_ / "adapter_config.json", config);
    Flush();
  }
  void Add(const std::string& name, const HostMatrix& matrix, DType dtype = DType::kF32) {
    std::string bytes(matrix.values.size() * SizeOf(dtype), '\0');
    EncodeFromFloat(dtype, matrix.values.data(), matrix.values.size(),
                    reinterpret_cast<std::byte*>(bytes.data()));
    tensors_.push_back({name, std::string(Name(dtype)), matrix.shape, bytes});
  }
  void Flush() { WriteRawSafetensors(folder_ / "adapter_model.safetensors", tensors_); }
  LoraAdapter Read() { return ReadLoraAdapter(folder_.path(), kConfig); }
  std::string Error() {
    return ErrorOf([&] { Read(); });
  }

  TestFolder folder_;
  LoraAdapter adapter_;
  std::vector<RawTensor> tensors_;
};

constexpr char kModelRoot[] = "base_model.model.";
constexpr char kCausalRoot[] = "base_model.model.transformer.";
const std::vector<std::string> kAllTargets = {"query_key_value", "dense", "dense_h_to_4h",
                                              "dense_4h_to_h"};

TEST_F(ForeignAdapter, KeysOfBothModelClassesAreRead) {
  for (const char* root : {kModelRoot, kCausalRoot}) {
    Write({.alpha = 8}, root, R"({"peft_type": "LORA", "target_modules": ["query_key_value"]})");
    ExpectSame(adapter_, Read());  // r and lora_alpha default to 8
  }
}

TEST_F(ForeignAdapter, HalfPrecisionTensorsAreRead) {
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    Write({}, kModelRoot,
          R"({"peft_type": "LORA", "lora_alpha": 16.0, "target_modules": ["query_key_value"]})",
          dtype);
    const LoraAdapter read = Read();
    const auto rounded = [&](float value) {
      return dtype == DType::kF16 ? F16ToFloat(FloatToF16(value)) : RoundToBF16(value);
    };
    for (auto& [name, module] : adapter_.modules) {
      for (float& value : module.a.values) value = rounded(value);
      for (float& value : module.b.values) value = rounded(value);
    }
    ExpectSame(adapter_, read);
  }
}

TEST_F(ForeignAdapter, EveryFormOfTargetsIsUnderstood) {
  const auto matches = [&](const LoraSettings& settings, const char* root,
                           const std::string& keys) {
    Write(settings, root, R"({"peft_type": "LORA", "lora_alpha": 16, )" + keys + "}");
    ExpectSame(adapter_, Read());
  };
  // "dense" must not match dense_h_to_4h.
  matches({.targets = {"dense"}}, kModelRoot, R"("target_modules": ["dense"])");
  matches({.targets = {"dense"}}, kModelRoot,
          R"("target_modules": ["self_attention.dense", "q_proj"])");
  matches({.targets = kAllTargets}, kModelRoot, R"("target_modules": "all-linear")");
  matches({.targets = kAllTargets}, kCausalRoot, R"("target_modules": "All-Linear")");
  matches({}, kModelRoot, R"("target_modules": null)");  // PEFT's default for BLOOM
  matches({.targets = {"dense_h_to_4h", "dense_4h_to_h"}}, kModelRoot,
          R"("target_modules": ".*\\.mlp\\..*")");
  // \Z, named groups and lookbehind belong to Python's syntax, not to ECMAScript's.
  matches({.targets = {"dense"}}, kModelRoot,
          R"("target_modules": "(?P<where>.*)(?<=self_attention)\\.dense\\Z")");
  matches({.first_layer = 1, .last_layer = 1}, kModelRoot,
          R"("target_modules": ["h.1.self_attention.query_key_value"])");
  matches({.first_layer = 1, .last_layer = 1}, kCausalRoot,
          R"("target_modules": ["transformer.h.1.self_attention.query_key_value"])");
  matches({.first_layer = 1}, kCausalRoot,
          R"("target_modules": ["query_key_value"], "layers_to_transform": [1, 2])");
  matches(
      {.first_layer = 2}, kModelRoot,
      R"("target_modules": ["query_key_value"], "layers_to_transform": 2, "layers_pattern": "h")");
  matches(
      {.first_layer = 2}, kCausalRoot,
      R"("target_modules": ["query_key_value"], "layers_to_transform": [2], "layers_pattern": ["layers", "h"])");
  matches({}, kModelRoot, R"("target_modules": ["query_key_value"], "fan_in_fan_out": true)");
  matches({.targets = {"dense_h_to_4h", "dense_4h_to_h"}}, kModelRoot,
          R"("target_modules": "all-linear", "exclude_modules": ["query_key_value", "dense"])");
  matches({.targets = {"query_key_value"}}, kModelRoot,
          R"("target_modules": "all-linear", "exclude_modules": ".*dense.*")");
}

TEST_F(ForeignAdapter, PatternsSetRankAndScaleOfSingleModules) {
  Write({.rank = 4, .alpha = 12, .targets = {"dense"}}, kCausalRoot,
        R"({"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["dense"],
            "rank_pattern": {"h\\.[0-9]+\\.self_attention\\.dense": 4}, "alpha_pattern": {"dense": 12}})");
  ExpectSame(adapter_, Read());
}

TEST_F(ForeignAdapter, BiasesOfTheMatricesAreReadAndJoinTheLayersBias) {
  Write(
      {}, kModelRoot,
      R"({"peft_type": "LORA", "lora_alpha": 16, "lora_bias": true, "target_modules": ["query_key_value"]})");
  EXPECT_THAT(
      Error(),
      HasSubstr("3 missing: base_model.model.h.0.self_attention.query_key_value.lora_B.bias"));
  Random random(9, RandomStream::kWeights);
  for (auto& [name, module] : adapter_.modules) {
    module.b_bias = {.shape = {120}, .values = std::vector<float>(120)};
    FillRandom(module.b_bias.values, random);
    Add(kModelRoot + name + ".lora_B.bias", module.b_bias);
  }
  Flush();
  const LoraAdapter read = Read();
  ExpectSame(adapter_, read);
  ExpectSame(adapter_, WriteAndRead(read));
  const std::string module = "h.1.self_attention.query_key_value";
  const std::vector<float> bias = AdaptedBias(read, module, std::vector<float>(120, 0.5f));
  for (size_t i = 0; i < bias.size(); ++i)
    EXPECT_FLOAT_EQ(bias[i], 0.5f + 2 * adapter_.modules[module].b_bias.values[i]);
}

TEST_F(ForeignAdapter, AMergedLinearBecomesTheEqualLora) {
  // q and v of a fused layer are contiguous thirds. A is [2r, in]; B is [2/3 out, r, 1] in
  // two groups.
  const int64_t r = 4, in = 40, out = 120;
  Random random(10, RandomStream::kWeights);
  std::map<std::string, std::pair<HostMatrix, HostMatrix>> stored;
  for (int64_t layer = 0; layer < kConfig.layers; ++layer) {
    auto& [a, b] = stored[fmt::format("h.{}.self_attention.query_key_value", layer)];
    a = {.shape = {2 * r, in}, .values = std::vector<float>(static_cast<size_t>(2 * r * in))};
    b = {.shape = {out / 3 * 2, r, 1},
         .values = std::vector<float>(static_cast<size_t>(out / 3 * 2 * r))};
    FillRandom(a.values, random);
    FillRandom(b.values, random);
  }
  tensors_.clear();
  for (const auto& [name, pair] : stored) {
    Add(kCausalRoot + name + ".lora_A.weight", pair.first);
    Add(kCausalRoot + name + ".lora_B.weight", pair.second);
  }
  WriteText(folder_ / "adapter_config.json",
            R"({"peft_type": "LORA", "r": 4, "lora_alpha": 6, "enable_lora": [true, false, true],
                "fan_in_fan_out": true, "merge_weights": false, "target_modules": ["query_key_value"]})");
  Flush();
  const LoraAdapter read = Read();
  ASSERT_EQ(read.modules.size(), 3u);
  for (const auto& [name, pair] : stored) {
    const LoraModule& module = read.modules.at(name);
    EXPECT_EQ(module.scale, 1.5);
    ASSERT_EQ(module.b.shape, (std::vector<int64_t>{out, 2 * r}));
    for (int64_t row = 0; row < out; ++row) {
      for (int64_t column = 0; column < in; ++column) {
        double got = 0, expected = 0;
        for (int64_t k = 0; k < 2 * r; ++k)
          got += static_cast<double>(module.b.values[row * 2 * r + k]) *
                 module.a.values[k * in + column];
        // The convolution defines the order: output `row` of q is stored in row `row` of group 0,
        // that of v in row `row` of group 1.
        const bool is_q = row < out / 3, is_v = row >= out / 3 * 2;
        for (int64_t k = 0; (is_q || is_v) && k < r; ++k) {
          expected +=
              static_cast<double>(pair.second.values[(is_q ? row : row - out / 3) * r + k]) *
              pair.first.values[((is_q ? 0 : r) + k) * in + column];
        }
        ASSERT_DOUBLE_EQ(got, expected) << name << " " << row << " " << column;
      }
    }
  }
  ExpectSame(read, WriteAndRead(read));
  WriteText(
      folder_ / "adapter_config.json",
      R"({"peft_type": "LORA", "r": 4, "enable_lora": [true, true, true], "target_modules": null})");
  EXPECT_THAT(Error(), HasSubstr("lora_A.weight has [8, 40], expected [12, 40]"));
  WriteText(
      folder_ / "adapter_config.json",
      R"({"peft_type": "LORA", "r": 4, "enable_lora": [true, false, true, false, false, false, false]})");
  EXPECT_THAT(Error(), HasSubstr("has 7 parts"));
}

TEST_F(ForeignAdapter, WhatIsWrittenAgainIsByteForByteWhatWasRead) {
  const auto expect_same_tensors = [&] {
    const TestFolder again;
    WriteLoraAdapter(Read(), again.path(), "base");
    const SafetensorsFile before(folder_ / "adapter_model.safetensors");
    const SafetensorsFile after(again / "adapter_model.safetensors");
    ASSERT_EQ(before.tensors().size(), after.tensors().size());
    for (const TensorEntry& entry : before.tensors()) {
      const TensorEntry* other = after.Find(entry.name);
      ASSERT_NE(other, nullptr) << entry.name;
      EXPECT_EQ(entry.dtype, other->dtype);
      EXPECT_EQ(entry.shape, other->shape);
      EXPECT_TRUE(std::ranges::equal(before.Data(entry), after.Data(*other))) << entry.name;
    }
    ExpectSame(Read(), ReadLoraAdapter(again.path(), kConfig));
  };
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const char* root : {kModelRoot, kCausalRoot}) {
      Write({.rank = 3, .targets = kAllTargets}, root,
            R"({"peft_type": "LORA", "r": 3, "lora_alpha": 5, "target_modules": "all-linear"})",
            dtype);
      expect_same_tensors();
    }
  }
  // PEFT's form of BitFit has a rank-1 A, and it is not the one that lacos would draw.
  Write({.rank = 1}, kCausalRoot,
        R"({"peft_type": "LORA", "r": 1, "bias": "all", "target_modules": ["query_key_value"]})");
  for (RawTensor& tensor : tensors_) {
    if (tensor.name.ends_with("lora_B.weight")) tensor.bytes.assign(tensor.bytes.size(), '\0');
    if (tensor.name.ends_with("lora_A.weight")) tensor.bytes[0] = 1;
  }
  for (const auto& [name, bias] : AllBiases()) {
    const bool is_adapted = name.find("query_key_value") != std::string::npos;
    const std::string module = name.substr(0, name.rfind('.'));
    Add(kCausalRoot + (is_adapted ? module + ".base_layer.bias" : name), bias);
  }
  Flush();
  EXPECT_TRUE(Read().settings.train_biases);
  expect_same_tensors();
}

TEST_F(ForeignAdapter, AnAdapterWithoutWeightsSaysSo) {
  WriteText(folder_ / "adapter_config.json", R"({"peft_type": "LORA", "target_modules": null})");
  EXPECT_THAT(Error(), AllOf(HasSubstr("neither adapter_model.safetensors nor adapter_model.bin"),
                             HasSubstr(folder_.path())));
}

TEST_F(ForeignAdapter, OldNamesOfAdaptedBiasesAreRead) {
  Write(
      {}, kModelRoot,
      R"({"peft_type": "LORA", "lora_alpha": 16, "bias": "lora_only", "target_modules": ["query_key_value"]})");
  EXPECT_THAT(Error(), HasSubstr("query_key_value.base_layer.bias"));
  for (const auto& [name, bias] : AllBiases()) {
    if (name.find("query_key_value") != std::string::npos) Add(kModelRoot + name, bias);
  }
  Flush();
  EXPECT_EQ(Read().biases.size(), 3u);
}

TEST_F(ForeignAdapter, MissingExtraAndMisshapenTensorsAreListed) {
  const std::string config =
      R"({"peft_type": "LORA", "lora_alpha": 16, "target_modules": ["query_key_value"]})";
  Write({}, kModelRoot, config);
  tensors_.erase(tensors_.begin());
  tensors_.push_back({"base_model.model.other.weight", "F32", {1}, "1234"});
  tensors_[0].shape = {8, 120};
  Flush();
  EXPECT_THAT(
      Error(),
      AllOf(
          HasSubstr("1 missing: base_model.model.h.0.self_attention.query_key_value.lora_A.weight"),
          HasSubstr("lora_B.weight has [8, 120], expected [120, 8]"),
          HasSubstr("1 unexpected: base_model.model.other.weight")));
  Write({.targets = {"dense"}}, kModelRoot, config);
  EXPECT_THAT(Error(), AllOf(HasSubstr("6 missing"), HasSubstr("6 unexpected")));
}

// PEFT saves the head of a sequence classifier with its adapter. Hidden states do not depend on it.
TEST_F(ForeignAdapter, SavedHeadsAreLeftOutAndNamed) {
  for (const auto& [modules, head] : std::vector<std::pair<std::string, std::string>>{
           {R"(["classifier", "score"])", "base_model.model.score.weight"},
           {R"(["score"])", "base_model.model.score.modules_to_save.weight"},
           {R"(["transformer.lm_head"])", "base_model.model.lm_head.weight"},
           {"[\"qa_outputs\"]", "base_model.model.qa_outputs.bias"},
           {"[\"v_head\"]", "base_model.model.v_head.summary.weight"},
           {"null", "base_model.model.score.weight"}}) {
    Write({.alpha = 8}, kCausalRoot,
          R"({"peft_type": "LORA", "target_modules": ["query_key_value"], "modules_to_save": )" +
              modules + "}");
    tensors_.push_back({head, "F32", {1}, "1234"});
    Flush();
    const LoraAdapter read = Read();
    ExpectSame(adapter_, read);
    EXPECT_EQ(read.left_out_heads, std::vector<std::string>{head});
  }
}

// The vectors of texts do not depend on the LoRA of a head either.
TEST_F(ForeignAdapter, LoraOnAHeadIsLeftOutAndNamed) {
  const std::string a = "base_model.model.lm_head.lora_A.weight",
                    b = "base_model.model.lm_head.lora_B.weight";
  const auto write = [&](const std::string& more) {
    Write({.alpha = 8}, kCausalRoot,
          R"({"peft_type": "LORA", "target_modules": ["query_key_value", "lm_head"])" + more + "}");
    tensors_.push_back({a, "F32", {8, 40}, std::string(8 * 40 * 4, '\0')});
    tensors_.push_back({b, "F32", {300, 8}, std::string(300 * 8 * 4, '\0')});
    Flush();
  };
  write(R"(, "ensure_weight_tying": false)");
  const LoraAdapter read = Read();
  ExpectSame(adapter_, read);
  EXPECT_EQ(read.left_out_heads, (std::vector<std::string>{a, b}));
  // PEFT then adapts the word embedding in the same way.
  write(R"(, "ensure_weight_tying": true)");
  EXPECT_THAT(Error(), AllOf(HasSubstr("ensure_weight_tying"), HasSubstr("word embedding")));
}

TEST_F(ForeignAdapter, NonFiniteValuesAreNamed) {
  Write({}, kModelRoot,
        R"({"peft_type": "LORA", "lora_alpha": 16, "target_modules": ["query_key_value"]})");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(tensors_[1].bytes.data() + 8, &nan, 4);
  Flush();
  EXPECT_THAT(Error(), AllOf(HasSubstr("lora_B"), HasSubstr("index 2")));
}

TEST_F(ForeignAdapter, WhatLacosDoesNotComputeIsRefusedByName) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"("use_dora": true)", "use_dora"},
      {R"("modules_to_save": ["score", "word_embeddings"])", "modules_to_save[1]"},
      {R"("modules_to_save": ["ln_f"])", "the whole module is replaced"},
      {R"("enable_lora": [false, false])", "enable_lora"},
      {R"("enable_lora": true)", "enable_lora"},
      {R"("enable_lora": [true, false, true], "use_rslora": true)", "use_rslora"},
      {R"("target_modules": ["query_key_value", "word_embeddings"])", "names word_embeddings"},
      {R"("layer_replication": [[0, 2]])", "layer_replication"},
      {R"("trainable_token_indices": [1])", "trainable_token_indices"},
      {R"("use_something_new": {"x": 1})", "use_something_new"},
      {R"("init_lora_weights": "pissa_niter_4")", "init_lora_weights"},
      {R"("init_lora_weights": "olora")", "init_lora_weights"},
      {R"("init_lora_weights": "loftq")", "init_lora_weights"},
      {R"("bias": "some")", "bias"},
      {R"("r": 0)", "r]"},
      {R"("target_modules": "(")", "target_modules"},
      {R"("target_modules": ["q_proj", "v_proj"])", "names no linear layer"},
      {R"("layers_to_transform": [1], "layers_pattern": "layers")", "names no linear layer"},
  };
  for (const auto& [keys, expected] : cases) {
    Write({}, kModelRoot, R"({"peft_type": "LORA", "lora_alpha": 16, )" + keys + "}");
    EXPECT_THAT(Error(), HasSubstr(expected)) << keys;
  }
  for (const auto& [keys, expected] : std::vector<std::pair<std::string, std::string>>{
           {R"("target_modules": ".*dense", "layers_to_transform": [0])",
            "beside layers_to_transform"},
           {R"("lora_alpha": 1e999)", "number overflow parsing '1e999'"},
           {R"("lora_dropout": 1.5)", "found 1.5; expected 0 to 1"},
           {R"("lora_dropout": -0.1)", "lora_dropout"}}) {
    Write({}, kModelRoot, R"({"peft_type": "LORA", )" + keys + "}");
    EXPECT_THAT(Error(), HasSubstr(expected)) << keys;
  }
  Write({}, kModelRoot, R"({"peft_type": "IA3"})");
  EXPECT_THAT(Error(), HasSubstr("found 'IA3'"));
  // The same keys are accepted when they have no effect.
  Write({}, kModelRoot,
        R"({"peft_type": "LORA", "lora_alpha": 16, "use_dora": false, "modules_to_save": null,
      "loftq_config": {"loftq_bits": 4}, "init_lora_weights": "gaussian", "enable_lora": null, "layers_to_transform": [],
      "eva_config": {"rho": 2}, "megatron_core": "megatron.core", "exclude_modules": null, "rank_pattern": {}})");
  EXPECT_EQ(Error(), "no error");
}

TEST_F(ForeignAdapter, ADamagedPickledAdapterIsNamed) {
  WriteText(folder_ / "adapter_config.json", R"({"peft_type": "LORA"})");
  WriteText(folder_ / "adapter_model.bin", "x");
  EXPECT_THAT(Error(), HasSubstr("adapter_model.bin"));
}

}  // namespace
}  // namespace lacos
