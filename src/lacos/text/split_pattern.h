// The two regular expressions that cut text into words before BPE, BLOOM's and GPT-2's, as
// hand-written scanners.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "lacos/text/unicode_classes.h"

namespace lacos {

enum class SplitPattern {
  // ` ?[^(\s|[.,!?…。，、।۔،])]+`. Oniguruma reads the nested class as: one optional blank, then a run
  // of characters that are neither white space nor one of `! ( ) , . ? |` U+060C U+06D4 U+0964
  // U+2026 U+3001 U+3002 U+FF0C.
  kBloom,
  // `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, what ByteLevel's
  // use_regex means.
  kGpt2,
};

// The pattern that a tokenizer.json spells so, or nothing.
std::optional<SplitPattern> SplitPatternOf(std::string_view regex);

// Both give the end of the piece that begins at text[begin]: a match, or the whole stretch between
// two matches (behavior "Isolated"). begin < text.size(); pieces follow one another without gaps.
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
