#include "lacos/serve/text_reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacos/base/error.h"
#include "lacos/text/strip.h"
#include "lacos/text/tokenize.h"

namespace lacos::serve {
namespace {

// The numbers of ids that the post-processor puts before and after a text.
std::pair<size_t, size_t> TemplateSides(const Tokenizer& tokenizer) {
  const auto around = static_cast<size_t>(tokenizer.TemplateIds());
  if (around == 0) return {0, 0};
  std::vector<int32_t> none, some;
  tokenizer.Encode("", none);
  tokenizer.Encode("a", some);
  size_t before = 0;
  while (before < around && before < some.size() && before < none.size() &&
         none[before] == some[before])
    ++before;
  return {before, around - before};
}

// TokenizeText, but the text loses the side that is asked for.
TokenizedText TokenizeFrom(const Tokenizer& tokenizer, const TokenizeOptions& options,
                           const std::string& text, bool left) {
  if (left == tokenizer.TruncatesLeft()) return TokenizeText(tokenizer, text, options);
  TokenizeOptions whole = options;
  whole.max_length = Tokenizer::kNoLimit;
  TokenizedText result = TokenizeText(tokenizer, text, whole);
  const auto limit = static_cast<size_t>(options.max_length);
  if (result.ids.size() <= limit) return result;
  const auto [before, after] = TemplateSides(tokenizer);
  const size_t kept_before = options.before.size() + before;
  const size_t kept_after = options.after.size() + after;
  const auto lost = static_cast<std::ptrdiff_t>(result.ids.size() - limit);
  const auto begin = left ? result.ids.begin() + static_cast<std::ptrdiff_t>(kept_before)
                          : result.ids.end() - static_cast<std::ptrdiff_t>(kept_after) - lost;
  result.ids.erase(begin, begin + lost);
  result.truncated = true;
  return result;
}

// Given ids, cut as texts are.
TokenizedText CutIds(const ServedModel& model, const std::vector<int32_t>& ids, bool left) {
  const auto limit = static_cast<size_t>(model.text.tokenize.max_length);
  if (ids.size() <= limit) return {.ids = ids};
  const auto lost = static_cast<std::ptrdiff_t>(ids.size() - limit);
  return {.ids = left ? std::vector<int32_t>(ids.begin() + lost, ids.end())
                      : std::vector<int32_t>(ids.begin(), ids.end() - lost),
          .truncated = true};
}

[[noreturn]] void RefuseLong(const ServedModel& model, const TokenizeOptions& options,
                             const EmbedCall& call, size_t index, const std::string& text) {
  size_t length = 0;
  if (call.from_ids) {
    length = call.ids[index].size();
  } else {
    TokenizeOptions whole = options;
    whole.max_length = Tokenizer::kNoLimit;
    length = TokenizeText(*model.tokenizer, text, whole).ids.size();
  }
  const std::string place = call.Place(index);
  throw ApiError(422, "text_too_long",
                 fmt::format("[{}] has {} tokens; expected at most {}; shorten it, or leave out "
                             "truncate: false",
                             place, length, model.text.tokenize.max_length),
                 place);
}

}  // namespace

TextPrompt PromptOf(const ServedModel& model, const EmbedCall& call, Dialect dialect) {
  const auto& prompts = model.settings.prompts;
  if (!call.prompt_name.empty() && !prompts.contains(call.prompt_name)) {
    std::string known;
    for (const auto& [name, text] : prompts) known += (known.empty() ? "" : ", ") + name;
    throw ApiError(dialect == Dialect::kOpenAi ? 400 : 422, "invalid_value",
                   fmt::format("[prompt_name] found {}; expected one of: {}; use one of them",
                               Quoted(call.prompt_name), known.empty() ? "(none)" : known),
                   "prompt_name");
  }
  if (call.prompt_name.empty() && !call.input_type.empty()) {
    const RolePrompts roles = FolderPrompts(model.settings);
    return call.input_type.ends_with("query") ? roles.query : roles.document;
  }
  return ResolvePrompt(model.settings, "", call.prompt_name);
}

ReadTexts ReadCallTexts(const ServedModel& model, const EmbedCall& call, const TextPrompt& prompt,
                        const ReadingOptions& options) {
  const TokenizeOptions tokenize =
      FramedTokenizeOptions(*model.tokenizer, model.text.tokenize, prompt.frame);
  ReadTexts result;
  result.ids.reserve(call.size());
  result.skipped = call.from_ids ? 0 : SkippedTokens(*model.tokenizer, model.text, prompt.text);
  const bool left = call.truncate_left.value_or(model.tokenizer->TruncatesLeft());
  int64_t tokens = 0;
  for (size_t i = 0; i < call.size(); ++i) {
    TokenizedText read;
    std::string text;
    if (call.from_ids) {
      read = CutIds(model, call.ids[i], left);
    } else {
      text = prompt.text + call.texts[i];
      result.characters += CountCharacters(call.texts[i]);
      try {
        read = TokenizeFrom(*model.tokenizer, tokenize, text, left);
      } catch (const UserError& error) {
        const std::string place = call.Place(i);
        throw ApiError(422, "text_not_tokenized", fmt::format("[{}] {}", place, error.what()),
                       place, TeiError::kTokenizer);
      }
    }
    if (read.truncated && !call.truncate.value_or(options.truncate))
      RefuseLong(model, tokenize, call, i, text);
    if (read.truncated) result.truncated.push_back(static_cast<int64_t>(i));
    if (read.ids.empty()) {
      if (!options.empty_is_zero) {
        const std::string place = call.Place(i);
        throw ApiError(
            400, "empty_text",
            fmt::format("[{}] found a text without tokens; expected at least one; leave it "
                        "out, or start the server with --empty zero",
                        place),
            place, TeiError::kEmpty);
      }
      result.empty.push_back(static_cast<int64_t>(i));
    }
    tokens += static_cast<int64_t>(read.ids.size());
    if (tokens > options.max_request_tokens) {
      throw ApiError(
          413, "too_many_tokens",
          fmt::format("[{}] the first {} texts have more than {} tokens; expected at most "
                      "that in all texts of a request; send them in several requests, or "
                      "raise --max-request-tokens",
                      call.field, i + 1, options.max_request_tokens),
          call.field);
    }
    result.ids.push_back(std::move(read.ids));
  }
  return result;
}

std::vector<TokenView> ViewTokens(const ServedModel& model, const std::string& text, bool special) {
  const Tokenizer& tokenizer = *model.tokenizer;
  const Encoding encoding = tokenizer.EncodeWithOffsets(text);
  const auto [before, after] = TemplateSides(tokenizer);
  // Where each character of the text begins, and its end.
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) starts.push_back(i);
  }
  starts.push_back(text.size());
  std::vector<TokenView> tokens;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const bool around = i < before || i + after >= encoding.ids.size();
    if (around && !special) continue;
    TokenView& token = tokens.emplace_back();
    token.id = encoding.ids[i];
    token.special = around;
    if (around) {
      token.text = tokenizer.Decode(std::span(&encoding.ids[i], 1), /*skip_special_tokens=*/false);
      continue;
    }
    token.start = encoding.offsets[i].first;
    token.stop = encoding.offsets[i].second;
    const size_t last = starts.size() - 1;
    const size_t begin = starts[std::min(static_cast<size_t>(token.start), last)];
    const size_t end = starts[std::min(static_cast<size_t>(token.stop), last)];
    token.text = text.substr(begin, end > begin ? end - begin : 0);
  }
  return tokens;
}

}  // namespace lacos::serve
