// `lacos merge`: the merged folders and GGUF files, used the way users would.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "lacos/base/rng.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/io/json.h"
#include "lacos/io/safetensors.h"
#include "program.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

constexpr char kTexts[] =
    "Hello world!\nA man is eating food.\n\xC3\x89t\xC3\xA9, (one) two...\nx\n";

// Writes a random adapter of rank 4 on all four linear layers of the tiny model. Its values are
// large enough to change every vector.
void WriteAdapter(const std::string& folder) {
  fs::create_directories(folder);
  const Json config = Json::Parse(kTinyConfig, "config");
  const BloomConfig bloom = ParseBloomConfig(config, "config");
  LoraAdapter adapter =
      InitializeLora(bloom,
                     {.rank = 4,
                      .alpha = 8,
                      .targets = {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"}},
                     9);
  Random random(9, RandomStream::kLoraInit);
  for (auto& [name, module] : adapter.modules) {
    for (float& value : module.b.values) value = static_cast<float>(random.Normal() * 0.1);
  }
  WriteLoraAdapter(adapter, folder, "the-original");
}

// The floats of a .npy file, whose header ends with its first line feed.
std::vector<float> Vectors(const std::string& path) {
  const std::string bytes = ReadAll(path);
  const size_t begin = bytes.find('\n') + 1;
  std::vector<float> values((bytes.size() - begin) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + begin, values.size() * sizeof(float));
  return values;
}

std::vector<float> Embed(const TempFolder& folder, const std::vector<std::string>& model) {
  const std::string input = folder.Write("texts.txt", kTexts);
  std::vector<std::string> arguments = {"embed",    "--input",          input,
                                        "--output", folder / "out.npy", "--compute",
                                        "f32",      "--overwrite",      "--quiet"};
  arguments.insert(arguments.end(), model.begin(), model.end());
  const RunResult result = RunLacos(arguments);
  EXPECT_EQ(result.status, 0) << result.err;
  return Vectors(folder / "out.npy");
}

double RelativeDifference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0, largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference = std::max(difference, std::fabs(double{a[i]} - b[i]));
    largest = std::max(largest, std::fabs(double{b[i]}));
  }
  return difference / largest;
}

