// Tokens that are found literally in the text before anything else: special tokens and those added
// after training.
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
  bool single_word = false;  // only where no word character stands beside it
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // takes the white space after it
  bool normalized = false;   // looked for in a second pass, between the tokens that are not
  bool special = false;      // left out by Decode(..., skip_special_tokens)
};

// Matches several strings at once, leftmost first and the longest of those: a trie over bytes.
class LiteralMatcher {
 public:
  struct Match {
    size_t begin = 0, end = 0;
    int32_t literal = -1;  // -1: none
  };

  void Add(std::string_view literal, int32_t index);  // not empty
  bool empty() const { return nodes_.size() == 1; }
  // The first match that begins at `from` or later.
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
  uint8_t only_root_ = 0;  // the root's child when it has one
};

// Cuts a text at added tokens as Hugging Face tokenizers does, including what it does where
// stripped blanks belong to two tokens.
class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  // nullptr when there is none.
  const AddedToken* FindId(int32_t id) const;
  const AddedToken* FindContent(std::string_view content) const;

  struct Segment {
    size_t begin = 0, end = 0;  // bytes of the text
    int32_t id = -1;            // of the added token, or -1: text between tokens
  };
  // Appends the segments of the text in order; none for an empty text.
  void Split(std::string_view text, std::vector<Segment>& segments) const;
  bool empty() const { return tokens_.empty(); }

 private:
  void SplitBy(const LiteralMatcher& matcher, std::string_view text, size_t offset,
               std::vector<Segment>& segments) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<int32_t, size_t> by_id_;
  std::unordered_map<std::string, size_t> by_content_;
  LiteralMatcher literal_, normalized_;  // of tokens_ without and with `normalized`
};

}  // namespace lacos
