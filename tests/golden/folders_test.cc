// Compares ids and vectors of folders with settings files with those of transformers and
// sentence-transformers (tools/golden/make_folder_golden.py).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "golden/golden_files.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/model/sentence_encoder.h"
#include "lacos/text/tokenize.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr double kTolerance = 1e-5;  // the agreement in f32 that the project promises

Json Golden() {
  return Json::ReadFile(std::string(LACOS_SOURCE_DIR) + "/tests/golden/folders.json");
}

// The model `a` with the files of a case.
class CaseFolder {
 public:
  explicit CaseFolder(const Json& golden)
      : path_(fs::temp_directory_path() / fmt::format("lacos-folders-{}", getpid())) {
    fs::remove_all(path_);
    fs::create_directories(path_ / "1_Pooling");
    for (const char* name : {"config.json", "model.safetensors", "tokenizer.json"})
      fs::copy_file(GoldenPath(std::string("a/") + name), path_ / name);
    golden.At("files").ForEachItem([&](std::string_view name, const Json& value) {
      WriteFileAtomically((path_ / name).string(), value.Dump());
    });
    const auto changes = golden.Find("tokenizer");
    if (!changes || changes->size() == 0) return;
    Json tokenizer = Json::ReadFile((path_ / "tokenizer.json").string());
    changes->ForEachItem(
        [&](std::string_view key, const Json& value) { tokenizer.Set(std::string(key), value); });
    WriteFileAtomically((path_ / "tokenizer.json").string(), tokenizer.Dump());
  }
  ~CaseFolder() { fs::remove_all(path_); }
  CaseFolder(const CaseFolder&) = delete;
  CaseFolder& operator=(const CaseFolder&) = delete;

  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

std::vector<int32_t> Ids(const Json& list) {
  std::vector<int32_t> ids;
  list.ForEachElement([&](const Json& id) { ids.push_back(static_cast<int32_t>(id.AsInt())); });
  return ids;
}

TEST(FoldersGolden, IdsAreThoseOfAutoTokenizer) {
  const Json golden = Golden(), texts = golden.At("texts");
  const Json cases = golden.At("tokens");
  ASSERT_GE(cases.size(), 30u);
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].At("name").AsString());
    const CaseFolder place(cases[i]);
    const ModelFolder folder = OpenModelFolder(place.path(), "", "");
    EXPECT_EQ(folder.warnings, std::vector<std::string>());
    const std::unique_ptr<Tokenizer> tokenizer = OpenTokenizer(folder);
    const auto given = cases[i].Find("max_length");
    const int64_t limit = given ? given->AsInt() : folder.settings.max_length.value_or(0);
    ASSERT_GT(limit, 0);
    for (size_t k = 0; k < texts.size(); ++k) {
      const std::string text = texts[k].AsString();
      const std::vector<int32_t> expected = Ids(cases[i].At("ids")[k]);
      EXPECT_EQ(TokenizeText(*tokenizer, text, {.max_length = limit}).ids, expected) << text;
      EXPECT_EQ(tokenizer->EncodeWithOffsets(text, limit).ids, expected) << text;
    }
    std::vector<int32_t> special;
    for (const AddedToken& token : tokenizer->added_tokens()) {
      if (tokenizer->IsNamedSpecial(token.id)) special.push_back(token.id);
    }
    EXPECT_EQ(special, Ids(cases[i].At("special")));
  }
}

TEST(FoldersGolden, VectorsAreThoseOfSentenceTransformer) {
  const Json golden = Golden();
  std::vector<std::string> texts;
  golden.At("texts").ForEachElement([&](const Json& text) {
    if (!text.AsStringView().empty()) texts.push_back(text.AsString());
  });
  const Json cases = golden.At("vectors");
  ASSERT_GE(cases.size(), 8u);
  std::set<std::vector<float>> distinct;
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].At("name").AsString());
    const CaseFolder place(cases[i]);
    SentenceEncoder encoder({.path = place.path(), .compute = Compute::kF32});
    std::vector<float> expected;
    cases[i].At("vectors").ForEachElement([&](const Json& row) {
      ASSERT_EQ(static_cast<int64_t>(row.size()), encoder.dimension());
      row.ForEachElement(
          [&](const Json& value) { expected.push_back(static_cast<float>(value.AsDouble())); });
    });
    std::vector<float> vectors(texts.size() * static_cast<size_t>(encoder.dimension()));
    encoder.Encode(texts, ResolvePrompt(encoder.folder().settings, "", ""), vectors);
    EXPECT_LT(RelativeDifference(vectors, expected), kTolerance);
    distinct.insert(std::move(expected));
  }
  EXPECT_GE(distinct.size(), 6u);  // the settings matter
}

}  // namespace
}  // namespace lacos
