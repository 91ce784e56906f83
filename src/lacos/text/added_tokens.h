// Tokens that are found literally in the text before anything else: special tokens, and tokens that
// were added after training.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lacos {

struct AddedToken {
  std::string content;
  int32_t id = -1;
  bool single_word = false;  // matches only where no word character stands beside it
  bool lstrip = false;       // includes the whitespace before it
  bool rstrip = false;       // includes the whitespace after it
  bool normalized = false;   // found in a second pass, between tokens that are not normalized
  bool special = false;      // left out by Decode(..., skip_special_tokens)
};

// Matches several strings at once with a trie over bytes. It prefers the leftmost match, and the
// longest one at the same position.
class LiteralMatcher {
 public:
  struct Match {
    size_t begin = 0, end = 0;
    int32_t literal = -1;  // index of the literal that matched; -1 for no match
  };

  void Add(std::string_view literal, int32_t index);  // `literal` is not empty
  bool empty() const { return nodes_.size() == 1; }
  // The first match that begins at or after `from`.
  Match Next(std::string_view text, size_t from) const;

 private:
  struct Node {
    int32_t first_child = -1, sibling = -1;
    int32_t literal = -1;
    uint8_t byte = 0;
  };
  int32_t Child(int32_t node, uint8_t byte) const;
  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::array<int32_t, 256> roots_ = MakeRoots();  // the root's children by byte
  static std::array<int32_t, 256> MakeRoots();
  int root_count_ = 0;
  uint8_t only_root_ = 0;  // the byte of the root's child, if it has only one
};

// Cuts a text at added tokens as Hugging Face tokenizers does, also where stripped whitespace
// belongs to two tokens.
class AddedTokens {
 public:
  AddedTokens() = default;
  // With `split_special`, special tokens are not found in texts.
  explicit AddedTokens(std::vector<AddedToken> tokens, bool split_special = false);

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  // The added token with this id, or nullptr.
  const AddedToken* FindId(int32_t id) const;
  const AddedToken* FindContent(std::string_view content) const;

  struct Segment {
    size_t begin = 0, end = 0;  // a range of bytes of the text
    int32_t id = -1;            // the added token's id; -1 for text between tokens
  };
  // Appends the segments of the text in order; none for an empty text.
  void Split(std::string_view text, std::vector<Segment>& segments) const;
  bool empty() const { return tokens_.empty(); }

 private:
  void SplitBy(const LiteralMatcher& matcher, std::string_view text, size_t offset,
               std::vector<Segment>& segments) const;

  std::vector<AddedToken> tokens_;
  bool split_special_ = false;
  std::unordered_map<int32_t, size_t> by_id_;
  std::unordered_map<std::string, size_t> by_content_;
  LiteralMatcher literal_, normalized_;  // match the tokens without and with `normalized`
};

}  // namespace lacos
