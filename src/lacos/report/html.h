// Texts in HTML: escaped, with places where long words may break, and with a longer form on hover.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lacos {

// Escapes text for use between tags and in quoted attributes. Invalid UTF-8, control characters,
// and characters that override the direction of the text after them become U+FFFD.
std::string EscapeHtml(std::string_view text);

// EscapeHtml with <wbr> in words of more than kLongestWord characters, such as paths, hashes and
// addresses: after punctuation, and after kLongestPiece ASCII letters and digits. Other words do not
// break.
inline constexpr int kLongestWord = 24, kLongestPiece = 16;
std::string BreakableHtml(std::string_view text);

// A text, and the longer form that it stands for, such as a file's name and its path. The longer
// form is empty where it is the same.
struct ShownText {
  ShownText(std::string short_form) : text(std::move(short_form)) {}  // NOLINT(google-explicit-*)
  ShownText(const char* short_form) : text(short_form) {}             // NOLINT(google-explicit-*)
  ShownText(std::string short_form, std::string full_form)
      : text(std::move(short_form)), full(std::move(full_form)) {}

  bool has_full() const { return !full.empty() && full != text; }
  std::string text, full;
};

// The text as BreakableHtml, with its longer form on hover. In a line with other texts it is isolated
// from their direction; a text that fills an element needs that not.
std::string Html(const ShownText& text);
std::string WholeHtml(const ShownText& text);

// As much of the end of each path as distinguishes it from the others: "a/eval" and "b/eval" where
// "eval" is the name of both. Paths that are given more than once get " (2)" and so on.
std::vector<std::string> ShortNames(const std::vector<std::string>& paths);

// Names of test sets or files, which may be paths. Each one is shown as its short name, with the
// path on hover.
class NamesOfPaths {
 public:
  explicit NamesOfPaths(std::vector<std::string> paths);
  // The short name of one of the paths, with `rest` after it; a name that is no path stays whole.
  ShownText operator()(const std::string& path, const std::string& rest = "") const;

 private:
  std::vector<std::pair<std::string, std::string>> short_names_;  // path and short name
};

}  // namespace lacos
