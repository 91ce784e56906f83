#include "lacos/text/splitter.h"

#include <algorithm>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/text/utf8.h"

namespace lacos {
namespace {

// Visits all matches in turn. After a match, an empty match at its end does not count, and the
// search goes on one character later. The package's binding of Oniguruma does the same.
template <class F>
void ForEachRegexMatch(const Regex& regex, std::string_view text, F&& f) {
  size_t from = 0, last_end = std::string_view::npos;
  while (from <= text.size()) {
    const std::optional<Regex::Match> match = regex.Search(text, from);
    if (!match) return;
    if (match->begin == match->end && match->end == last_end) {
      from += from < text.size() ? DecodeUtf8(text, from).length : 1;
      continue;
    }
    f(match->begin, match->end);
    from = last_end = match->end;
  }
}

template <class F>
void ForEachLiteral(std::string_view literal, std::string_view text, F&& f) {
  for (size_t at = text.find(literal); at != std::string_view::npos;
       at = text.find(literal, at + literal.size())) {
    f(at, at + literal.size());
  }
}

template <class F>
void ForEachOfClass(UnicodeClass wanted, std::string_view text, F&& f) {
  const UnicodeTable& unicode = UnicodeTable::Get();
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = DecodeUtf8(text, i);
    if (unicode.Classes(point.value) & wanted) f(i, i + point.length);
    i += point.length;
  }
}

// `\w+|[^\w\s]+`
template <class F>
void ForEachWordRun(std::string_view text, F&& f) {
  const UnicodeTable& unicode = UnicodeTable::Get();
  const auto kind_at = [&](size_t i, int& length) {
    const CodePoint point = DecodeUtf8(text, i);
    length = point.length;
    const uint8_t classes = unicode.Classes(point.value);
    return classes & kWordClass ? 'w' : classes & kSpaceClass ? 's' : 'o';
  };
  for (size_t i = 0; i < text.size();) {
    int length = 0;
    const char kind = kind_at(i, length);
    const size_t begin = i;
    do {
      i += length;
    } while (i < text.size() && kind_at(i, length) == kind);
    if (kind != 's') f(begin, i);
  }
}

}  // namespace

Splitter::Splitter(Pattern pattern, SplitBehavior behavior, bool invert)
    : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {
  LACOS_CHECK(!scanner() || (behavior == SplitBehavior::kIsolated && !invert),
              "a scanner isolates its matches");
}

template <class F>
void Splitter::ForEachMatch(std::string_view piece, F&& f) const {
  if (const auto* wanted = std::get_if<OfClass>(&pattern_)) {
    ForEachOfClass(wanted->wanted, piece, f);
  } else if (std::holds_alternative<WordRuns>(pattern_)) {
    ForEachWordRun(piece, f);
  } else if (const auto* literal = std::get_if<Literal>(&pattern_)) {
    ForEachLiteral(literal->text, piece, f);
  } else {
    ForEachRegexMatch(*std::get<std::shared_ptr<const Regex>>(pattern_), piece, f);
  }
}

void Splitter::FindStretches(std::string_view piece,
                             std::vector<Workspace::Stretch>& stretches) const {
  stretches.clear();
  size_t done = 0;
  ForEachMatch(piece, [&](size_t begin, size_t end) {
    if (done != begin) stretches.push_back({done, begin, invert_});
    stretches.push_back({begin, end, !invert_});
    done = end;
  });
  if (done != piece.size()) stretches.push_back({done, piece.size(), invert_});
}

void Splitter::AppendPieces(size_t offset, Workspace& w) const {
  const auto append = [&](size_t begin, size_t end) {
    if (begin < end) w.pieces.push_back({offset + begin, offset + end});
  };
  const size_t n = w.stretches.size();
  // Whether a stretch joins the group before it or begins a new one. Each behavior has its own
  // rule.
  const auto joins = [&](size_t i) {
    const bool match = w.stretches[i].match;
    switch (behavior_) {
      case SplitBehavior::kContiguous:
        return match == w.stretches[i - 1].match;
      case SplitBehavior::kMergedWithPrevious:
        return match && !w.stretches[i - 1].match;
      // seen from the end of the text, a match joins the stretch after it, which is not a match
      case SplitBehavior::kMergedWithNext:
        return w.stretches[i - 1].match && !match;
      default:
        return false;
    }
  };
  for (size_t i = 0; i < n;) {
    size_t end = i + 1;
    while (end < n && joins(end)) ++end;
    const bool removed = behavior_ == SplitBehavior::kRemoved && w.stretches[i].match;
    if (!removed) append(w.stretches[i].begin, w.stretches[end - 1].end);
    i = end;
  }
}

void Splitter::Split(std::string_view text, std::vector<PieceRange>& pieces, Workspace& w) const {
  w.pieces.clear();
  for (const PieceRange& range : pieces) {
    const std::string_view piece = text.substr(range.begin, range.end - range.begin);
    if (const SplitPattern* pattern = scanner()) {
      ForEachPiece(*pattern, piece, [&](std::string_view part) {
        const size_t begin = static_cast<size_t>(part.data() - text.data());
        w.pieces.push_back({begin, begin + part.size()});
      });
      continue;
    }
    FindStretches(piece, w.stretches);
    AppendPieces(range.begin, w);
  }
  pieces.swap(w.pieces);
}

}  // namespace lacos