TEST(MergeCommand, AMergedFolderGivesTheVectorsOfBaseAndAdapter) {
  const TempFolder folder;
  WriteAdapter(folder / "adapter");
  const RunResult result = RunLacos({"merge", "--model", TinyModel(), "--adapter",
                                     folder / "adapter", "--output", folder / "merged", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json report = Json::Parse(result.out, "report");
  EXPECT_EQ(report.At("merged").AsInt(), 8);
  EXPECT_EQ(report.At("tensors").AsInt(), 5 + 12 * 2);
  EXPECT_GT(report.At("bytes").AsInt(), 0);
  EXPECT_GT(report.At("peak_rss_bytes").AsInt(), 0);

  const std::vector<float> merged = Embed(folder, {"--model", folder / "merged"});
  const std::vector<float> separate =
      Embed(folder, {"--model", TinyModel(), "--adapter", folder / "adapter"});
  // The difference is due to rounding only: the merged F32 weights round the sum W + sBA once,
  // while base and adapter round two separate products.
  EXPECT_LT(RelativeDifference(merged, separate), 1e-5);
  EXPECT_GT(RelativeDifference(merged, Embed(folder, {"--model", TinyModel()})), 1e-2);
  EXPECT_EQ(RunLacos({"verify", folder / "merged"}).status, 0);
  for (const char* name : {"config.json", "tokenizer.json", "lacos.json", "model.safetensors"}) {
    EXPECT_TRUE(fs::exists(folder / "merged/" + name)) << name;
  }
}

TEST(MergeCommand, ATrainedFolderBringsItsSettingsAlong) {
  const TempFolder folder;
  const std::string pairs = folder.Write(
      "pairs.tsv", "premise\thypothesis\na b\tc d\ne f\tg h\nfirst one\tsecond one\nred\tblue\n");
  const RunResult trained =
      RunLacos({"train", "--model", TinyModel(), "--train", pairs, "--output", folder / "trained",
                "--max-steps", "2", "--batch-size", "2", "--learning-rate", "1e-2", "--pooling",
                "last", "--normalize", "--quiet"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  const RunResult result = RunLacos({"merge", "--model", TinyModel(), "--adapter",
                                     folder / "trained", "--output", folder / "merged", "--quiet"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(fs::exists(folder / "merged/modules.json"));
  EXPECT_FALSE(fs::exists(folder / "merged/adapter_config.json"));
  EXPECT_THAT(ReadAll(folder / "merged/README.md"), HasSubstr("Merged"));
  const std::vector<float> merged = Embed(folder, {"--model", folder / "merged"});
  EXPECT_LT(RelativeDifference(merged, Embed(folder, {"--model", folder / "trained"})), 1e-5);
  const RunResult gguf =
      RunLacos({"merge", "--model", TinyModel(), "--adapter", folder / "trained", "--output",
                folder / "model.gguf", "--format", "gguf", "--json"});
  EXPECT_THAT(gguf.err, HasSubstr("cuts texts after 75 tokens"));
  double norm = 0;
  for (size_t i = 0; i < merged.size() / 4; ++i) norm += double{merged[i]} * merged[i];
  EXPECT_NEAR(norm, 1, 1e-5);
}

TEST(MergeCommand, GgufIsOneFileOrAFolderWithAManifest) {
  const TempFolder folder;
  WriteAdapter(folder / "adapter");
  for (const char* type : {"f16", "q8_0"}) {
    const std::string file = folder / (std::string(type) + ".gguf");
    const RunResult result =
        RunLacos({"merge", "--model", TinyModel(), "--adapter", folder / "adapter", "--output",
                  file, "--format", "gguf", "--gguf-type", type, "--quiet"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(ReadAll(file).substr(0, 4), "GGUF");
  }
  EXPECT_LT(fs::file_size(folder / "q8_0.gguf"), fs::file_size(folder / "f16.gguf"));
  const std::vector<std::string> arguments = {"merge",    "--model",         TinyModel(),
                                              "--output", folder / "folder", "--format",
                                              "gguf",     "--quiet"};
  ASSERT_EQ(RunLacos(arguments).status, 0);
  EXPECT_TRUE(fs::exists(folder / "folder/model.gguf"));
  EXPECT_EQ(RunLacos({"verify", folder / "folder"}).status, 0);
  ExpectUserError(RunLacos(arguments), "already exists");
}

TEST(MergeCommand, APoolingThatLlamaCppLacksIsSaid) {
  const TempFolder folder;
  const RunResult result =
      RunLacos({"merge", "--model", TinyModel(), "--output", folder / "model.gguf", "--format",
                "gguf", "--pooling", "weighted_mean", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("no pooling 'weighted_mean'"));
  EXPECT_EQ(Json::Parse(result.out, "report").At("warnings").size(), 1u);
}

TEST(MergeCommand, WrongInputsAreRefusedAndLeaveNothing) {
  const TempFolder folder;
  WriteAdapter(folder / "adapter");
  const std::string quantized = folder / "int8", output = folder / "out";
  ASSERT_EQ(RunLacos({"quantize", "--model", TinyModel(), "--output", quantized, "--base-name",
                      "bigscience/bloom-560m", "--quiet"})
                .status,
            0);
  const auto merge = [&](const std::string& model, const std::string& adapter,
                         const std::string& to) {
    return RunLacos({"merge", "--model", model, "--adapter", adapter, "--output", to, "--quiet"});
  };
  ExpectUserError(merge(quantized, folder / "adapter", output), "bigscience/bloom-560m");
  ExpectUserError(merge(folder / "adapter", folder / "adapter", output), "--model");
  ExpectUserError(merge(TinyModel(), TinyModel(), output), "adapter_config.json");
  ExpectUserError(merge(TinyModel(), folder / "nowhere", output), "no folder");
  ExpectUserError(merge(TinyModel(), folder / "adapter", folder / "adapter"), "already exists");
  ExpectUsageError(RunLacos({"merge", "--model", TinyModel(), "--output", output}), "--adapter");
  ExpectUsageError(RunLacos({"merge", "--model", TinyModel(), "--adapter", folder / "adapter",
                             "--output", output, "--gguf-type", "f16"}),
                   "--gguf-type");
  EXPECT_FALSE(fs::exists(output));
  EXPECT_EQ(folder.Names(), (std::vector<std::string>{"adapter", "int8"}));
}

}  // namespace
}  // namespace lacos
