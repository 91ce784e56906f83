// tokenizer.json and the tokenizer that it describes: ids lie in the vocabulary and offsets in the
// text, and the fast loader gives the same result as the general one.
#include "lacos/text/tokenizer.h"

#include <algorithm>

#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/io/utf8.h"
#include "lacos/text/bpe_tokenizer.h"
#include "lacos/text/fast_model_scan.h"
#include "lacos/text/tokenizer_spec.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

// In bytes. The limit is low because a pattern may backtrack for a second in each search.
constexpr size_t kMaxText = 48;

void Use(const lacos::Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  tokenizer.Encode(text, ids);
  const Encoding encoding = tokenizer.EncodeWithOffsets(text);
  Require(encoding.ids == ids, "ids are the same with offsets and without");
  Require(encoding.offsets.size() == ids.size(), "each id has offsets");
  const auto characters =
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  for (size_t i = 0; i < ids.size(); ++i) {
    Require(ids[i] >= 0 && ids[i] < tokenizer.VocabularySize(), "an id lies in the vocabulary");
    const auto [begin, end] = encoding.offsets[i];
    Require(begin >= 0 && begin <= end && end <= characters, "offsets lie in the text");
  }
  Require(IsValidUtf8(tokenizer.Decode(ids, false)), "a decoded text is valid UTF-8");
  tokenizer.Decode(ids, true);
}

}  // namespace

void Tokenizer(Input input) {
  const std::string_view bytes = Text(input);
  const size_t end = std::min(bytes.find('\0'), bytes.size());
  const std::string_view json = bytes.substr(0, end);
  std::string text(bytes.substr(std::min(end + 1, bytes.size())).substr(0, kMaxText));
  text = ReplaceInvalidUtf8(text);
  const auto tokenizer = lacos::Tokenizer::FromJson(json, "tokenizer.json");
  Use(*tokenizer, text);
  Use(*tokenizer, "Hello  world, 12 caf\u00e9\n<s>\u4f60\u597d");
  Use(*tokenizer, "");
  if (!ScanModel(json)) return;
  const BpeTokenizer general(ReadTokenizerSpec(lacos::Json::Parse(json, "tokenizer.json")));
  std::vector<int32_t> ids, expected;
  tokenizer->Encode(text, ids);
  general.Encode(text, expected);
  Require(ids == expected, "both ways of loading give the same ids");
}

}  // namespace lacos::fuzz
