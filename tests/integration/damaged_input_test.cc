// Damaged and unusable input: every case ends with status 1 and one line that names the place of
// the problem.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "lacos/io/json.h"
#include "lacos/io/safetensors.h"
#include "program.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// Copies the tiny model, so that a test can damage the copy.
std::string CopyModel(const TempFolder& folder) {
  fs::copy(TinyModel(), folder / "model", fs::copy_options::recursive);
  return folder / "model";
}

TEST(DamagedInput, ATruncatedWeightFileIsNamed) {
  const TempFolder folder;
  const std::string model = CopyModel(folder);
  const auto size = fs::file_size(model + "/model.safetensors");
  for (const uintmax_t kept :
       {size - 1, size / 2, uintmax_t{100}, uintmax_t{8}, uintmax_t{3}, uintmax_t{0}}) {
    SCOPED_TRACE(kept);
    fs::resize_file(model + "/model.safetensors", kept);
    ExpectUserError(RunLacos({"info", "--model", model}), "model.safetensors");
  }
}

TEST(DamagedInput, AMissingFileOfAModelIsNamed) {
  for (const char* file : {"config.json", "model.safetensors", "tokenizer.json"}) {
    SCOPED_TRACE(file);
    const TempFolder folder;
    const std::string model = CopyModel(folder);
    fs::remove(model + "/" + file);
    ExpectUserError(
        RunLacos({"embed", "--model", model, "--input", "/dev/null", "--output", folder / "v.npy"}),
        file);
  }
}

TEST(DamagedInput, AConfigThatIsNoBloomIsRefused) {
  for (
      const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
          {"{", "config.json"},
          {"[]", "config.json"},
          {R"({"model_type": "llama", "hidden_size": 32, "n_head": 4, "n_layer": 2, "vocab_size": 300})",
           "llama"},
          {R"({"model_type": "bloom", "hidden_size": 32, "n_head": 5, "n_layer": 2, "vocab_size": 300})",
           "head"},
          {R"({"model_type": "bloom", "hidden_size": 32, "n_head": 4, "vocab_size": 300})",
           "layer"},
          {R"({"model_type": "bloom", "hidden_size": -1, "n_head": 4, "n_layer": 2, "vocab_size": 300})",
           "hidden"},
          {R"({"model_type": "bloom", "hidden_size": 9223372036854775807, "n_head": 1, "n_layer": 2, "vocab_size": 3})",
           "hidden"}}) {
    SCOPED_TRACE(text);
    const TempFolder folder;
    const std::string config = folder.Write("config.json", text);
    ExpectUserError(RunLacos({"init", "--config", config, "--output", folder / "model"}), part);
    EXPECT_FALSE(fs::exists(folder / "model"));
  }
}

TEST(DamagedInput, WeightsThatDoNotFitTheConfigAreRefused) {
  const TempFolder folder;
  const std::string model = CopyModel(folder);
  std::string config = ReadAll(model + "/config.json");
  Json json = Json::Parse(config, "config.json");
  json.Set("n_layer", 3);
  folder.Write("model/config.json", json.Dump());
  ExpectUserError(RunLacos({"info", "--model", model}), "h.2");
}

TEST(DamagedInput, NotANumberInTheWeightsIsNamedByQuantize) {
  const TempFolder folder;
  const std::string model = CopyModel(folder);
  std::string bytes = ReadAll(model + "/model.safetensors");
  const SafetensorsFile file(model + "/model.safetensors");
  for (const TensorEntry& entry : file.tensors()) {
    if (entry.name.find("h.1.mlp.dense_4h_to_h.weight") == std::string::npos) continue;
    ASSERT_EQ(entry.dtype, DType::kF32);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(bytes.data() + entry.offset + 4 * 77, &nan, sizeof nan);
  }
  folder.Write("model/model.safetensors", bytes);
  ExpectUserError(RunLacos({"quantize", "--model", model, "--output", folder / "int8"}),
                  "h.1.mlp.dense_4h_to_h.weight");
  EXPECT_FALSE(fs::exists(folder / "int8"));

  const std::string input = folder.Write("texts.txt", "one\ntwo\n");
  ExpectUserError(
      RunLacos({"embed", "--model", model, "--input", input, "--output", folder / "v.npy"}),
      "finite");
  EXPECT_FALSE(fs::exists(folder / "v.npy"));
}

