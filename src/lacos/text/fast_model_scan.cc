#include "lacos/text/fast_model_scan.h"

#include <cstdint>

#include "lacos/io/utf8.h"

namespace lacos {
namespace {

// A cursor over JSON text. Each method returns false if the text is not what it expects; then the
// cursor must not be used any more.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  size_t position() const { return at_; }
  bool AtEnd() const { return at_ == text_.size(); }

  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  // Skips whitespace, and then the given character if it is there.
  bool Take(char c) {
    SkipSpace();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Reads a string. `value` is valid until the next call with the same buffer.
  bool String(std::string& buffer, std::string_view& value) {
    if (!Take('"')) return false;
    const size_t begin = at_;
    while (at_ < text_.size() && IsPlain(text_[at_])) ++at_;
    if (at_ < text_.size() && text_[at_] == '"') {
      value = text_.substr(begin, at_++ - begin);
      return true;
    }
    buffer.assign(text_.substr(begin, at_ - begin));
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        ++at_;
        if (!Escape(buffer)) return false;
      } else if (IsPlain(text_[at_])) {
        buffer.push_back(text_[at_++]);
      } else {
        return false;
      }
    }
    if (AtEnd()) return false;
    ++at_;
    value = buffer;
    return true;
  }
  // Reads an integer of at most 9 digits without sign. No id has more digits.
  bool Id(int32_t& id) {
    SkipSpace();
    const size_t begin = at_;
    id = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - begin < 9)
      id = 10 * id + (text_[at_++] - '0');
    const bool leading_zero = text_.substr(begin, 1) == "0" && at_ - begin > 1;
    const bool more =
        at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] > ' ';
    return at_ > begin && !leading_zero && !more;
  }
  // Skips any value, looking at its inside only as far as needed to find its end.
  bool SkipValue() {
    int depth = 0;
    do {
      SkipSpace();
      if (AtEnd()) return false;
      const char c = text_[at_];
      if (c == '"') {
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) at_ += text_[at_] == '\\';
        if (at_ >= text_.size()) return false;
        ++at_;
      } else {
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        ++at_;
        if (depth == 0 && c != '}' && c != ']') {  // the end of a number or a word
          while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ']')
            ++at_;
        }
      }
    } while (depth > 0);
    return depth == 0;
  }

 private:
  static bool IsPlain(char c) { return static_cast<uint8_t>(c) >= 0x20 && c != '"' && c != '\\'; }

  bool Escape(std::string& buffer) {
    if (AtEnd()) return false;
    const char c = text_[at_++];
    constexpr std::string_view kShort = "\"\\/bfnrt", kMeaning = "\"\\/\b\f\n\r\t";
    if (const size_t i = kShort.find(c); i != std::string_view::npos) {
      buffer.push_back(kMeaning[i]);
      return true;
    }
    uint32_t unit = 0;
    // Surrogates (for characters above U+FFFF) are in no byte-level vocabulary, so they are left to
    // the general parser.
    if (c != 'u' || !HexUnit(unit) || (unit >= 0xD800 && unit <= 0xDFFF)) return false;
    AppendUtf8(unit, buffer);
    return true;
  }
  bool HexUnit(uint32_t& unit) {
    if (text_.size() - at_ < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      unit = unit << 4 | static_cast<uint32_t>(digit);
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

struct Range {
  size_t begin = 0, end = 0;
};

// Calls f(key, cursor) for each member of the object at the cursor. f reads the value.
template <class F>
bool ForEachMember(Cursor& cursor, const F& f) {
  if (!cursor.Take('{')) return false;
  if (cursor.Take('}')) return true;
  std::string buffer;
  std::string_view key;
  do {
    if (!cursor.String(buffer, key) || !cursor.Take(':') || !f(key)) return false;
  } while (cursor.Take(','));
  return cursor.Take('}');
}

bool FindRanges(std::string_view text, Range& vocab, Range& merges) {
  Cursor cursor(text);
  const auto record = [&](Range& range) {
    if (range.end > 0) return false;  // the key occurs twice
    cursor.SkipSpace();
    range.begin = cursor.position();
    if (!cursor.SkipValue()) return false;
    range.end = cursor.position();
    return true;
  };
  bool model = false;
  const bool read = ForEachMember(cursor, [&](std::string_view key) {
    if (key != "model") return cursor.SkipValue();
    if (model) return false;
    model = true;
    return ForEachMember(cursor, [&](std::string_view part) {
      if (part == "vocab") return record(vocab);
      if (part == "merges") return record(merges);
      return cursor.SkipValue();
    });
  });
  return read && vocab.end > 0 && merges.end > 0;
}

bool ReadVocab(std::string_view text, Vocabulary& vocabulary) {
  // an entry takes 20 to 30 bytes in the file
  vocabulary.Reserve(text.size() / 24, text.size() / 2);
  Cursor cursor(text);
  return ForEachMember(cursor,
                       [&](std::string_view token) {
                         // The token is in the text or in the key's buffer, and neither changes
                         // while the id is read.
                         int32_t id = 0;
                         return cursor.Id(id) && id <= Vocabulary::kMaxId &&
                                vocabulary.Add(token, id) == Vocabulary::AddResult::kAdded;
                       }) &&
         cursor.AtEnd();
}

// Reads merges in either of the two spellings, `["a", "b"]` and `"a b"`. A file uses one of them.
bool ReadMergeList(std::string_view text, const Vocabulary& vocabulary,
                   std::vector<BpeMerge>& merges) {
  Cursor cursor(text);
  if (!cursor.Take('[')) return false;
  if (cursor.Take(']')) return cursor.AtEnd();
  std::string left_buffer, right_buffer;
  std::string_view left, right;
  const bool pairs = cursor.Take('[');
  int32_t guess = -1;  // the results of merges mostly have consecutive ids
  bool first = true;
  do {
    if (pairs) {
      if (!first && !cursor.Take('[')) return false;
      if (!cursor.String(left_buffer, left) || !cursor.Take(',') ||
          !cursor.String(right_buffer, right) || !cursor.Take(']')) {
        return false;
      }
    } else {
      if (!cursor.String(left_buffer, left)) return false;
      if (left.starts_with("#version")) continue;
      const size_t blank = left.find(' ');
      if (blank == std::string_view::npos) return false;
      right = left.substr(blank + 1);
      left = left.substr(0, blank);
      if (right.find(' ') != std::string_view::npos) return false;
    }
    first = false;
    BpeMerge merge{vocabulary.Find(left), vocabulary.Find(right), -1};
    if (vocabulary.Has(guess) && vocabulary.String(guess).size() == left.size() + right.size() &&
        vocabulary.String(guess).starts_with(left) && vocabulary.String(guess).ends_with(right)) {
      merge.result = guess;
    } else {
      merge.result = vocabulary.Find(left, right);
    }
    if (merge.left < 0 || merge.right < 0 || merge.result < 0) return false;
    guess = merge.result + 1;
    merges.push_back(merge);
  } while (cursor.Take(','));
  return cursor.Take(']') && cursor.AtEnd();
}

}  // namespace

std::optional<FastModel> ScanModel(std::string_view text) {
  FastModel model;
  Range vocab, merges;
  if (!FindRanges(text, vocab, merges)) return std::nullopt;
  const auto part = [&](const Range& range) {
    return text.substr(range.begin, range.end - range.begin);
  };
  if (!IsValidUtf8(part(vocab)) || !IsValidUtf8(part(merges))) return std::nullopt;
  if (!ReadVocab(part(vocab), model.spec.vocabulary)) return std::nullopt;
  if (!ReadMergeList(part(merges), model.spec.vocabulary, model.spec.merges)) return std::nullopt;
  const bool vocab_first = vocab.begin < merges.begin;
  const Range& one = vocab_first ? vocab : merges;
  const Range& two = vocab_first ? merges : vocab;
  model.rest.append(text.substr(0, one.begin)).append(vocab_first ? "{}" : "[]");
  model.rest.append(text.substr(one.end, two.begin - one.end)).append(vocab_first ? "[]" : "{}");
  model.rest.append(text.substr(two.end));
  return model;
}

}  // namespace lacos
