// The "model" of a tokenizer.json: the vocabulary and merges of a byte-level BPE.
#include <fmt/format.h>

#include <span>

#include "lacos/text/byte_level.h"
#include "lacos/text/spec_errors.h"
#include "lacos/text/tokenizer_spec.h"

namespace lacos {
namespace {

// A string from the file as messages show it: quoted, escaped and shortened.
std::string QuotedToken(std::string_view text) {
  return text.size() <= 60 ? Json(text).Dump() : fmt::format("a string of {} bytes", text.size());
}

void ReadVocabulary(const Json& json, Vocabulary& vocabulary) {
  if (!json.IsObject()) RefuseMalformed(json, "no object", "an object of tokens and their ids");
  vocabulary.Reserve(json.size(), 8 * json.size());
  json.ForEachItem([&](std::string_view token, const Json& value) {
    if (!value.IsInteger())
      RefuseMalformed(json, fmt::format("the id {} for {}", value.Dump(), QuotedToken(token)),
                      "an integer");
    const int64_t id = value.AsInt();
    if (id < 0 || id > Vocabulary::kMaxId) {
      RefuseMalformed(json, fmt::format("id {} for {}", id, QuotedToken(token)),
                      fmt::format("ids from 0 to {}", Vocabulary::kMaxId));
    }
    switch (vocabulary.Add(token, static_cast<int32_t>(id))) {
      case Vocabulary::AddResult::kAdded:
        return;
      case Vocabulary::AddResult::kDuplicateId:
        RefuseMalformed(json,
                        fmt::format("id {} for both {} and {}", id,
                                    QuotedToken(vocabulary.String(id)), QuotedToken(token)),
                        "a different id for each token");
      case Vocabulary::AddResult::kDuplicateString:
        RefuseMalformed(json, fmt::format("{} twice", QuotedToken(token)), "each token once");
    }
  });
}

void AddMerge(const Json& at, std::string_view left, std::string_view right, TokenizerSpec& spec) {
  const auto id_of = [&](std::string_view first, std::string_view second) {
    const int32_t id = spec.vocabulary.Find(first, second);
    if (id < 0) {
      std::string token(first);
      token.append(second);
      RefuseMalformed(
          at, fmt::format("a merge with {}, which is not in the vocabulary", QuotedToken(token)),
          "two tokens of the vocabulary whose concatenation is a third");
    }
    return id;
  };
  const int32_t left_id = id_of(left, {});
  const int32_t right_id = id_of(right, {});
  spec.merges.push_back({left_id, right_id, id_of(left, right)});
}

// Merges are spelled "a b" in older files and ["a", "b"] in newer ones; one file uses one spelling.
void ReadMerges(const Json& json, TokenizerSpec& spec) {
  if (!json.IsArray()) RefuseMalformed(json, "no array", "an array of merges");
  spec.merges.reserve(json.size());
  const bool pairs = json.size() > 0 && json[0].IsArray();
  json.ForEachElement([&](const Json& merge) {
    if (pairs) {
      if (!merge.IsArray() || merge.size() != 2)
        RefuseMalformed(merge, merge.Dump(), "a pair of two strings");
      const Json left = merge[0], right = merge[1];
      AddMerge(merge, left.AsStringView(), right.AsStringView(), spec);
      return;
    }
    const std::string_view line = merge.AsStringView();
    if (line.starts_with("#version")) return;  // the first line of a merges.txt; it has no rank
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos || line.find(' ', blank + 1) != std::string_view::npos) {
      RefuseMalformed(merge, QuotedToken(line), "two tokens with one blank between them");
    }
    AddMerge(merge, line.substr(0, blank), line.substr(blank + 1), spec);
  });
}

void RefuseUnlessEmpty(const Json& model, std::string_view key) {
  const std::optional<Json> value = model.Find(key);
  if (value && !value->AsStringView().empty()) {
    RefuseUnsupported(*value, fmt::format("{} {}", key, QuotedToken(value->AsStringView())),
                      "null or \"\"");
  }
}

void ReadAlphabet(const Json& model, TokenizerSpec& spec) {
  bool complete = true;
  for (int byte = 0; byte < 256; ++byte) {
    const char raw = static_cast<char>(byte);
    std::string spelled;
    AppendByteLevel({&raw, 1}, spelled);
    spec.alphabet.ids[byte] = spec.vocabulary.Find(spelled);
    complete = complete && spec.alphabet.ids[byte] >= 0;
  }
  spec.alphabet.fuse_unknown = BoolOr(model, "fuse_unk", false);
  const std::optional<Json> unknown = model.Find("unk_token");
  if (!unknown) return;
  const std::string_view token = unknown->AsStringView();
  spec.alphabet.unknown_id = spec.vocabulary.Find(token);
  if (spec.alphabet.unknown_id < 0 && !complete) {
    RefuseMalformed(*unknown, QuotedToken(token),
                    "a token of the vocabulary, since some bytes are not in it");
  }
}

}  // namespace

void ReadModelSpec(const Json& model, TokenizerSpec& spec) {
  if (!model.IsObject()) RefuseMalformed(model, "no object", "a model of type BPE");
  const std::optional<Json> type = model.Find("type");
  if (type && type->AsString() != "BPE") {
    RefuseUnsupported(*type, fmt::format("the model type {}", QuotedToken(type->AsStringView())),
                      "\"BPE\"");
  }
  RefuseUnknownKeys(
      model, {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
              "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"});
  const std::optional<Json> dropout = model.Find("dropout");
  if (dropout && dropout->AsDouble() != 0) {
    RefuseUnsupported(*dropout, fmt::format("BPE dropout {}", dropout->Dump()), "null");
  }
  RefuseUnlessEmpty(model, "continuing_subword_prefix");
  RefuseUnlessEmpty(model, "end_of_word_suffix");
  if (BoolOr(model, "byte_fallback", false))
    RefuseUnsupported(model, "byte_fallback true", "false");
  spec.ignore_merges = BoolOr(model, "ignore_merges", false);
  if (spec.vocabulary.size() == 0) {
    ReadVocabulary(model.At("vocab"), spec.vocabulary);
    ReadMerges(model.At("merges"), spec);
  }
  ReadAlphabet(model, spec);
}

}  // namespace lacos