TEST(DamagedInput, IdsBeyondTheWordEmbeddingAreNamedAndRefusedInTexts) {
  const TempFolder folder;
  std::string config = kTinyConfig;
  config.replace(config.find("300"), 3, "100");  // too few ids for a byte-level tokenizer
  ExpectUserError(RunLacos({"init", "--config", folder.Write("small.json", config), "--output",
                            folder / "model"}),
                  "vocab");

  const std::string model = CopyModel(folder);
  std::string tokenizer = ReadAll(model + "/tokenizer.json");
  Json json = Json::Parse(tokenizer, "tokenizer.json");
  Json added = json.At("added_tokens");
  // The tokenizer has 256 bytes and four special tokens already. Id 300 is one too many.
  for (int64_t id = 260; id <= 300; ++id) {
    Json token = Json::Object();
    token.Set("id", id);
    token.Set("content", fmt::format("[{}]", id));
    for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized", "special"})
      token.Set(flag, false);
    added.Append(token);
  }
  json.Set("added_tokens", added);
  folder.Write("model/tokenizer.json", json.Dump());
  // Tokens without a row are common and harmless as long as no text contains one.
  const auto embed = [&](const std::string& name, const std::string& text) {
    return RunLacos({"embed", "--model", model, "--input", folder.Write(name + ".txt", text),
                     "--output", folder / (name + ".npy")});
  };
  const RunResult without = embed("without", "a text [30]\n");
  EXPECT_EQ(without.status, 0) << without.err;
  EXPECT_NE(without.err.find("\"[300]\""), std::string::npos) << without.err;
  const RunResult with = embed("with", "a text [300]\n");
  EXPECT_EQ(with.status, 1);
  EXPECT_NE(with.err.find("found the token '[300]' with the id 300"), std::string::npos)
      << with.err;
}

TEST(DamagedInput, InvalidUtf8NamesLineAndByteOrIsReplaced) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "fine\nab\xFF\n");
  ExpectUserError(RunLacos({"tokenize", "--model", TinyModel(), "--input", input}), "texts.txt:2");
  const RunResult replaced =
      RunLacos({"tokenize", "--model", TinyModel(), "--input", input, "--replace-invalid"});
  EXPECT_EQ(replaced.status, 0) << replaced.err;
  EXPECT_EQ(CountLines(replaced.out), 2u);
}

TEST(DamagedInput, RowsOfTablesAreNamedByLine) {
  const TempFolder folder;
  const auto eval = [&](const std::string& file) {
    return RunLacos({"eval", "--model", TinyModel(), "--task", "sts", "--data", file});
  };
  ExpectUserError(eval(folder.Write("a.csv", "sentence1,sentence2,score\na,b,1\nc,d\n")),
                  "a.csv:3");
  ExpectUserError(eval(folder.Write("b.csv", "sentence1,sentence2,score\na,b,1\n\"c,d,2\n")),
                  "b.csv:3");
  ExpectUserError(eval(folder.Write("c.tsv", "sentence1\tsentence2\tscore\na\tb\tmuch\n")),
                  "c.tsv:2");
  ExpectUserError(eval(folder.Write("d.tsv", "left\tright\n1\t2\n")), "d.tsv");
  ExpectUserError(eval(folder.Write("e.tsv", "")), "e.tsv");
  ExpectUserError(eval(folder.Write("f.jsonl", "{\"sentence1\": \"a\"\n")), "f.jsonl:1");
  ExpectUserError(eval(folder / "absent.tsv"), "absent.tsv");
  ExpectUserError(eval(folder.path()), folder.path());
}

TEST(DamagedInput, JsonLinesNeedTheField) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.jsonl", "{\"text\": \"a\"}\n{\"body\": \"b\"}\n");
  ExpectUserError(RunLacos({"tokenize", "--model", TinyModel(), "--input", input}),
                  "texts.jsonl:2");
  const std::string number = folder.Write("number.jsonl", "{\"text\": 5}\n");
  ExpectUserError(RunLacos({"tokenize", "--model", TinyModel(), "--input", number}),
                  "number.jsonl:1");
}

TEST(DamagedInput, ADamagedGzipIsAnError) {
  const TempFolder folder;
  const std::string input =
      folder.Write("texts.txt.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3garbage", 17));
  ExpectUserError(RunLacos({"tokenize", "--model", TinyModel(), "--input", input}), "texts.txt.gz");
}

TEST(DamagedInput, VerifyFindsAChangedByte) {
  const TempFolder folder;
  RunResult result = RunLacos({"quantize", "--model", TinyModel(), "--output", folder / "int8"});
  ASSERT_EQ(result.status, 0) << result.err;
  result = RunLacos({"verify", folder / "int8"});
  EXPECT_EQ(result.status, 0) << result.err;
  std::string bytes = ReadAll(folder / "int8/model.safetensors");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  folder.Write("int8/model.safetensors", bytes);
  result = RunLacos({"verify", folder / "int8"});
  ExpectUserError(result, "int8");
  EXPECT_NE(result.out.find("model.safetensors"), std::string::npos);
  result = RunLacos({"verify", folder / "int8", "--json"});
  EXPECT_EQ(result.status, 1);
  const Json report = Json::Parse(result.out, "stdout");
  EXPECT_FALSE(report.At("ok").AsBool());
  EXPECT_EQ(report.At("problems")[0].At("file").AsString(), "model.safetensors");
}

}  // namespace
}  // namespace lacos
