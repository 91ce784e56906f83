// Merged models: the arithmetic of PEFT, the files of the result, and the export as GGUF.
#include "lacos/convert/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "lacos/base/parallel.h"
#include "lacos/convert/ggml_encode.h"
#include "lacos/convert/gguf_export.h"
#include "lacos/convert/gguf_tokenizer.h"
#include "lacos/convert/low_rank.h"
#include "lacos/convert/merged_weights.h"
#include "lacos/convert/output/row_stream.h"
#include "lacos/convert/quantize.h"
#include "lacos/io/manifest.h"
#include "lacos/io/safetensors.h"
#include "lacos/text/byte_tokenizer.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kQkv[] = "h.0.self_attention.query_key_value";
constexpr char kUp[] = "h.1.mlp.dense_h_to_4h";

LoraModule RandomModule(int64_t out, int64_t in, int64_t rank, double scale) {
  Random random(static_cast<uint64_t>(out * 1000 + rank), RandomStream::kLoraInit);
  LoraModule module;
  module.a = {{rank, in}, std::vector<float>(static_cast<size_t>(rank * in))};
  module.b = {{out, rank}, std::vector<float>(static_cast<size_t>(out * rank))};
  for (float& value : module.a.values) value = static_cast<float>(random.Normal());
  for (float& value : module.b.values) value = static_cast<float>(random.Normal());
  module.scale = scale;
  return module;
}

// An adapter on two layers with different ranks, for hidden size 40.
LoraAdapter RandomAdapter() {
  LoraAdapter adapter;
  adapter.settings = {.rank = 3, .alpha = 2.1, .targets = {"query_key_value", "dense_h_to_4h"}};
  adapter.modules[kQkv] = RandomModule(120, 40, 3, 2.1 / 3);
  adapter.modules[kUp] = RandomModule(160, 40, 5, 2.1 / 5);
  return adapter;
}

// What PEFT's merge computes: B A in float by fused multiply-adds, multiplied by the scale and
// added to the weight.
std::vector<float> Merged(const std::vector<float>& weights, const LoraModule& module,
                          DType dtype) {
  const int64_t rank = module.a.shape[0], cols = module.a.shape[1];
  std::vector<float> sums(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto row = static_cast<int64_t>(i) / cols, column = static_cast<int64_t>(i) % cols;
    float sum = 0;
    for (int64_t k = 0; k < rank; ++k) {
      sum = std::fma(module.b.values[static_cast<size_t>(row * rank + k)],
                     module.a.values[static_cast<size_t>(k * cols + column)], sum);
    }
    const float delta = sum * static_cast<float>(module.scale);
    sums[i] = weights[i] + delta;
  }
  std::vector<std::byte> bytes(sums.size() * SizeOf(dtype));
  EncodeFromFloat(dtype, sums.data(), sums.size(), bytes.data());
  DecodeToFloat(dtype, bytes.data(), sums.size(), sums.data());
  return sums;
}

std::vector<float> Values(const TensorFile& file, const std::string& name) {
  const TensorEntry* entry = file.Find(name);
  if (entry == nullptr) return {};
  std::vector<float> values(static_cast<size_t>(entry->Elements()));
  DecodeToFloat(entry->dtype, file.Data(*entry).data(), values.size(), values.data());
  return values;
}

TEST(LowRankTest, EachValueIsAChainOfFusedMultiplyAdds) {
  const LoraModule module = RandomModule(7, 37, 11, 1);
  std::vector<float> product(7 * 37);
  LowRankProduct(module.b.values.data(), module.a.values.data(), 7, 11, 37, product.data());
  for (int64_t i = 0; i < 7; ++i) {
    for (int64_t j = 0; j < 37; ++j) {
      float sum = 0;
      for (int64_t k = 0; k < 11; ++k) {
        sum = std::fma(module.b.values[static_cast<size_t>(i * 11 + k)],
                       module.a.values[static_cast<size_t>(k * 37 + j)], sum);
      }
      EXPECT_EQ(product[static_cast<size_t>(i * 37 + j)], sum) << i << ", " << j;
    }
  }
}

