#include "lacos/convert/gguf_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/io/paths.h"
#include "lacos/text/tokenizer_spec.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Refuse(const std::string& path, const std::string& what,
                         const std::string& expected) {
  throw UserError(
      fmt::format("[{}] {}, which llama.cpp's tokenizers cannot express; expected {}; use `format` "
                  "safetensors, or convert with a tokenizer of that kind",
                  path, what, expected));
}

// BLOOM's pattern as BLOOM writes it, and without the inner character class, which Oniguruma merges
// into the outer one.
bool IsBloomPattern(std::string_view regex) {
  return regex == " ?[^(\\s|[.,!?…。，、।۔،])]+" || regex == " ?[^(\\s|.,!?…。，、।۔،)]+";
}

bool IsGpt2Pattern(std::string_view regex) {
  return regex == R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)" ||
         regex == R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
}

// llama.cpp's name for the pattern that splits text into words.
std::string PreTokenizerName(const Json& root, const std::string& path) {
  constexpr const char* kExpected = "BLOOM's split pattern or GPT-2's";
  std::vector<Json> parts;
  const auto pre = root.Find("pre_tokenizer");
  if (!pre) Refuse(path, "does not cut text into words", kExpected);
  if (pre->At("type").AsString() == "Sequence") {
    pre->At("pretokenizers").ForEachElement([&](const Json& part) { parts.push_back(part); });
  } else {
    parts.push_back(*pre);
  }
  std::vector<std::string> patterns;
  for (const Json& part : parts) {
    const std::string type = part.At("type").AsString();
    if (type == "Split") {
      const Json pattern = part.At("pattern");
      const auto regex = pattern.Find("Regex");
      const auto invert = part.Find("invert");
      if (!regex || part.At("behavior").AsString() != "Isolated" || (invert && invert->AsBool())) {
        Refuse(path, fmt::format("splits text by {}", part.Dump()), kExpected);
      }
      const std::string text = regex->AsString();
      if (!IsBloomPattern(text) && !IsGpt2Pattern(text)) {
        Refuse(path, fmt::format("splits text by the pattern '{}'", text), kExpected);
      }
      patterns.emplace_back(IsBloomPattern(text) ? "bloom" : "gpt-2");
    } else if (type == "ByteLevel") {
      const auto prefix = part.Find("add_prefix_space");
      if (!prefix || prefix->AsBool()) {  // absent means true
        Refuse(path, "puts a blank before the text (add_prefix_space)", "add_prefix_space false");
      }
      const auto use_regex = part.Find("use_regex");
      if (!use_regex || use_regex->AsBool()) patterns.emplace_back("gpt-2");
    } else {
      Refuse(path, fmt::format("has the pre-tokenizer '{}'", type), kExpected);
    }
  }
  if (patterns.size() != 1) {
    Refuse(path, fmt::format("splits text by {} patterns", patterns.size()),
           std::string("one: ") + kExpected);
  }
  return patterns.front();
}

// The id of a token that tokenizer_config.json names as a string or as {"content": ...}.
std::optional<int32_t> NamedToken(const Json& config, const std::string& key,
                                  const TokenizerSpec& spec) {
  auto value = config.Find(key);
  if (value && value->IsObject()) value = value->Find("content");
  if (!value || !value->IsString()) return std::nullopt;
  const std::string content = value->AsString();
  for (const AddedToken& token : spec.added_tokens) {
    if (token.content == content) return token.id;
  }
  const int32_t id = spec.vocabulary.Find(content);
  return id >= 0 ? std::optional(id) : std::nullopt;
}

