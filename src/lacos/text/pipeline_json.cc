// The parts around the model in a tokenizer.json: added tokens and post-processor.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>

#include "lacos/text/spec_errors.h"
#include "lacos/text/tokenizer_spec.h"

namespace lacos {
namespace {

// The most ids that all pieces of a template may put around a text. Any number of pieces may name
// the same list of special tokens, so the size of the file alone does not limit them.
constexpr size_t kMaxTemplateIds = 4096;

int32_t ReadKnownId(const Json& json, const TokenizerSpec& spec) {
  const int64_t id = json.AsInt();
  const bool known =
      spec.vocabulary.Has(id) || std::any_of(spec.added_tokens.begin(), spec.added_tokens.end(),
                                             [&](const AddedToken& t) { return t.id == id; });
  if (!known) RefuseMalformed(json, fmt::format("id {}", id), "the id of a token");
  return static_cast<int32_t>(id);
}

// `left` is the number of ids that the template may still have.
std::vector<int32_t> ReadTemplateIds(const Json& ids, const TokenizerSpec& spec, size_t& left) {
  if (ids.IsArray() && ids.size() > left) {
    RefuseMalformed(ids, "the rest of too many tokens",
                    fmt::format("a template of at most {}", kMaxTemplateIds));
  }
  left -= ids.size();
  std::vector<int32_t> result;
  ids.ForEachElement([&](const Json& element) { result.push_back(ReadKnownId(element, spec)); });
  return result;
}

// ["<s>", 1]
std::vector<int32_t> ReadTokenPair(const Json& pair, const TokenizerSpec& spec) {
  if (!pair.IsArray() || pair.size() != 2)
    RefuseMalformed(pair, pair.Dump(), "a pair of a token and its id");
  return {ReadKnownId(pair[1], spec)};
}

std::vector<TemplatePiece> ReadTemplate(const Json& json, const TokenizerSpec& spec) {
  std::vector<TemplatePiece> pieces;
  const Json special_tokens = json.At("special_tokens");
  size_t left = kMaxTemplateIds;
  json.At("single").ForEachElement([&](const Json& piece) {
    if (const std::optional<Json> sequence = piece.Find("Sequence")) {
      const Json id = sequence->At("id");
      if (id.AsStringView() != "A")
        RefuseMalformed(id, id.Dump(), "\"A\", the only sequence of a single text");
      if (left == 0)
        RefuseMalformed(piece, "one piece too many", fmt::format("at most {}", kMaxTemplateIds));
      --left;
      pieces.push_back({.text = true});
      return;
    }
    const Json token = piece.At("SpecialToken").At("id");
    if (!special_tokens.Has(token.AsStringView())) {
      RefuseMalformed(token, token.Dump(), "a name among special_tokens");
    }
    pieces.push_back(
        {.ids = ReadTemplateIds(special_tokens.At(token.AsStringView()).At("ids"), spec, left)});
  });
  return pieces;
}

}  // namespace

std::vector<AddedToken> ReadAddedTokens(const Json& list, const Vocabulary& vocabulary) {
  std::vector<AddedToken> tokens;
  if (list.IsNull()) return tokens;
  std::unordered_set<std::string> known;
  int64_t largest = -1;
  list.ForEachElement([&](const Json& json) {
    AddedToken token;
    token.content = json.At("content").AsString();
    token.single_word = BoolOr(json, "single_word", false);
    token.lstrip = BoolOr(json, "lstrip", false);
    token.rstrip = BoolOr(json, "rstrip", false);
    token.normalized = BoolOr(json, "normalized", true);
    token.special = BoolOr(json, "special", false);
    if (token.content.empty()) RefuseMalformed(json, "an empty content", "a text");
    const int64_t id = json.At("id").AsInt();
    // Hugging Face tokenizers ignores the id in the file: a token of the vocabulary keeps its id
    // there, and any other token gets the next free one. A file with other ids is refused, because
    // it would mean one thing there and another here.
    const int64_t expected = NextAddedId(token.content, largest, vocabulary);
    if (id != expected) {
      RefuseMalformed(json, fmt::format("id {} for {}", id, Json(token.content).Dump()),
                      fmt::format("id {}, which Hugging Face tokenizers gives to it", expected));
    }
    if (!known.insert(token.content).second) {
      RefuseMalformed(json, fmt::format("{} a second time", Json(token.content).Dump()),
                      "each added token once");
    }
    const bool taken = vocabulary.Has(id) && vocabulary.String(id) != token.content;
    if (taken || id > Vocabulary::kMaxId) {
      RefuseMalformed(json, fmt::format("id {} for {}", id, Json(token.content).Dump()),
                      "an id that no entry of the vocabulary has");
    }
    largest = std::max(largest, id);
    token.id = static_cast<int32_t>(id);
    tokens.push_back(std::move(token));
  });
  return tokens;
}

PostProcessorSpec ReadPostProcessorSpec(const Json& json, const TokenizerSpec& spec) {
  PostProcessorSpec post;
  if (json.IsNull()) return post;
  bool has_template = false;
  ForEachProcessor(json, "processors", [&](const Json& step) {
    const Json type = step.At("type");
    if (type.AsStringView() == "ByteLevel") {
      if (step.At("trim_offsets").AsBool())
        post.trims.push_back(step.At("add_prefix_space").AsBool());
    } else if (type.AsStringView() == "TemplateProcessing") {
      if (has_template) RefuseUnsupported(step, "a second post-processor that adds tokens", "one");
      has_template = true;
      post.pieces = ReadTemplate(step, spec);
    } else if (type.AsStringView() == "RobertaProcessing" ||
               type.AsStringView() == "BertProcessing") {
      if (has_template) RefuseUnsupported(step, "a second post-processor that adds tokens", "one");
      has_template = true;
      post.pieces = {{.ids = ReadTokenPair(step.At("cls"), spec)},
                     {.text = true},
                     {.ids = ReadTokenPair(step.At("sep"), spec)}};
      if (type.AsStringView() == "RobertaProcessing" && BoolOr(step, "trim_offsets", true)) {
        post.trims.push_back(BoolOr(step, "add_prefix_space", true));
      }
    } else {
      RefuseUnsupported(type, fmt::format("the post-processor {}", type.Dump()),
                        "ByteLevel, TemplateProcessing, RobertaProcessing or BertProcessing");
    }
  });
  return post;
}

}  // namespace lacos