TEST(MergeTest, ValuesAreRoundedOnceToTheBasesType) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const TestFolder folder;
    const TinyModel model = MakeTinyModel(dtype);
    WriteModel(folder / "base", model);
    std::filesystem::create_directory(folder / "adapter");
    const LoraAdapter adapter = RandomAdapter();
    WriteLoraAdapter(adapter, folder / "adapter", "base");
    const MergeReport report = MergeFolder(folder / "base", folder / "adapter", folder / "out", {});
    EXPECT_EQ(report.merged, 2);
    EXPECT_EQ(report.tensors, static_cast<int64_t>(ListTensors(model.config).size()));
    EXPECT_THAT(VerifyManifest(folder / "out"), IsEmpty());
    EXPECT_EQ(ReadText(folder / "out/config.json"), ReadText(folder / "base/config.json"));

    const SafetensorsFile file(folder / "out/model.safetensors");
    for (const TensorSpec& spec : ListTensors(model.config)) {
      std::vector<float> expected = model.values.at(spec.name);
      for (const auto& [name, module] : adapter.modules) {
        if (spec.name == name + ".weight") expected = Merged(expected, module, dtype);
      }
      ASSERT_NE(file.Find(spec.name), nullptr) << spec.name;
      EXPECT_EQ(file.Find(spec.name)->dtype, dtype);
      EXPECT_EQ(Values(file, spec.name), expected) << spec.name << " in " << Name(dtype);
    }
  }
}

TEST(MergeTest, ADoubleBaseIsSummedInDouble) {
  const TestFolder folder;
  TinyModel model = MakeTinyModel(DType::kF32);
  WriteConfig(folder / "base", model);
  std::vector<RawTensor> tensors = RawTensors(model);
  std::map<std::string, std::vector<double>> doubles;
  for (RawTensor& tensor : tensors) {
    std::vector<double>& values = doubles[tensor.name];
    // No float is a third, so only a sum in double keeps it.
    for (const float value : model.values.at(tensor.name)) values.push_back(value + 1.0 / 3);
    tensor.dtype = "F64";
    tensor.bytes.assign(reinterpret_cast<const char*>(values.data()),
                        values.size() * sizeof(double));
  }
  WriteRawSafetensors(folder / "base/model.safetensors", tensors);
  LoraAdapter adapter = RandomAdapter();
  adapter.modules.erase(kUp);
  const MergedWeights weights(BaseWeights::Open(folder / "base"), adapter);
  std::vector<double> merged(120 * 40);
  weights.ReadRows(std::string(kQkv) + ".weight", 0, 120,
                   reinterpret_cast<std::byte*>(merged.data()));
  const LoraModule& module = adapter.modules.at(kQkv);
  for (size_t i = 0; i < merged.size(); ++i) {
    double sum = 0;
    for (size_t k = 0; k < 3; ++k) {
      sum = std::fma(double{module.b.values[i / 40 * 3 + k]},
                     double{module.a.values[k * 40 + i % 40]}, sum);
    }
    const double delta = sum * module.scale;
    EXPECT_EQ(merged[i], doubles.at(std::string(kQkv) + ".weight")[i] + delta) << i;
  }
}

TEST(MergeTest, BiasesOfTheAdapterTakeTheBasesPlaceAndLoraBiasIsAdded) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel(DType::kBF16);
  WriteModel(folder / "base", model);
  LoraAdapter adapter = RandomAdapter();
  adapter.biases["ln_f.bias"] = {{40}, std::vector<float>(40, 1.0f / 3)};
  const std::string qkv_bias = std::string(kQkv) + ".bias";
  adapter.biases[qkv_bias] = {{120}, std::vector<float>(120, 0.7f)};
  adapter.modules[kQkv].b_bias = {{120}, std::vector<float>(120, 0.3f)};
  adapter.modules[kUp].b_bias = {{160}, std::vector<float>(160, 0.5f)};
  const MergedWeights weights(BaseWeights::Open(folder / "base"), adapter);
  const auto read = [&](const std::string& name, int64_t rows) {
    std::vector<uint16_t> bits(static_cast<size_t>(rows));
    weights.ReadRows(name, 0, rows, reinterpret_cast<std::byte*>(bits.data()));
    std::vector<float> values;
    for (const uint16_t value : bits) values.push_back(BF16ToFloat(value));
    return values;
  };
  EXPECT_TRUE(weights.Changes("ln_f.bias"));
  EXPECT_FALSE(weights.Changes("ln_f.weight"));
  EXPECT_EQ(read("ln_f.bias", 40), std::vector<float>(40, RoundToBF16(1.0f / 3)));
  // The bias is rounded when it is loaded and again after the sum.
  const float added = 0.3f * static_cast<float>(adapter.modules[kQkv].scale);
  EXPECT_EQ(read(qkv_bias, 120), std::vector<float>(120, RoundToBF16(RoundToBF16(0.7f) + added)));
  const std::string up_bias = std::string(kUp) + ".bias";
  std::vector<float> expected = model.values.at(up_bias);
  for (float& value : expected) {
    const float delta = 0.5f * static_cast<float>(adapter.modules[kUp].scale);
    value = RoundToBF16(value + delta);
  }
  EXPECT_EQ(read(up_bias, 160), expected);
  EXPECT_EQ(read("ln_f.weight", 40), model.values.at("ln_f.weight"));
}

