// tokenizer.json with the files beside it, which add tokens, limit texts and choose the side of
// truncation.
#include "lacos/formats/tokenizer_files.h"

#include <array>

#include "files.h"
#include "lacos/io/paths.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

constexpr std::array<std::string_view, 4> kNames = {
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.json"};
constexpr int64_t kRows = 64;  // of the word embedding

void Use(const lacos::Tokenizer& tokenizer, std::string_view text, int64_t limit) {
  std::vector<int32_t> ids;
  const bool truncated = tokenizer.EncodeTruncated(text, limit, ids);
  const Encoding encoding = tokenizer.EncodeWithOffsets(text, limit);
  Require(encoding.ids == ids, "truncated ids are the same with offsets and without");
  Require(encoding.truncated == truncated, "truncation is reported in the same way");
  Require(encoding.offsets.size() == ids.size(), "each id has offsets");
  for (const int32_t id : ids) {
    Require(id >= 0 && id < tokenizer.VocabularySize(), "an id lies in the vocabulary");
    Require(id < kRows, "an id has a row in the word embedding");
    tokenizer.IsNamedSpecial(id);
  }
}

}  // namespace

void TokenizerFiles(Input input) {
  const std::string folder = MakeFolder(Text(input), kNames);
  std::vector<std::string> warnings;
  const lacos::TokenizerFiles files = ReadTokenizerFiles(folder, lacos::Json::Object(), warnings);
  Require(!files.max_length || *files.max_length >= 1, "a maximal length is at least 1");
  TokenizerOptions options = files.options;
  options.rows = kRows;
  if (!FileExists(folder + "/tokenizer.json")) return;
  const auto tokenizer = lacos::Tokenizer::FromFile(folder + "/tokenizer.json", options);
  for (const std::string_view text : {"ab <s>he[Q] ab", "[Q]", ""}) {
    for (const int64_t more : {1, 2, 40}) Use(*tokenizer, text, tokenizer->TemplateIds() + more);
  }
}

}  // namespace lacos::fuzz