void FindSpecialIds(const TokenizerSpec& spec, const std::string& tokenizer_path,
                    const Json& config, GgufTokenizer& tokenizer) {
  const fs::path beside = fs::path(tokenizer_path).parent_path() / "tokenizer_config.json";
  const Json named = FileExists(beside.string()) ? Json::ReadFile(beside.string()) : Json::Object();
  for (const auto& [key, name] : {std::pair<const char*, const char*>{"bos", "bos"},
                                  {"eos", "eos"},
                                  {"unk", "unknown"},
                                  {"pad", "padding"}}) {
    // The tokenizer's own settings come first, because published config.json files contain ids of
    // other tokenizers.
    if (const auto id = NamedToken(named, std::string(key) + "_token", spec)) {
      tokenizer.special_ids[name] = static_cast<uint32_t>(*id);
      continue;
    }
    const auto id = config.Find(std::string(key) + "_token_id");
    const auto rows = static_cast<int64_t>(tokenizer.tokens.size());
    if (id && id->IsInteger() && id->AsInt() >= 0 && id->AsInt() < rows) {
      tokenizer.special_ids[name] = static_cast<uint32_t>(id->AsInt());
    }
  }
}

// llama.cpp can add one token before the text (bos) and one after it (eos).
void ReadTemplate(const TokenizerSpec& spec, const std::string& path, GgufTokenizer& tokenizer) {
  std::vector<int32_t> before, after;
  int texts = 0;
  for (const TemplatePiece& piece : spec.post_processor.pieces) {
    if (piece.text) {
      ++texts;
    } else {
      std::vector<int32_t>& side = texts == 0 ? before : after;
      side.insert(side.end(), piece.ids.begin(), piece.ids.end());
    }
  }
  if (texts != 1 || before.size() > 1 || after.size() > 1) {
    Refuse(path, "has a post-processor that adds more than one token before or after the text",
           "at most one on either side");
  }
  if (!before.empty()) {
    tokenizer.special_ids["bos"] = static_cast<uint32_t>(before.front());
    tokenizer.add_bos = true;
  }
  if (!after.empty()) {
    tokenizer.special_ids["eos"] = static_cast<uint32_t>(after.front());
    tokenizer.add_eos = true;
  }
}

void FillTokens(const TokenizerSpec& spec, int64_t rows, GgufTokenizer& tokenizer) {
  std::set<std::string, std::less<>> padding_names;
  tokenizer.tokens.resize(static_cast<size_t>(rows));
  tokenizer.types.assign(static_cast<size_t>(rows), static_cast<int32_t>(GgufTokenType::kUnused));
  std::vector<bool> known(static_cast<size_t>(rows), false);
  for (int64_t id = 0; id < std::min(rows, spec.vocabulary.IdLimit()); ++id) {
    if (!spec.vocabulary.Has(id)) continue;
    const auto i = static_cast<size_t>(id);
    tokenizer.tokens[i] = spec.vocabulary.String(id);
    tokenizer.types[i] = static_cast<int32_t>(GgufTokenType::kNormal);
    known[i] = true;
    if (tokenizer.tokens[i].starts_with("[PAD")) padding_names.insert(tokenizer.tokens[i]);
  }
  for (const AddedToken& token : spec.added_tokens) {
    const auto i = static_cast<size_t>(token.id);
    tokenizer.tokens[i] = token.content;
    tokenizer.types[i] =
        static_cast<int32_t>(token.special ? GgufTokenType::kControl : GgufTokenType::kUserDefined);
    known[i] = true;
    if (token.content.starts_with("[PAD")) padding_names.insert(token.content);
  }
  for (size_t i = 0; i < tokenizer.tokens.size(); ++i) {
    if (known[i]) continue;
    std::string name = fmt::format("[PAD{}]", i);
    // llama.cpp aborts if two tokens have the same text.
    while (padding_names.contains(name)) name += '_';
    tokenizer.tokens[i] = name;
  }
}

void FillMerges(const TokenizerSpec& spec, GgufTokenizer& tokenizer) {
  // If a pair occurs twice, its last position counts here and its first in llama.cpp, so only the
  // last is kept.
  std::set<std::pair<int32_t, int32_t>> seen;
  for (auto merge = spec.merges.rbegin(); merge != spec.merges.rend(); ++merge) {
    const std::string_view left = spec.vocabulary.String(merge->left);
    const std::string_view right = spec.vocabulary.String(merge->right);
    // Bytes are spelled without spaces, so a merge with a space in one part never happens.
    // llama.cpp separates the two parts with a space and could not express it either.
    if (left.find(' ') != std::string_view::npos || right.find(' ') != std::string_view::npos)
      continue;
    if (!seen.emplace(merge->left, merge->right).second) continue;
    tokenizer.merges.push_back(fmt::format("{} {}", left, right));
  }
  std::reverse(tokenizer.merges.begin(), tokenizer.merges.end());
}

