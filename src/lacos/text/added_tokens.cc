#include "lacos/text/added_tokens.h"

#include <algorithm>

#include "lacos/text/unicode_classes.h"
#include "lacos/text/utf8.h"

namespace lacos {
namespace {

bool BeginsWith(std::string_view text, UnicodeClass wanted) {
  return !text.empty() && (UnicodeTable::Get().Classes(DecodeUtf8(text, 0).value) & wanted) != 0;
}

// The position of the last character of a text that is not empty.
size_t LastCharacter(std::string_view text) {
  size_t i = text.size() - 1;
  while (i > 0 && IsContinuation(text[i])) --i;
  return i;
}

bool EndsWith(std::string_view text, UnicodeClass wanted) {
  return !text.empty() && BeginsWith(text.substr(LastCharacter(text)), wanted);
}

size_t LeadingSpaceBytes(std::string_view text) {
  size_t i = 0;
  while (BeginsWith(text.substr(i), kSpaceClass)) i += DecodeUtf8(text, i).length;
  return i;
}

size_t BeginOfTrailingSpace(std::string_view text) {
  size_t end = text.size();
  while (EndsWith(text.substr(0, end), kSpaceClass)) end = LastCharacter(text.substr(0, end));
  return end;
}

}  // namespace

std::array<int32_t, 256> LiteralMatcher::MakeRoots() {
  std::array<int32_t, 256> roots;
  roots.fill(-1);
  return roots;
}

int32_t LiteralMatcher::Child(int32_t node, uint8_t byte) const {
  int32_t child = nodes_[node].first_child;
  while (child >= 0 && nodes_[child].byte != byte) child = nodes_[child].sibling;
  return child;
}

void LiteralMatcher::Add(std::string_view literal, int32_t index) {
  int32_t node = 0;
  for (const char c : literal) {
    const auto byte = static_cast<uint8_t>(c);
    int32_t child = Child(node, byte);
    if (child < 0) {
      child = static_cast<int32_t>(nodes_.size());
      nodes_.push_back(
          {.first_child = -1, .sibling = nodes_[node].first_child, .literal = -1, .byte = byte});
      nodes_[node].first_child = child;
      if (node == 0) {
        roots_[byte] = child;
        only_root_ = byte;
        ++root_count_;
      }
    }
    node = child;
  }
  nodes_[node].literal = index;
}

LiteralMatcher::Match LiteralMatcher::Next(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (root_count_ == 1) {  // nearly always the case, because special tokens begin with '<'
      begin = text.find(static_cast<char>(only_root_), begin);
      if (begin == std::string_view::npos) break;
    }
    int32_t node = roots_[static_cast<uint8_t>(text[begin])];
    if (node < 0) continue;
    Match longest;
    for (size_t i = begin + 1;; ++i) {
      if (nodes_[node].literal >= 0) longest = {begin, i, nodes_[node].literal};
      if (i == text.size()) break;
      node = Child(node, static_cast<uint8_t>(text[i]));
      if (node < 0) break;
    }
    if (longest.literal >= 0) return longest;
  }
  return {};
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, bool split_special)
    : tokens_(std::move(tokens)), split_special_(split_special) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    (tokens_[i].normalized ? normalized_ : literal_)
        .Add(tokens_[i].content, static_cast<int32_t>(i));
    by_id_.emplace(tokens_[i].id, i);
    by_content_.emplace(tokens_[i].content, i);
  }
}

const AddedToken* AddedTokens::FindId(int32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

const AddedToken* AddedTokens::FindContent(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  return found == by_content_.end() ? nullptr : &tokens_[found->second];
}

void AddedTokens::Split(std::string_view text, std::vector<Segment>& segments) const {
  if (text.empty()) return;
  if (normalized_.empty()) {
    SplitBy(literal_, text, 0, segments);
    return;
  }
  std::vector<Segment> first;
  SplitBy(literal_, text, 0, first);
  for (const Segment& segment : first) {
    if (segment.id >= 0) {
      segments.push_back(segment);
    } else {
      SplitBy(normalized_, text.substr(segment.begin, segment.end - segment.begin), segment.begin,
              segments);
    }
  }
}

void AddedTokens::SplitBy(const LiteralMatcher& matcher, std::string_view text, size_t offset,
                          std::vector<Segment>& segments) const {
  size_t done = 0;  // text before this position is already in segments
  const auto add = [&](size_t begin, size_t end, int32_t id) {
    if (begin < end) segments.push_back({offset + begin, offset + end, id});
  };
  for (size_t from = 0; !matcher.empty();) {
    const LiteralMatcher::Match match = matcher.Next(text, from);
    if (match.literal < 0) break;
    from = match.end;
    const AddedToken& token = tokens_[match.literal];
    size_t begin = match.begin, end = match.end;
    if (split_special_ && token.special) continue;
    if (token.single_word &&
        (EndsWith(text.substr(0, begin), kWordClass) || BeginsWith(text.substr(end), kWordClass))) {
      continue;
    }
    if (token.lstrip) begin = std::max(BeginOfTrailingSpace(text.substr(0, begin)), done);
    if (token.rstrip) end += LeadingSpaceBytes(text.substr(end));
    add(done, begin, -1);
    // The token may begin with whitespace that the token before it has stripped. The two then
    // overlap, and both are kept.
    add(begin, end, token.id);
    done = end;
  }
  add(done, text.size(), -1);
}

}  // namespace lacos
