// One step of a pre-tokenizer, which splits pieces of text at the matches of a pattern. It does
// what Split, Digits, Punctuation, Whitespace, WhitespaceSplit and CharDelimiterSplit do in Hugging
// Face tokenizers.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lacos/text/regex.h"
#include "lacos/text/split_pattern.h"
#include "lacos/text/unicode_classes.h"

namespace lacos {

// A range of bytes of a text, with begin < end.
struct PieceRange {
  size_t begin = 0, end = 0;
};

// What happens to the matches.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

class Splitter {
 public:
  // Every character of a class is a match.
  struct OfClass {
    UnicodeClass wanted;
  };
  // Runs of word characters, and runs of characters that are neither word characters nor
  // whitespace.
  struct WordRuns {};
  // An exact text that is not empty.
  struct Literal {
    std::string text;
  };
  using Pattern =
      std::variant<SplitPattern, OfClass, WordRuns, Literal, std::shared_ptr<const Regex>>;

  // With `invert` the text between the matches counts as the matches. A SplitPattern needs
  // kIsolated.
  Splitter(Pattern pattern, SplitBehavior behavior, bool invert);

  // The hand-written scanner that does the whole step, or nullptr.
  const SplitPattern* scanner() const { return std::get_if<SplitPattern>(&pattern_); }
  // Whether Split needs valid UTF-8.
  bool needs_valid_utf8() const {
    return std::holds_alternative<std::shared_ptr<const Regex>>(pattern_);
  }

  // Memory for one call at a time.
  struct Workspace {
    struct Stretch {
      size_t begin, end;
      bool match;
    };
    std::vector<Stretch> stretches;
    std::vector<PieceRange> pieces;
  };
  // Replaces each piece of `text` by the pieces into which it is split. The pattern sees one piece
  // at a time. Throws what Regex::Search throws.
  void Split(std::string_view text, std::vector<PieceRange>& pieces, Workspace& workspace) const;

 private:
  template <class F>
  void ForEachMatch(std::string_view piece, F&& f) const;
  // Divides the piece, from its first byte to its last, into matches and the text between them.
  void FindStretches(std::string_view piece, std::vector<Workspace::Stretch>& stretches) const;
  void AppendPieces(size_t offset, Workspace& workspace) const;

  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

}  // namespace lacos