void Warn(const TokenizerSpec& spec, GgufTokenizer& tokenizer) {
  const auto missing = std::count(spec.alphabet.ids.begin(), spec.alphabet.ids.end(), -1);
  if (missing > 0) {
    tokenizer.warnings.push_back(fmt::format(
        "{} of the 256 bytes are not in the vocabulary: llama.cpp leaves them out where lacos {}",
        missing, spec.alphabet.unknown_id >= 0 ? "gives <unk>" : "joins their neighbours"));
  }
  for (const AddedToken& token : spec.added_tokens) {
    std::string flags;
    for (const auto& [set, name] : {std::pair<bool, const char*>{token.lstrip, "lstrip"},
                                    {token.rstrip, "rstrip"},
                                    {token.single_word, "single_word"}}) {
      if (set) flags += std::string(flags.empty() ? "" : ", ") + name;
    }
    if (flags.empty()) continue;
    tokenizer.warnings.push_back(fmt::format(
        "the added token '{}' has {}: llama.cpp takes it literally, whitespace beside it included",
        token.content, flags));
  }
}

}  // namespace

GgufTokenizer MakeGgufTokenizer(const std::string& tokenizer_path, const TokenizerOptions& options,
                                int64_t rows, const Json& config) {
  const Json root = Json::ReadFile(tokenizer_path);
  TokenizerSpec spec = ReadTokenizerSpec(root);
  ApplyOptions(options, spec);
  GgufTokenizer tokenizer;
  const auto without_row =
      std::erase_if(spec.added_tokens, [&](const AddedToken& token) { return token.id >= rows; });
  if (without_row > 0) {
    tokenizer.warnings.push_back(fmt::format(
        "{} added tokens have no row in the word embedding and are left out: llama.cpp splits them "
        "like other text, lacos refuses texts that contain them",
        without_row));
  }
  if (spec.split_special_tokens) {
    tokenizer.warnings.emplace_back(
        "the model splits special tokens in a text like other text: do so in llama.cpp too "
        "(parse_special false)");
  }
  tokenizer.pre = PreTokenizerName(root, tokenizer_path);
  if (spec.ignore_merges) {
    Refuse(tokenizer_path, "has ignore_merges", "ignore_merges false");
  }
  const int64_t limit = spec.vocabulary.IdLimit();
  if (limit > rows) {
    throw UserError(fmt::format(
        "[{}] the tokenizer has ids up to {}, but the word embedding has {} rows; expected a "
        "tokenizer that fits the model; use the tokenizer.json that came with it",
        tokenizer_path, limit - 1, rows));
  }
  FillTokens(spec, rows, tokenizer);
  FillMerges(spec, tokenizer);
  FindSpecialIds(spec, tokenizer_path, config, tokenizer);
  ReadTemplate(spec, tokenizer_path, tokenizer);
  Warn(spec, tokenizer);
  return tokenizer;
}

void WriteGgufTokenizer(const GgufTokenizer& tokenizer, GgufWriter& writer) {
  writer.Set("tokenizer.ggml.model", "gpt2");  // the name of byte-level BPE in general
  writer.Set("tokenizer.ggml.pre", tokenizer.pre);
  writer.Set("tokenizer.ggml.tokens", tokenizer.tokens);
  writer.Set("tokenizer.ggml.token_type", tokenizer.types);
  writer.Set("tokenizer.ggml.merges", tokenizer.merges);
  for (const auto& [name, id] : tokenizer.special_ids) {
    writer.Set(fmt::format("tokenizer.ggml.{}_token_id", name), id);
  }
  writer.Set("tokenizer.ggml.add_bos_token", tokenizer.add_bos);
  writer.Set("tokenizer.ggml.add_eos_token", tokenizer.add_eos);
}

}  // namespace lacos