TEST(MergeTest, ShardsNamesAndHeadStayAsTheyAre) {
  const TestFolder folder;
  TinyModel model = MakeTinyModel(DType::kF16);
  model.prefix = "transformer.";
  WriteShardedModel(folder / "base", model);
  // The second shard contains a head, as in some published models.
  std::vector<RawTensor> tensors = RawTensors(model);
  tensors.erase(tensors.begin(), tensors.begin() + static_cast<int64_t>(tensors.size() / 2));
  tensors.push_back({"lm_head.weight", "F16", {300, 40}, std::string(300 * 40 * 2, '\x11')});
  WriteRawSafetensors(folder / "base/model_00002-of-00002.safetensors", tensors);
  const std::string index_path = folder / "base/model.safetensors.index.json";
  Json index = Json::ReadFile(index_path);
  Json map = index.At("weight_map");
  map.Set("lm_head.weight", "model_00002-of-00002.safetensors");
  index.Set("weight_map", map);
  WriteText(index_path, index.Dump());
  std::filesystem::create_directory(folder / "adapter");
  WriteLoraAdapter(RandomAdapter(), folder / "adapter", "base");

  MergeFolder(folder / "base", folder / "adapter", folder / "out", {});
  const Json written = Json::ReadFile(folder / "out/model.safetensors.index.json");
  EXPECT_EQ(written.At("weight_map").Dump(), map.Dump());
  int64_t total = 0;
  for (const char* shard :
       {"model_00001-of-00002.safetensors", "model_00002-of-00002.safetensors"}) {
    const SafetensorsFile before((folder / "base/") + shard), after((folder / "out/") + shard);
    ASSERT_EQ(before.tensors().size(), after.tensors().size());
    for (const TensorEntry& entry : before.tensors()) {
      ASSERT_NE(after.Find(entry.name), nullptr) << entry.name;
      EXPECT_EQ(after.Find(entry.name)->shape, entry.shape);
      total += entry.bytes;
    }
  }
  EXPECT_EQ(written.At("metadata").At("total_size").AsInt(), total);
  const auto merged = BaseWeights::Open(folder / "out");
  const auto head = SafetensorsFile(folder / "out/model_00002-of-00002.safetensors");
  EXPECT_EQ(Values(head, "lm_head.weight"), std::vector<float>(300 * 40, F16ToFloat(0x1111)));
}

