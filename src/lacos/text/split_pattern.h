// Hand-written scanners for the two regular expressions, BLOOM's and GPT-2's, that split text into
// words before BPE.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "lacos/text/unicode_classes.h"

namespace lacos {

enum class SplitPattern {
  // ` ?[^(\s|[.,!?…。，、।۔،])]+`. Oniguruma reads this as one optional space, then a run of
  // characters that are neither whitespace nor one of `! ( ) , . ? |` U+060C U+06D4 U+0964 U+2026
  // U+3001 U+3002 U+FF0C.
  kBloom,
  // `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`. This is the
  // pattern of ByteLevel's use_regex.
  kGpt2,
};

// The pattern that a tokenizer.json spells as `regex`, or nothing.
std::optional<SplitPattern> SplitPatternOf(std::string_view regex);

// Both functions return the end of the piece that begins at text[begin]. A piece is a match, or the
// whole text between two matches (behavior "Isolated"). Pieces follow one another without gaps.
// begin < text.size().
size_t BloomPieceEnd(std::string_view text, size_t begin);
size_t Gpt2PieceEnd(std::string_view text, size_t begin, const UnicodeTable& unicode);

// Calls f(piece) for each piece of the text in turn.
template <class F>
void ForEachPiece(SplitPattern pattern, std::string_view text, F&& f) {
  if (pattern == SplitPattern::kBloom) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = BloomPieceEnd(text, begin);
      f(text.substr(begin, end - begin));
      begin = end;
    }
    return;
  }
  const UnicodeTable& unicode = UnicodeTable::Get();
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = Gpt2PieceEnd(text, begin, unicode);
    f(text.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace lacos
