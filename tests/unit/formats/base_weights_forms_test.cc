// PyTorch's .bin files and bitsandbytes' 8-bit folders are read as base folders. The expected
// values were recorded from those packages (tools/golden/make_checkpoint_golden.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "lacos/convert/quantize.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/model_folder.h"
#include "lacos/io/manifest.h"
#include "lacos/io/safetensors.h"
#include "lacos/quant/code.h"
#include "test_paths.h"
#include "unit/formats/model_fixture.h"
#include "unit/io/torch_bytes.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kGolden = LACOS_SOURCE_DIR "/tests/golden/checkpoints/";

std::string BytesOf(const TensorFile& file, const TensorEntry& entry) {
  const auto bytes = file.Data(entry);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<RawTensor> ReadRaw(const std::string& path) {
  const SafetensorsFile file(path);
  std::vector<RawTensor> tensors;
  for (const TensorEntry& entry : file.tensors()) {
    tensors.push_back(
        {entry.name, std::string(Name(entry.dtype)), entry.shape, BytesOf(file, entry)});
  }
  return tensors;
}

// A folder with the golden .bin as its weights.
void WriteBinFolder(const TestFolder& folder, const std::string& golden) {
  fs::copy_file(kGolden + "original/config.json", folder / "config.json");
  fs::copy_file(kGolden + golden, folder / "pytorch_model.bin");
}

TEST(BaseWeightsForms, EveryFormOfTorchSaveIsABaseFolder) {
  const auto original = BaseWeights::Open(kGolden + "original");
  for (const auto& [golden, dtype] : std::map<std::string, DType>{
           {"half.bin", DType::kF16}, {"tied.bin", DType::kBF16}, {"old_form.bin", DType::kF32}}) {
    const TestFolder folder;
    WriteBinFolder(folder, golden);
    const auto base_weights = BaseWeights::Open(folder.path());
    for (const TensorSpec& spec : ListTensors(original->config())) {
      EXPECT_EQ(base_weights->Tensor(spec.name).entry.dtype, dtype) << golden;
      if (spec.IsMatrix()) continue;
      std::vector<float> expected = original->Vector(spec.name);
      std::vector<std::byte> rounded(expected.size() * SizeOf(dtype));
      EncodeFromFloat(dtype, expected.data(), expected.size(), rounded.data());
      DecodeToFloat(dtype, rounded.data(), expected.size(), expected.data());
      EXPECT_EQ(base_weights->Vector(spec.name), expected) << golden << " " << spec.name;
    }
    EXPECT_EQ(base_weights->Bytes(),
              base_weights->config().Parameters() * static_cast<int64_t>(SizeOf(dtype)));
  }
}

TEST(BaseWeightsForms, SafetensorsComeFirst) {
  const TestFolder folder;
  WriteBinFolder(folder, "half.bin");
  fs::copy_file(kGolden + "original/model.safetensors", folder / "model.safetensors");
  EXPECT_EQ(BaseWeights::Open(folder.path())->Tensor("ln_f.weight").entry.dtype, DType::kF32);
}

TEST(BaseWeightsForms, ShardsOfTorchAreFoundThroughTheirIndex) {
  const TestFolder folder;
  WriteBinFolder(folder, "half.bin");
  fs::rename(folder / "pytorch_model.bin", folder / "pytorch_model_00001-of-00001.bin");
  Json map = Json::Object();
  const auto golden = OpenTensorFile(kGolden + "half.bin");
  for (const TensorEntry& entry : golden->tensors()) {
    map.Set(entry.name, "pytorch_model_00001-of-00001.bin");
  }
  Json index = Json::Object();
  index.Set("weight_map", map);
  WriteText(folder / "pytorch_model.bin.index.json", index.Dump());
  EXPECT_EQ(BaseWeights::Open(folder.path())->files().size(), 1u);
  QuantizeFolder(folder.path(), folder / "out", {});
  EXPECT_TRUE(fs::exists(folder / "out/model_00001-of-00001.safetensors"));
  EXPECT_TRUE(fs::exists(folder / "out/model.safetensors.index.json"));
  EXPECT_EQ(BaseWeights::Open(folder / "out")->quantization().scheme, QuantScheme::kLinear);
}

TEST(BaseWeightsForms, TextAmongTheTensorsIsRefusedByName) {
  const TestFolder folder;
  fs::copy_file(kGolden + "original/config.json", folder / "config.json");
  const auto error = [&](const std::string& name, const std::string& text) {
    WriteText(folder / "pytorch_model.bin",
              TorchArchive(PickleDict(PickleText(name) + PickleText(text))).Write());
    return ErrorOf([&] { BaseWeights::Open(folder.path()); });
  };
  EXPECT_THAT(error("h.0.mlp.dense_h_to_4h.weight_format", "col32"),
              AllOf(HasSubstr("pytorch_model.bin: h.0.mlp.dense_h_to_4h.weight_format]"),
                    HasSubstr("'col32'")));
  EXPECT_THAT(error("ln_f.bias", "row"), HasSubstr("is the text 'row'"));
  EXPECT_THAT(error("lm_head.weight_format", "col32"), HasSubstr("lacks"))
      << "of a head anything will do";
  EXPECT_THAT(error("h.0.mlp.dense_h_to_4h.weight_format", "row"), HasSubstr("lacks"));
}

TEST(BaseWeightsForms, ShortTorchFilesSayHowMuchIsMissing) {
  const TestFolder folder;
  WriteBinFolder(folder, "half.bin");
  fs::resize_file(folder / "pytorch_model.bin", 3000);
  EXPECT_THAT(ErrorOf([&] { BaseWeights::Open(folder.path()); }),
              AllOf(HasSubstr("pytorch_model.bin"), HasSubstr("truncated")));
}

TEST(BitsandbytesLayout, EqualsWhatTransformersSavedByteForByte) {
  const TestFolder folder;
  for (const char* input : {"original", "original-bin"}) {
    if (std::string(input) == "original-bin") {
      fs::create_directories(folder / input);
      fs::copy_file(kGolden + "original/config.json",
                    folder / (std::string(input) + "/config.json"));
      fs::copy_file(kGolden + "old_form.bin", folder / (std::string(input) + "/pytorch_model.bin"));
    }
    const std::string model =
        (std::string(input) == "original" ? kGolden : folder.path() + "/") + input;
    QuantizeFolder(model, folder / "out",
                   {.layout = QuantizedLayout::kBitsandbytes, .writing = {.overwrite = true}});
    const SafetensorsFile ours(folder / "out/model.safetensors");
    const SafetensorsFile theirs(kGolden + "bitsandbytes/model.safetensors");
    EXPECT_EQ(ours.tensors().size(), theirs.tensors().size());
    for (const TensorEntry& entry : theirs.tensors()) {
      const TensorEntry* found = ours.Find(entry.name);
      ASSERT_NE(found, nullptr) << entry.name;
      EXPECT_EQ(found->dtype, entry.dtype) << entry.name;
      EXPECT_EQ(found->shape, entry.shape) << entry.name;
      EXPECT_EQ(BytesOf(ours, *found), BytesOf(theirs, entry)) << entry.name;
    }
    const Json config = Json::ReadFile(folder / "out/config.json").At("quantization_config");
    const Json recorded =
        Json::ReadFile(kGolden + "bitsandbytes/config.json").At("quantization_config");
    for (const std::string& key : config.Keys()) {
      ASSERT_TRUE(recorded.Has(key)) << key;
      EXPECT_EQ(config.At(key).Dump(), recorded.At(key).Dump()) << key;
    }
    EXPECT_THAT(VerifyManifest(folder / "out"), IsEmpty());
  }
}

TEST(BitsandbytesLayout, OpensAsRowWiseLinearCodes) {
  const auto base_weights = BaseWeights::Open(kGolden + "bitsandbytes");
  const auto original = BaseWeights::Open(kGolden + "original");
  EXPECT_TRUE(base_weights->quantization().bitsandbytes);
  for (const TensorSpec& spec : ListTensors(base_weights->config())) {
    if (!spec.IsMatrix()) {
      EXPECT_EQ(base_weights->Vector(spec.name), original->Vector(spec.name));
      continue;
    }
    const QuantizedMatrix matrix = base_weights->Matrix(spec.name),
                          before = original->Matrix(spec.name);
    const auto count = static_cast<size_t>(matrix.rows * matrix.cols);
    std::vector<float> values(count), weights(count);
    Decode(matrix, 0, matrix.rows * matrix.cols, values.data());
    Decode(before, 0, before.rows * before.cols, weights.data());
    if (spec.kind == "word_embeddings") {
      EXPECT_EQ(matrix.scheme, QuantScheme::kNone);
      EXPECT_EQ(values, weights);
      continue;
    }
    EXPECT_TRUE(matrix.RowWise());
    for (size_t i = 0; i < count; ++i) {
      const double scb = matrix.absmax[i / static_cast<size_t>(matrix.cols)];
      const double exact = reinterpret_cast<const int8_t*>(matrix.codes)[i] * scb / 127;
      // The value is code * SCB / 127, with two roundings in f32.
      ASSERT_NEAR(values[i], exact, std::abs(exact) * 0x1p-23) << spec.name << " " << i;
      // The tolerance is half a step, half a unit in the last place of F16, and the smallest step
      // of F16.
      ASSERT_NEAR(values[i], weights[i], scb / 127 * 0.5001 + scb * 0x1p-11 + 0x1p-25)
          << spec.name << " " << i;
    }
  }
}

TEST(BitsandbytesLayout, IsAQuantizedFolder) {
  EXPECT_THAT(ErrorOf([] { QuantizeFolder(kGolden + "bitsandbytes", "/nowhere", {}); }),
              HasSubstr("quantized already"));
  const TestFolder folder;
  for (const char* name : {"config.json", "model.safetensors"}) {
    fs::copy_file(kGolden + "bitsandbytes/" + name, folder / name);
  }
  WriteText(folder / "tokenizer.json", "{}");
  EXPECT_EQ(OpenModelFolder(folder.path(), "", "").kind, ModelFolder::Kind::kQuantized);
}

TEST(BitsandbytesLayout, PrefixesHeadsHalfScalesAndSkippedModulesAreRead) {
  const auto expected = BaseWeights::Open(kGolden + "bitsandbytes");
  const TestFolder folder;
  std::vector<RawTensor> tensors = ReadRaw(kGolden + "bitsandbytes/model.safetensors");
  const std::vector<RawTensor> plain = ReadRaw(kGolden + "original/model.safetensors");
  std::erase_if(tensors, [](const RawTensor& tensor) {
    // Older versions wrote no weight_format. The module that was skipped has only its weight.
    return tensor.name.ends_with("mlp.dense_4h_to_h.weight_format") ||
           (tensor.name.starts_with("h.0.self_attention.dense.") &&
            !tensor.name.ends_with(".bias"));
  });
  for (const RawTensor& tensor : plain) {
    if (tensor.name == "h.0.self_attention.dense.weight") tensors.push_back(tensor);
  }
  for (RawTensor& tensor : tensors) {
    // These values are exact in F16, because the weights were rounded to it.
    if (tensor.name == "h.0.mlp.dense_h_to_4h.SCB") {
      std::string half(tensor.bytes.size() / 2, '\0');
      EncodeFromFloat(DType::kF16, reinterpret_cast<const float*>(tensor.bytes.data()),
                      half.size() / 2, reinterpret_cast<std::byte*>(half.data()));
      tensor.dtype = "F16";
      tensor.bytes = half;
    }
    tensor.name = "transformer." + tensor.name;
  }
  tensors.push_back({"lm_head.weight", "I8", {1}, "1"});
  tensors.push_back({"lm_head.SCB", "F32", {1}, "1234"});
  tensors.push_back({"lm_head.weight_format", "U8", {}, std::string(1, '\0')});
  WriteRawSafetensors(folder / "model.safetensors", tensors);
  // The configuration dates from before quant_method existed.
  Json config = Json::ReadFile(kGolden + "original/config.json"), old = Json::Object();
  old.Set("load_in_8bit", true);
  old.Set("llm_int8_threshold", 6.0);
  config.Set("quantization_config", old);
  WriteText(folder / "config.json", config.Dump());

  const auto base_weights = BaseWeights::Open(folder.path());
  EXPECT_EQ(base_weights->Matrix("h.0.self_attention.dense.weight").scheme, QuantScheme::kNone);
  for (const char* name : {"h.0.mlp.dense_h_to_4h.weight", "h.0.mlp.dense_4h_to_h.weight",
                           "h.0.self_attention.query_key_value.weight"}) {
    const QuantizedMatrix a = base_weights->Matrix(name), b = expected->Matrix(name);
    EXPECT_EQ(std::memcmp(a.codes, b.codes, static_cast<size_t>(a.rows * a.cols)), 0) << name;
    EXPECT_EQ(std::memcmp(a.absmax, b.absmax, static_cast<size_t>(a.rows) * sizeof(float)), 0)
        << name;
  }
}

TEST(BitsandbytesLayout, OtherProgramsCodesAreRefusedByName) {
  const auto error = [](const std::function<void(Json&)>& configure,
                        const std::function<void(std::vector<RawTensor>&)>& change = nullptr) {
    const TestFolder folder;
    Json config = Json::ReadFile(kGolden + "bitsandbytes/config.json");
    Json quantization = config.At("quantization_config");
    configure(quantization);
    config.Set("quantization_config", quantization);
    WriteText(folder / "config.json", config.Dump());
    std::vector<RawTensor> tensors = ReadRaw(kGolden + "bitsandbytes/model.safetensors");
    if (change) change(tensors);
    WriteRawSafetensors(folder / "model.safetensors", tensors);
    return ErrorOf([&] { BaseWeights::Open(folder.path()); });
  };
  const auto as_it_is = [](Json&) {};
  EXPECT_EQ(error(as_it_is), "no error");
  EXPECT_THAT(error([](Json& json) { json.Set("quant_method", "gptq"); }),
              HasSubstr("the method 'gptq'"));
  EXPECT_THAT(error([](Json& json) { json.Set("load_in_4bit", true); }),
              HasSubstr("4-bit weights"));
  EXPECT_THAT(error([](Json& json) { json.Set("load_in_8bit", false); }),
              HasSubstr("no load_in_8bit"));
  const auto named = [](std::vector<RawTensor>& tensors, const std::string& name) -> RawTensor& {
    return *std::find_if(tensors.begin(), tensors.end(),
                         [&](const RawTensor& t) { return t.name == name; });
  };
  EXPECT_THAT(error(as_it_is,
                    [&](auto& tensors) {
                      named(tensors, "h.0.mlp.dense_h_to_4h.weight_format").bytes = "\2";
                    }),
              AllOf(HasSubstr("h.0.mlp.dense_h_to_4h.weight_format"), HasSubstr("another order")));
  EXPECT_THAT(
      error(as_it_is,
            [&](auto& tensors) { named(tensors, "h.0.mlp.dense_h_to_4h.SCB").name = "SCB"; }),
      AllOf(HasSubstr("lacks 1"), HasSubstr("h.0.mlp.dense_h_to_4h.SCB")));
  EXPECT_THAT(error(as_it_is,
                    [&](auto& tensors) {
                      named(tensors, "h.0.mlp.dense_h_to_4h.SCB").shape = {4, 8};
                    }),
              AllOf(HasSubstr("[4, 8]"), HasSubstr("[32]")));
  EXPECT_THAT(error(as_it_is,
                    [&](auto& tensors) {
                      RawTensor& table = named(tensors, "word_embeddings.weight");
                      table.dtype = "I8";
                      table.bytes.resize(table.bytes.size() / 4);
                    }),
              AllOf(HasSubstr("word_embeddings.weight"), HasSubstr("floating type")));
}

TEST(BitsandbytesLayout, OnlyItsOwnFormCanBeWritten) {
  const TestFolder folder;
  const auto error = [&](const std::string& model, QuantizeOptions options) {
    options.layout = QuantizedLayout::kBitsandbytes;
    return ErrorOf([&] { QuantizeFolder(model, folder / "out", options); });
  };
  EXPECT_THAT(error(kGolden + "original", {.scheme = QuantScheme::kDynamic}),
              HasSubstr("`scheme` linear"));
  EXPECT_THAT(error(kGolden + "original", {.block_size = 64}), HasSubstr("`block_size` row"));
  TinyModel model = MakeTinyModel();
  model.values["h.1.mlp.dense_4h_to_h.weight"][9] = -70000;
  WriteModel(folder / "in", model);
  EXPECT_THAT(error(folder / "in", {}), AllOf(HasSubstr("h.1.mlp.dense_4h_to_h.weight"),
                                              HasSubstr("index 9"), HasSubstr("F16")));
  EXPECT_FALSE(fs::exists(folder / "out"));
}

TEST(BitsandbytesLayout, KeepsTheOriginalsNamesAndShards) {
  const TestFolder folder;
  TinyModel model = MakeTinyModel(DType::kBF16);
  model.prefix = "transformer.";
  WriteShardedModel(folder / "in", model);
  const QuantizeReport report =
      QuantizeFolder(folder / "in", folder / "out", {.layout = QuantizedLayout::kBitsandbytes});
  EXPECT_FALSE(report.relative_error.contains("word_embeddings"));
  const auto base_weights = BaseWeights::Open(folder / "out");
  EXPECT_EQ(base_weights->files().size(), 2u);
  EXPECT_EQ(base_weights->Tensor("word_embeddings.weight").entry.dtype, DType::kBF16);
  const Json map = Json::ReadFile(folder / "out/model.safetensors.index.json").At("weight_map");
  EXPECT_EQ(map.At("transformer.h.1.mlp.dense_4h_to_h.SCB").AsString(),
            map.At("transformer.h.1.mlp.dense_4h_to_h.weight_format").AsString());
}

}  // namespace
}  // namespace lacos
