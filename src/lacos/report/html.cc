#include "lacos/report/html.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "lacos/io/utf8.h"

namespace lacos {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

size_t CharacterSize(std::string_view text, size_t at) {
  size_t size = 1;
  while (at + size < text.size() && (static_cast<unsigned char>(text[at + size]) & 0xC0) == 0x80)
    ++size;
  return size;
}

// Embeddings and overrides, U+202A to U+202E. They could show a file's name in another order than
// it has. Marks and isolates (U+200E, U+200F, U+2066 to U+2069) end with their cell and are kept.
bool OverridesDirection(std::string_view character) {
  return character.size() == 3 && character[0] == '\xE2' && character[1] == '\x80' &&
         character[2] >= '\xAA' && character[2] <= '\xAE';
}

void AppendEscaped(std::string_view character, std::string& html) {
  const char c = character[0];
  const auto byte = static_cast<unsigned char>(c);
  const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
  if (control || OverridesDirection(character)) {
    html += kReplacement;
  } else if (c == '&') {
    html += "&amp;";
  } else if (c == '<') {
    html += "&lt;";
  } else if (c == '>') {
    html += "&gt;";
  } else if (c == '"') {
    html += "&quot;";
  } else if (c == '\'') {
    html += "&#39;";
  } else {
    html += character;
  }
}

bool IsAsciiAlphanumeric(char c) {
  return static_cast<unsigned char>(c) < 0x80 && std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t'; }

// Appends a word, which has no whitespace.
void AppendWord(std::string_view word, std::string& html) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  const bool breaks = std::ranges::count_if(word, is_start) > kLongestWord;
  constexpr int kShortestPiece = 4;
  int piece = 0;
  for (size_t at = 0; at < word.size();) {
    const size_t size = CharacterSize(word, at);
    AppendEscaped(word.substr(at, size), html);
    ++piece;
    const char c = word[at];
    at += size;
    if (!breaks || at >= word.size()) continue;
    const bool after_mark =
        static_cast<unsigned char>(c) < 0x80 && !IsAsciiAlphanumeric(c) && piece >= kShortestPiece;
    const bool in_run =
        piece >= kLongestPiece && IsAsciiAlphanumeric(c) && IsAsciiAlphanumeric(word[at]);
    if (after_mark || in_run) {
      html += "<wbr>";
      piece = 0;
    }
  }
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  const std::string valid = ReplaceInvalidUtf8(text);
  std::string html;
  for (size_t at = 0; at < valid.size();) {
    const size_t size = CharacterSize(valid, at);
    AppendEscaped(std::string_view(valid).substr(at, size), html);
    at += size;
  }
  return html;
}

std::string BreakableHtml(std::string_view text) {
  const std::string valid = ReplaceInvalidUtf8(text);
  std::string html;
  for (size_t at = 0; at < valid.size();) {
    if (IsSpace(valid[at])) {
      html += valid[at++];
      continue;
    }
    size_t end = at;
    while (end < valid.size() && !IsSpace(valid[end])) ++end;
    AppendWord(std::string_view(valid).substr(at, end - at), html);
    at = end;
  }
  return html;
}

std::string Html(const ShownText& text) { return "<bdi>" + WholeHtml(text) + "</bdi>"; }

std::string WholeHtml(const ShownText& text) {
  if (!text.has_full()) return BreakableHtml(text.text);
  return fmt::format("<span class=\"short\" title=\"{}\">{}</span>", EscapeHtml(text.full),
                     BreakableHtml(text.text));
}

std::vector<std::string> ShortNames(const std::vector<std::string>& paths) {
  std::vector<std::vector<std::string>> parts;
  for (const std::string& path : paths) {
    parts.emplace_back();
    for (size_t begin = 0; begin <= path.size();) {
      const size_t end = std::min(path.find('/', begin), path.size());
      if (end > begin && path.substr(begin, end - begin) != ".")
        parts.back().push_back(path.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  std::vector<std::string> names;
  for (size_t length = 1;; ++length) {
    names.clear();
    bool longer = false;
    for (const auto& words : parts) {
      const size_t from = words.size() > length ? words.size() - length : 0;
      longer = longer || from > 0;
      names.push_back(fmt::format(
          "{}", fmt::join(words.begin() + static_cast<std::ptrdiff_t>(from), words.end(), "/")));
    }
    // Two names may be equal only where the paths are.
    std::map<std::string, size_t> first;
    bool distinct = true;
    for (size_t i = 0; i < names.size(); ++i) {
      const auto [found, is_new] = first.emplace(names[i], i);
      distinct = distinct && (is_new || parts[i] == parts[found->second]);
    }
    if (!longer || distinct) break;
  }
  // Names of folders that were given more than once.
  std::map<std::string, int> seen;
  for (std::string& name : names) {
    if (const int count = ++seen[name]; count > 1) name += fmt::format(" ({})", count);
  }
  return names;
}

NamesOfPaths::NamesOfPaths(std::vector<std::string> paths) {
  std::erase_if(paths, [](const std::string& path) { return path.find('/') == path.npos; });
  std::ranges::sort(paths);
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  const std::vector<std::string> names = ShortNames(paths);
  for (size_t i = 0; i < paths.size(); ++i) short_names_.emplace_back(paths[i], names[i]);
}

ShownText NamesOfPaths::operator()(const std::string& path, const std::string& rest) const {
  const auto found =
      std::ranges::find(short_names_, path, &std::pair<std::string, std::string>::first);
  if (found == short_names_.end() || found->second.empty()) return path + rest;
  return {found->second + rest, path + rest};
}

}  // namespace lacos
