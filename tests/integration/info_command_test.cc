// `lacos info`, `init` and `quantize`: their reports, and folders that other commands can use.
#include <gmock/gmock.h>

#include <filesystem>

#include "lacos/io/json.h"
#include "program.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(InfoCommand, CountsParametersByTheFormula) {
  const RunResult result = RunLacos({"info", "--model", TinyModel(), "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json info = Json::Parse(result.out, "stdout");
  // The number of parameters is V*D + 2D + L*(12D^2 + 13D) + 2D.
  const int64_t expected = 300 * 32 + 2 * 32 + 2 * (12 * 32 * 32 + 13 * 32) + 2 * 32;
  EXPECT_EQ(info.At("parameters").AsInt(), expected);
  EXPECT_EQ(info.At("trainable").AsInt(), 0);
  EXPECT_EQ(info.At("bytes").AsInt(), 4 * expected);
  EXPECT_EQ(info.At("resident_base_bytes").AsInt(), 4 * (expected - 300 * 32));
  EXPECT_EQ(info.At("architecture").At("head_dim").AsInt(), 8);
  EXPECT_FALSE(info.At("isa").AsString().empty());
  EXPECT_TRUE(info.At("kernels").IsArray());
  EXPECT_EQ(info.At("settings").At("pooling").AsString(), "mean");
  EXPECT_EQ(info.At("settings").At("max_length").AsInt(), 2048);
}

TEST(InfoCommand, SaysWhatTheLicenceOfTheBaseAsks) {
  const TempFolder folder;
  std::filesystem::copy(TinyModel(), folder / "base");
  std::filesystem::remove(folder / "base/README.md");
  const auto info = [&](const std::string& model) {
    const RunResult result = RunLacos({"info", "--model", folder / model, "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::Parse(result.out, "stdout");
  };
  EXPECT_TRUE(info("base").At("license").IsNull());
  folder.Write("base/README.md", "---\nlicense: bigscience-bloom-rail-1.0\n---\n# BLOOM\n");
  // The 8-bit copy keeps the README, and with it the licence.
  ASSERT_EQ(RunLacos({"quantize", "--model", folder / "base", "--output", folder / "int8"}).status,
            0);
  for (const std::string model : {"base", "int8"}) {
    SCOPED_TRACE(model);
    EXPECT_EQ(info(model).At("license").AsString(), "bigscience-bloom-rail-1.0");
    EXPECT_THAT(info(model).At("license_notice").AsString(), HasSubstr("hold for this model too"));
  }
  EXPECT_THAT(RunLacos({"info", "--model", folder / "base"}).out, HasSubstr("licence"));
}

TEST(InfoCommand, RefusesATokenizerThatCannotBeRead) {
  const TempFolder folder;
  std::filesystem::copy(TinyModel(), folder / "model");
  folder.Write("model/tokenizer.json", "");
  ExpectUserError(RunLacos({"info", "--model", folder / "model"}),
                  "/tokenizer.json] is empty; expected valid JSON");
}

TEST(QuantizeCommand, ReportsBytesAndErrorsAndTheResultEmbeds) {
  const TempFolder folder;
  const std::string texts = folder.Write("texts.txt", "one\ntwo\n");
  for (const std::string scheme : {"linear", "dynamic"}) {
    SCOPED_TRACE(scheme);
    const std::string output = folder / scheme;
    const RunResult result = RunLacos(
        {"quantize", "--model", TinyModel(), "--output", output, "--scheme", scheme, "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const Json report = Json::Parse(result.out, "stdout");
    EXPECT_LT(report.At("bytes_after").AsInt(), report.At("bytes_before").AsInt() / 2);
    const double error = report.At("relative_error").At("query_key_value").AsDouble();
    EXPECT_GT(error, 0);
    EXPECT_LT(error, 0.05);  // about 0.7 % (linear) or 1.5 % (dynamic) for normal values
    EXPECT_EQ(RunLacos({"verify", output}).status, 0);
    const RunResult embedded = RunLacos(
        {"embed", "--model", output, "--input", texts, "--output", folder / (scheme + ".npy")});
    EXPECT_EQ(embedded.status, 0) << embedded.err;
  }
}

TEST(InitCommand, IsAFunctionOfTheSeed) {
  const TempFolder folder;
  const std::string config = folder.Write("config.json", kTinyConfig);
  for (const auto& [name, seed] :
       std::vector<std::pair<std::string, std::string>>{{"a", "5"}, {"b", "5"}, {"c", "6"}}) {
    const RunResult made = RunLacos(
        {"init", "--config", config, "--output", folder / name, "--seed", seed, "--quantized"});
    ASSERT_EQ(made.status, 0) << made.err;
  }
  const auto weights = [&](const std::string& name) {
    return ReadAll(folder / (name + "/model.safetensors"));
  };
  EXPECT_EQ(weights("a"), weights("b"));
  EXPECT_NE(weights("a"), weights("c"));
  const RunResult info = RunLacos({"info", "--model", folder / "a", "--json"});
  EXPECT_EQ(info.status, 0) << info.err;
}

// On a machine with a GPU and a build with CUDA, the first command succeeds.
TEST(InfoCommand, WithoutAGpuCudaIsAnErrorAndAutoTakesTheCpu) {
  const RunResult cuda = RunLacos({"info", "--model", TinyModel(), "--device", "cuda"});
  if (cuda.status == 0) GTEST_SKIP() << "this machine has a GPU";
  EXPECT_EQ(cuda.status, 1);
  EXPECT_THAT(cuda.err, AllOf(HasSubstr("[device] "), HasSubstr("; expected ")));
  const RunResult fallback =
      RunLacos({"info", "--model", TinyModel(), "--device", "auto", "--json"});
  ASSERT_EQ(fallback.status, 0) << fallback.err;
  EXPECT_EQ(Json::Parse(fallback.out, "stdout").At("backend").AsString(), "cpu");
  EXPECT_EQ(Json::Parse(fallback.out, "stdout").At("device").AsString(), "cpu");
  const size_t first = fallback.err.find("the CPU is used");
  ASSERT_NE(first, std::string::npos) << fallback.err;
  EXPECT_EQ(fallback.err.find("the CPU is used", first + 1), std::string::npos);
}

TEST(InfoCommand, AnUnknownDeviceIsAMistakeOnTheCommandLine) {
  for (const char* word : {"gpu", "cuda:x", "cpu:0"}) {
    const RunResult result = RunLacos({"info", "--model", TinyModel(), "--device", word});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr("expected cpu, cuda, cuda:N or auto"));
  }
}

}  // namespace
}  // namespace lacos
