#include "lacos/text/byte_tokenizer.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "lacos/io/utf8.h"

namespace lacos {
namespace {

constexpr std::array<const char*, 4> kSpecialTokens = {"<unk>", "<s>", "</s>", "<pad>"};
// The pattern in the tokenizer.json of the BLOOM models. The nested class is Oniguruma's syntax.
constexpr const char* kSplitPattern = R"( ?[^(\s|[.,!?…。，、।۔،])]+)";

std::string Utf8(char32_t c) {
  std::string text;
  AppendUtf8(c, text);
  return text;
}

// GPT-2's symbols for bytes in the order of their code points: printable Latin-1 stands for itself,
// and the others follow from U+0100 on.
std::vector<std::string> ByteSymbols() {
  std::vector<std::string> symbols;
  const auto printable = [](uint32_t b) { return (b >= 33 && b <= 126) || (b >= 161 && b != 173); };
  for (uint32_t b = 0; b < 256; ++b) {
    if (printable(b)) symbols.push_back(Utf8(b));
  }
  const auto others = 256 - static_cast<uint32_t>(symbols.size());
  for (uint32_t i = 0; i < others; ++i) symbols.push_back(Utf8(0x100 + i));
  return symbols;
}

Json ByteLevel(bool add_prefix_space, bool trim_offsets, bool use_regex) {
  Json json = Json::Object();
  json.Set("type", "ByteLevel");
  json.Set("add_prefix_space", add_prefix_space);
  json.Set("trim_offsets", trim_offsets);
  json.Set("use_regex", use_regex);
  return json;
}

Json ByteTokenJson() {
  Json tokens = Json::Array();
  for (size_t id = 0; id < kSpecialTokens.size(); ++id) {
    Json token = Json::Object();
    token.Set("id", static_cast<int64_t>(id));
    token.Set("content", kSpecialTokens[id]);
    for (const char* key : {"single_word", "lstrip", "rstrip", "normalized"}) token.Set(key, false);
    token.Set("special", true);
    tokens.Append(token);
  }
  return tokens;
}

Json PreTokenizer() {
  Json pattern = Json::Object();
  pattern.Set("Regex", kSplitPattern);
  Json split = Json::Object();
  split.Set("type", "Split");
  split.Set("pattern", pattern);
  split.Set("behavior", "Isolated");
  split.Set("invert", false);
  Json steps = Json::Array();
  steps.Append(split);
  steps.Append(ByteLevel(false, true, false));
  Json sequence = Json::Object();
  sequence.Set("type", "Sequence");
  sequence.Set("pretokenizers", steps);
  return sequence;
}

Json Model() {
  Json vocabulary = Json::Object();
  int64_t id = 0;
  for (const char* token : kSpecialTokens) vocabulary.Set(token, id++);
  for (const std::string& symbol : ByteSymbols()) vocabulary.Set(symbol, id++);
  Json model = Json::Object();
  model.Set("type", "BPE");
  for (const char* key :
       {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
    model.Set(key, Json());
  }
  for (const char* key : {"fuse_unk", "byte_fallback", "ignore_merges"}) model.Set(key, false);
  model.Set("vocab", vocabulary);
  model.Set("merges", Json::Array());
  return model;
}

}  // namespace

Json ByteTokenizerJson() {
  Json json = Json::Object();
  json.Set("version", "1.0");
  json.Set("truncation", Json());
  json.Set("padding", Json());
  json.Set("added_tokens", ByteTokenJson());
  json.Set("normalizer", Json());
  json.Set("pre_tokenizer", PreTokenizer());
  json.Set("post_processor", ByteLevel(true, false, false));
  json.Set("decoder", ByteLevel(true, true, true));
  json.Set("model", Model());
  return json;
}

Json SpecialTokensMapJson() {
  Json json = Json::Object();
  json.Set("unk_token", "<unk>");
  json.Set("bos_token", "<s>");
  json.Set("eos_token", "</s>");
  json.Set("pad_token", "<pad>");
  return json;
}

Json ByteTokenizerConfigJson() {
  Json json = SpecialTokensMapJson();
  json.Set("add_prefix_space", false);
  json.Set("tokenizer_class", "BloomTokenizerFast");
  json.Set("padding_side", "left");
  return json;
}

}  // namespace lacos
