// `lacos adapter`, which rewrites adapters of PEFT, and texts that are added to every input:
// prompts, prefixes and suffixes.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "lacos/io/json.h"
#include "lacos/io/npy.h"
#include "lacos/io/safetensors.h"
#include "program.h"
#include "test_paths.h"

namespace lacos {
namespace {

const std::string kModels = LACOS_SOURCE_DIR "/tests/golden/models/";

std::vector<float> Embed(const TempFolder& folder, const std::string& model,
                         const std::string& texts, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {
      "embed",    "--model",        model,         "--input",   folder.Write("t.txt", texts),
      "--output", folder / "v.npy", "--overwrite", "--compute", "f32",
      "--quiet"};
  words.insert(words.end(), more.begin(), more.end());
  const RunResult result = RunLacos(words);
  EXPECT_EQ(result.status, 0) << result.err;
  const NpyArray array = ReadNpy(folder / "v.npy");
  std::vector<float> values(array.data.size() / sizeof(float));
  std::memcpy(values.data(), array.data.data(), array.data.size());
  return values;
}

TEST(AdapterCommand, RewritesWhatIsOldAndChangesNoVector) {
  const TempFolder folder;
  for (const std::string name : {"causal_bin", "lora_bias", "patterns", "merged_linear"}) {
    const std::string adapter = kModels + "adapters/" + name, output = folder / name;
    const RunResult result = RunLacos(
        {"adapter", "--model", kModels + "a", "--adapter", adapter, "--output", output, "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const Json report = Json::Parse(result.out, "stdout");
    const bool is_causal = name == "causal_bin" || name == "merged_linear";
    EXPECT_EQ(report.At("base_class").AsString(), is_causal ? "BloomForCausalLM" : "BloomModel");
    EXPECT_EQ(Embed(folder, kModels + "a", "one\ntwo words\n", {"--adapter", adapter}),
              Embed(folder, kModels + "a", "one\ntwo words\n", {"--adapter", output}));
    EXPECT_EQ(RunLacos({"verify", output}).status, 0);
  }
}

TEST(AdapterCommand, KeysCanBeMadeForEitherClass) {
  const TempFolder folder;
  const RunResult result =
      RunLacos({"adapter", "--model", kModels + "a", "--adapter", kModels + "adapters/causal_bin",
                "--output", folder / "out", "--base-class", "BloomModel", "--base-name",
                "bigscience/bloom-560m"});
  ASSERT_EQ(result.status, 0) << result.err;
  const SafetensorsFile file(folder / "out/adapter_model.safetensors");
  EXPECT_NE(file.Find("base_model.model.h.0.mlp.dense_h_to_4h.lora_A.weight"), nullptr);
  const Json config = Json::ReadFile(folder / "out/adapter_config.json");
  EXPECT_EQ(config.At("base_model_name_or_path").AsString(), "bigscience/bloom-560m");
  EXPECT_EQ(config.At("task_type").AsString(), "FEATURE_EXTRACTION");
}

TEST(AdapterCommand, NeedsAnAdapterAndAFreePlace) {
  const TempFolder folder;
  ExpectUserError(RunLacos({"adapter", "--model", kModels + "a", "--output", folder / "out"}),
                  "pass --adapter");
  const std::string adapter = kModels + "adapters/lora_bias";
  folder.Write("taken", "x");
  ExpectUserError(RunLacos({"adapter", "--model", kModels + "a", "--adapter", adapter, "--output",
                            folder / "taken"}),
                  "already exists");
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  // An adapter of another shape is refused, and the message names the tensors that do not fit.
  ExpectUserError(
      RunLacos(
          {"adapter", "--model", TinyModel(), "--adapter", adapter, "--output", folder / "out"}),
      "26 misshapen: base_model.model.h.0.self_attention.query_key_value.lora_A.weight has [2, 48]");
}

TEST(AdapterCommand, TheBaseIsNeverOverwritten) {
  const TempFolder folder;
  const std::string base = folder / "base";
  std::filesystem::copy(kModels + "a", base, std::filesystem::copy_options::recursive);
  ExpectUserError(RunLacos({"adapter", "--model", base, "--adapter",
                            kModels + "adapters/causal_bin", "--output", base, "--overwrite"}),
                  "is an input itself");
  EXPECT_EQ(RunLacos({"info", "--model", base}).status, 0);
}

// Makes a sentence-transformers folder with a default prompt.
std::string FolderWithPrompts(const TempFolder& folder) {
  std::filesystem::copy(TinyModel(), folder / "st");
  std::filesystem::create_directories(folder / "st/1_Pooling");
  folder.Write("st/modules.json", R"([
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
  folder.Write("st/1_Pooling/config.json",
               R"({"pooling_mode": "mean", "embedding_dimension": 32})");
  folder.Write(
      "st/config_sentence_transformers.json",
      R"({"prompts": {"query": "Q: ", "passage": "P: "}, "default_prompt_name": "query"})");
  return folder / "st";
}

TEST(PromptFlags, AnEmptyPromptSwitchesTheFoldersDefaultOff) {
  const TempFolder folder;
  const std::string model = FolderWithPrompts(folder);
  EXPECT_EQ(Embed(folder, model, "text\n"), Embed(folder, TinyModel(), "Q: text\n"));
  EXPECT_EQ(Embed(folder, model, "text\n", {"--prompt-name", "passage"}),
            Embed(folder, TinyModel(), "P: text\n"));
  EXPECT_EQ(Embed(folder, model, "text\n", {"--prompt", "X"}),
            Embed(folder, TinyModel(), "Xtext\n"));
  EXPECT_EQ(Embed(folder, model, "text\n", {"--prompt", ""}), Embed(folder, TinyModel(), "text\n"));
}

TEST(PromptFlags, PrefixAndSuffixSurviveTruncation) {
  const TempFolder folder;
  EXPECT_EQ(Embed(folder, TinyModel(), "abcdef\n",
                  {"--prefix", "[", "--suffix", "]", "--max-length", "5"}),
            Embed(folder, TinyModel(), "[abc]\n"));
  EXPECT_EQ(Embed(folder, TinyModel(), "ab\n", {"--prefix", "[", "--prompt", "Q", "--suffix", "]"}),
            Embed(folder, TinyModel(), "[Qab]\n"));
  ExpectUserError(
      RunLacos({"embed", "--model", TinyModel(), "--input", folder.Write("t.txt", "a\n"),
                "--output", folder / "w.npy", "--prefix", "[[", "--max-length", "2"}),
      "expected room for a text");
}

}  // namespace
}  // namespace lacos