TEST(MergeTest, SlicesAndThreadsDoNotShow) {
  // 5.2 million values of four bytes are more than one slice of 16 MB, and the last piece is
  // not full.
  const TestFolder folder;
  TinyModel model;
  model.config = {.hidden_size = 1312, .heads = 41, .layers = 1, .vocab_size = 5};
  Random random(5, RandomStream::kWeights);
  for (const TensorSpec& spec : ListTensors(model.config)) {
    int64_t count = 1;
    for (const int64_t d : spec.shape) count *= d;
    std::vector<float>& values = model.values[spec.name];
    values.resize(static_cast<size_t>(count));
    for (float& value : values) value = static_cast<float>(random.Uniform() - 0.5);
  }
  WriteModel(folder / "base", model);
  LoraAdapter adapter;
  adapter.modules[kQkv] = RandomModule(3 * 1312, 1312, 2, 0.5);
  const std::string name = std::string(kQkv) + ".weight";
  const MergedWeights weights(BaseWeights::Open(folder / "base"), adapter);
  const std::vector<float> expected =
      Merged(model.values.at(name), adapter.modules.at(kQkv), DType::kF32);
  const int threads = ThreadCount();
  for (const int count : {1, 3}) {
    SetThreadCount(count);
    std::vector<float> merged;
    StreamRows({.rows = 3 * 1312,
                .row_elements = 1312,
                .row_bytes = 1312 * 4,
                .make = [&](int64_t begin, int64_t rows,
                            std::byte* out) { weights.ReadRows(name, begin, rows, out); },
                .write =
                    [&](int64_t begin, int64_t, std::span<const std::byte> bytes) {
                      EXPECT_EQ(static_cast<size_t>(begin * 1312), merged.size());
                      merged.resize(merged.size() + bytes.size() / 4);
                      std::memcpy(merged.data() + begin * 1312, bytes.data(), bytes.size());
                    }});
    EXPECT_EQ(merged, expected) << count << " threads";
  }
  SetThreadCount(threads);
}

TEST(MergeTest, WrongFoldersAreRefused) {
  const TestFolder folder;
  WriteModel(folder / "base", MakeTinyModel());
  std::filesystem::create_directory(folder / "adapter");
  WriteLoraAdapter(RandomAdapter(), folder / "adapter", "base");
  QuantizeFolder(folder / "base", folder / "int8", {.base_name = "someone/bloom-nano"});
  EXPECT_THAT(
      ErrorOf([&] { MergeFolder(folder / "int8", folder / "adapter", folder / "out", {}); }),
      AllOf(HasSubstr("quantized"), HasSubstr("someone/bloom-nano")));
  EXPECT_THAT(
      ErrorOf([&] { MergeFolder(folder / "adapter", folder / "adapter", folder / "out", {}); }),
      AllOf(HasSubstr("is an adapter"), HasSubstr("`model`")));
  EXPECT_THAT(ErrorOf([&] { MergeFolder(folder / "base", folder / "base", folder / "out", {}); }),
              HasSubstr("adapter_config.json"));
  EXPECT_THAT(ErrorOf([&] {
                MergeFolder(folder / "base", folder / "adapter", folder / "base",
                            {.writing = {.overwrite = true}});
              }),
              HasSubstr("is the input itself"));
  std::filesystem::copy_file(folder / "base/config.json", folder / "adapter/config.json");
  EXPECT_THAT(ErrorOf([&] {
                MergeFolder(folder / "base", folder / "adapter", folder / "adapter",
                            {.writing = {.overwrite = true}});
              }),
              HasSubstr("is an input itself"));
  std::filesystem::remove(folder / "adapter/config.json");
  TinyModel other = MakeTinyModel();
  other.config.layers = 1;
  std::erase_if(other.values, [](const auto& item) { return item.first.starts_with("h.1."); });
  WriteModel(folder / "other", other);
  EXPECT_THAT(
      ErrorOf([&] { MergeFolder(folder / "other", folder / "adapter", folder / "out", {}); }),
      HasSubstr("h.1.mlp"));
  LoraAdapter huge = RandomAdapter();
  for (float& value : huge.modules[kQkv].b.values) value *= 1e38f;
  std::filesystem::create_directory(folder / "huge");
  WriteLoraAdapter(huge, folder / "huge", "base");
  EXPECT_THAT(ErrorOf([&] { MergeFolder(folder / "base", folder / "huge", folder / "out", {}); }),
              AllOf(HasSubstr(kQkv), HasSubstr("finite")));
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

TEST(GgmlEncodeTest, Q8BlocksAreTheReferenceOfGgml) {
  // Halves are rounded away from zero, the scale is rounded to F16, and blocks that are zero or
  // vanish in F16 become zeros.
  std::vector<float> values(96, 0.0f);
  values[0] = 127.0f;
  values[1] = 2.5f;
  values[2] = -2.5f;
  values[3] = 0.49f;
  for (size_t i = 64; i < 96; ++i) values[i] = 1e-42f;
  std::vector<std::byte> bytes(3 * kQ8BlockBytes);
  EncodeGgml(GgmlType::kQ8_0, values, bytes.data());
  uint16_t scale = 0;
  std::memcpy(&scale, bytes.data(), 2);
  EXPECT_EQ(F16ToFloat(scale), 1.0f);
  const auto code = [&](size_t block, size_t i) {
    return static_cast<int8_t>(bytes[block * kQ8BlockBytes + 2 + i]);
  };
  EXPECT_EQ(code(0, 0), 127);
  EXPECT_EQ(code(0, 1), 3);
  EXPECT_EQ(code(0, 2), -3);
  EXPECT_EQ(code(0, 3), 0);
  for (size_t i = 34; i < bytes.size(); ++i) EXPECT_EQ(bytes[i], std::byte{0}) << i;
}

// A tokenizer.json with the given split pattern and added tokens.
std::string TokenizerText(const std::string& pattern, const std::string& added) {
  return R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[)" + added +
         R"(],"normalizer":null,"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split",)"
         R"("pattern":{"Regex":")" +
         pattern +
         R"("},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,)"
         R"("trim_offsets":true,"use_regex":false}]},"post_processor":null,"decoder":{"type":"ByteLevel"},)"
         R"("model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,)"
         R"("end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,)"
         R"("vocab":{"a":0,"b":1,"ab":2,"</s>":3,"[PAD5]":4,"[BOQ]":6,"ba":7},"merges":["a b","b a","a b"]}})";
}

