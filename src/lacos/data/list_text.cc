#include "lacos/data/list_text.h"

#include <charconv>
#include <cstdint>

#include "lacos/io/utf8.h"

namespace lacos {
namespace {

std::string_view TrimList(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Reads a list from left to right. Each function returns false if the text is no such list.
class ListParser {
 public:
  explicit ListParser(std::string_view text) : rest_(text) {}

  bool Parse(std::vector<std::string>& strings) {
    if (!Take('[')) return false;
    if (Take(']')) return rest_.empty();
    while (true) {
      if (!ParseString(strings.emplace_back())) return false;
      if (Take(']')) return rest_.empty();
      if (!Take(',')) return false;
    }
  }

 private:
  // Skips blanks, then takes the character if it is the next one.
  bool Take(char c) {
    rest_ = TrimList(rest_);
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool ParseString(std::string& text) {
    rest_ = TrimList(rest_);
    if (!rest_.starts_with('\'') && !rest_.starts_with('"')) return false;
    const char quote = rest_.front();
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == quote) return true;
      if (c != '\\') {
        text += c;
      } else if (!ParseEscape(text)) {
        return false;
      }
    }
    return false;
  }

  bool ParseEscape(std::string& text) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    constexpr std::string_view kNames = "\\'\"/bfnrtav", kValues = "\\'\"/\b\f\n\r\t\a\v";
    if (const size_t at = kNames.find(c); at != std::string_view::npos) {
      text += kValues[at];
      return true;
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t code = 0;
    if (digits == 0 || !ParseHex(digits, code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {  // the first half of a pair, as JSON writes it
      uint32_t low = 0;
      if (!rest_.starts_with("\\u")) return false;
      rest_.remove_prefix(2);
      if (!ParseHex(4, low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    AppendUtf8(code, text);
    return true;
  }

  bool ParseHex(size_t digits, uint32_t& code) {
    if (rest_.size() < digits) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + digits, code, 16);
    if (error != std::errc() || end != rest_.data() + digits) return false;
    rest_.remove_prefix(digits);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::vector<std::string>> ParseListText(std::string_view cell) {
  cell = TrimList(cell);
  if (!cell.starts_with('[')) return std::nullopt;
  std::vector<std::string> strings;
  if (!ListParser(cell).Parse(strings)) return std::nullopt;
  return strings;
}

bool LooksLikeList(std::string_view cell) {
  cell = TrimList(cell);
  if (cell.size() < 4) return false;
  const bool encloses =
      (cell.front() == '[' && cell.back() == ']') || (cell.front() == '{' && cell.back() == '}');
  if (!encloses) return false;
  const std::string_view inside = TrimList(cell.substr(1, cell.size() - 2));
  return inside.starts_with('\'') || inside.starts_with('"');
}

}  // namespace lacos
