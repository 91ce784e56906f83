// Applies the files beside tokenizer.json as transformers 5 does when it loads a folder.
#include "lacos/text/tokenizer_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "lacos/base/error.h"
#include "lacos/text/tokenizer_spec.h"

namespace lacos {
namespace {

// Adds tokens as Hugging Face tokenizers does, and remembers where each one is.
class TokenList {
 public:
  explicit TokenList(TokenizerSpec& spec) : spec_(spec) {
    for (size_t i = 0; i < spec.added_tokens.size(); ++i) {
      index_.emplace(spec.added_tokens[i].content, i);
      largest_ = std::max<int64_t>(largest_, spec.added_tokens[i].id);
    }
  }

  void Add(const SideToken& side) {
    AddedToken token = side.token;
    if (token.content.empty()) return;
    const auto found = index_.find(token.content);
    const int64_t id = found != index_.end()
                           ? spec_.added_tokens[found->second].id
                           : NextAddedId(token.content, largest_, spec_.vocabulary);
    if (id > Vocabulary::kMaxId) {
      throw UserError(fmt::format("{} found one token more than {}; expected fewer; check the file",
                                  side.where, Vocabulary::kMaxId));
    }
    if (side.token.id >= 0 && side.token.id != id) {
      throw UserError(fmt::format(
          "{} gives the id {} to '{}'; expected {}, which Hugging Face tokenizers gives "
          "to it; correct the file, or add the token to tokenizer.json",
          side.where, side.token.id, token.content, id));
    }
    token.id = static_cast<int32_t>(id);
    if (found == index_.end()) {
      index_.emplace(token.content, spec_.added_tokens.size());
      spec_.added_tokens.push_back(token);
      largest_ = std::max(largest_, id);
      return;
    }
    AddedToken& known = spec_.added_tokens[found->second];
    token.special |= known.special;  // what was special once remains so
    known = token;
  }

  // The id of a token of the vocabulary or an added one, or -1.
  int32_t Find(const std::string& content) const {
    const auto found = index_.find(content);
    return found != index_.end() ? spec_.added_tokens[found->second].id
                                 : spec_.vocabulary.Find(content);
  }

 private:
  TokenizerSpec& spec_;
  std::unordered_map<std::string, size_t> index_;
  int64_t largest_ = -1;
};

// What the ids of texts depend on, as far as options can change it.
std::string Describe(const TokenizerSpec& spec) {
  std::string text = fmt::format("{}{}", spec.truncate_left, spec.split_special_tokens);
  for (const AddedToken& token : spec.added_tokens) {
    text += fmt::format("\n{} {}{}{}{}{} {}", token.id, token.single_word, token.lstrip,
                        token.rstrip, token.normalized, token.special, token.content);
  }
  return text;
}

}  // namespace

int64_t NextAddedId(std::string_view content, int64_t largest, const Vocabulary& vocabulary) {
  const int32_t known = vocabulary.Find(content);
  if (known >= 0) return known;
  return std::max(static_cast<int64_t>(vocabulary.size()), largest + 1);
}

void ApplyOptions(const TokenizerOptions& options, TokenizerSpec& spec) {
  const std::string before = Describe(spec);
  TokenList list(spec);
  std::unordered_set<std::string> names, known;
  for (const SideToken& side : options.named) names.insert(side.token.content);
  for (const AddedToken& token : spec.added_tokens) known.insert(token.content);
  for (const SideToken& side : options.listed) known.insert(side.token.content);
  const auto add = [&](SideToken side) {
    side.token.special |= names.contains(side.token.content);
    list.Add(side);
  };
  for (const SideToken& side : options.listed) add(side);
  for (const auto* group : {&options.named, &options.extra}) {
    for (const SideToken& side : *group) {
      if (!known.contains(side.token.content)) add(side);
    }
  }
  for (const auto* group : {&options.named, &options.extra}) {
    for (const SideToken& side : *group) {
      if (const int32_t id = list.Find(side.token.content); id >= 0) spec.named_special.insert(id);
    }
  }
  spec.split_special_tokens = options.split_special_tokens;
  spec.truncate_left = options.truncate_left.value_or(spec.truncate_left);
  spec.rows = options.rows;
  if (std::string after = Describe(spec); after != before) spec.side_changes = std::move(after);
}

}  // namespace lacos