constexpr char kBloomPattern[] = R"( ?[^(\\s|[.,!?…。，、।۔،])]+)";

TEST(GgufTokenizerTest, RowsWithoutATokenArePaddedUnderNamesOfTheirOwn) {
  const TestFolder folder;
  WriteText(
      folder / "tokenizer.json",
      TokenizerText(
          kBloomPattern,
          R"({"id":3,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,)"
          R"("normalized":false,"special":true},{"id":6,"content":"[BOQ]","single_word":false,)"
          R"("lstrip":true,"rstrip":false,"normalized":false,"special":false})"));
  WriteText(folder / "tokenizer_config.json",
            R"({"eos_token":{"content":"</s>"},"bos_token":"<s>"})");
  const Json config =
      Json::Parse(R"({"bos_token_id":2,"eos_token_id":1,"pad_token_id":50256})", "config");
  const GgufTokenizer tokenizer = MakeGgufTokenizer(folder / "tokenizer.json", {}, 9, config);
  EXPECT_EQ(tokenizer.pre, "bloom");
  EXPECT_THAT(tokenizer.tokens,
              ElementsAre("a", "b", "ab", "</s>", "[PAD5]", "[PAD5]_", "[BOQ]", "ba", "[PAD8]"));
  EXPECT_THAT(tokenizer.types, ElementsAre(1, 1, 1, 3, 1, 5, 4, 1, 5));
  // If a pair is given twice, its last position counts.
  EXPECT_THAT(tokenizer.merges, ElementsAre("b a", "a b"));
  // The names in the tokenizer's own files come first. An id beyond the rows is not a token.
  EXPECT_EQ(tokenizer.special_ids, (std::map<std::string, uint32_t>{{"bos", 2}, {"eos", 3}}));
  EXPECT_FALSE(tokenizer.add_bos || tokenizer.add_eos);
  ASSERT_EQ(tokenizer.warnings.size(), 2u);
  EXPECT_THAT(tokenizer.warnings[0], HasSubstr("254 of the 256 bytes"));
  EXPECT_THAT(tokenizer.warnings[1], AllOf(HasSubstr("[BOQ]"), HasSubstr("lstrip")));
  EXPECT_THAT(ErrorOf([&] { MakeGgufTokenizer(folder / "tokenizer.json", {}, 7, config); }),
              HasSubstr("7 rows"));
}

TEST(GgufTokenizerTest, PatternsThatLlamaCppLacksAreRefused) {
  const TestFolder folder;
  const Json config = Json::Object();
  WriteText(
      folder / "tokenizer.json",
      TokenizerText(
          R"('s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+)",
          ""));
  EXPECT_EQ(MakeGgufTokenizer(folder / "tokenizer.json", {}, 9, config).pre, "gpt-2");
  WriteText(folder / "tokenizer.json", TokenizerText(R"(\\w+|[^\\w\\s]+)", ""));
  EXPECT_NE(ErrorOf([&] { MakeGgufTokenizer(folder / "tokenizer.json", {}, 9, config); }),
            "no error");
}

TEST(GgufExportTest, QueriesKeysAndValuesStandApart) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel();  // 5 heads of size 8
  WriteModel(folder / "base", model);
  WriteText(folder / "base/tokenizer.json", ByteTokenizerJson().Dump());
  const MergeReport report =
      ExportGguf(folder / "base", "", folder / "out.gguf", {.type = GgmlType::kF32});
  EXPECT_EQ(report.merged, 0);
  const std::string file = ReadText(folder / "out.gguf");
  EXPECT_EQ(file.substr(0, 4), "GGUF");
  // Row (head 3, key, dim 2) of BLOOM is row (key, head 3, dim 2) in llama.cpp. The test compares
  // its bytes and those of its neighbours.
  const std::vector<float>& weights = model.values.at(std::string(kQkv) + ".weight");
  const auto row = [&](int64_t head, int64_t part, int64_t dim) {
    const float* begin = weights.data() + ((head * 3 + part) * 8 + dim) * 40;
    return std::string(reinterpret_cast<const char*>(begin), 40 * sizeof(float));
  };
  const size_t first = file.find(row(0, 0, 0));
  ASSERT_NE(first, std::string::npos);
  for (int64_t part = 0; part < 3; ++part) {
    for (int64_t head = 0; head < 5; ++head) {
      for (int64_t dim = 0; dim < 8; ++dim) {
        const size_t at = first + static_cast<size_t>((part * 5 + head) * 8 + dim) * 160;
        ASSERT_EQ(file.substr(at, 160), row(head, part, dim))
            << part << ", " << head << ", " << dim;
      }
    }
  }
}

TEST(GgufExportTest, RowsThatAreNoWholeBlocksStayF16AndItIsSaid) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel();
  WriteModel(folder / "base", model);
  WriteText(folder / "base/tokenizer.json", ByteTokenizerJson().Dump());
  const MergeReport report =
      ExportGguf(folder / "base", "", folder / "out", {.type = GgmlType::kQ8_0});
  // Rows of 40 values are not whole blocks of 32; those of 160 (dense_4h_to_h) are.
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_THAT(report.warnings[0], HasSubstr("7 matrices stay F16"));
  EXPECT_THAT(VerifyManifest(folder / "out"), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(folder / "out/model.gguf"));
}

TEST(GgufExportTest, WhatLlamaCppCannotRunIsRefused) {
  const TestFolder folder;
  TinyModel model = MakeTinyModel();
  model.values["h.0.mlp.dense_4h_to_h.weight"][7] = 70000;
  WriteModel(folder / "base", model);
  EXPECT_THAT(ErrorOf([&] { ExportGguf(folder / "base", "", folder / "out.gguf", {}); }),
              HasSubstr("no tokenizer.json"));
  WriteText(folder / "base/tokenizer.json", ByteTokenizerJson().Dump());
  EXPECT_THAT(ErrorOf([&] { ExportGguf(folder / "base", "", folder / "out.gguf", {}); }),
              AllOf(HasSubstr("dense_4h_to_h"), HasSubstr("index 7"), HasSubstr("f32")));
  EXPECT_FALSE(std::filesystem::exists(folder / "out.gguf"));
  ExportGguf(folder / "base", "", folder / "out.gguf", {.type = GgmlType::kQ8_0});
  EXPECT_THAT(ErrorOf([&] { ExportGguf(folder / "base", "", folder / "out.gguf", {}); }),
              HasSubstr("already exists"));
  model.config.residual_from_layernorm = true;
  WriteConfig(folder / "base", model);
  EXPECT_THAT(ErrorOf([&] { ExportGguf(folder / "base", "", folder / "other.gguf", {}); }),
              HasSubstr("apply_residual_connection_post_layernorm"));
}

}  // namespace
}  // namespace lacos
