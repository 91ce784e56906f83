#include "lacos/text/regex_unicode.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>

namespace lacos {
namespace {

struct ClassChange {
  std::string_view spellings;       // names of the class, with a space before and after each
  std::string_view added, removed;  // characters, as they are written inside a class
};

constexpr ClassChange kChanges[] = {
#include "lacos/text/regex_unicode.inc"
};

// `spelling` is the name of a property in lower case without spaces, '-' and '_', or it is a class
// such as "[:alpha:]" or "\\w".
const ClassChange* ChangeOf(const std::string& spelling) {
  const std::string key = " " + spelling + " ";
  for (const ClassChange& change : kChanges) {
    if (change.spellings.find(key) != std::string_view::npos) return &change;
  }
  return nullptr;
}

const ClassChange* ChangeOfProperty(std::string_view name) {
  std::string key;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_') continue;
    key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return key.empty() ? nullptr : ChangeOf(key);
}

// The class `original` of the older library with its changes applied, in a form that may stand
// inside another class.
std::string Changed(std::string_view original, const ClassChange& change, bool negated) {
  std::string result = negated ? "[^" : "[";
  result.append(original).append(change.added);
  if (!change.removed.empty()) result.append("&&[^").append(change.removed).append("]");
  return result + "]";
}

// The same for use outside a class. It must not be put into a class there: outside, the library
// takes \w of Latin-1 from another table (in which U+00B2 is a word character), and (?i) does not
// fold the case of a property.
std::string ChangedOutside(std::string_view original, const ClassChange& change, bool negated) {
  const std::string_view in = negated ? change.removed : change.added;
  const std::string_view out = negated ? change.added : change.removed;
  std::string result = "(?:";
  if (!out.empty()) result.append("(?![").append(out).append("])");
  result.append(original);
  if (!in.empty()) result.append("|[").append(in).append("]");
  return result + ")";
}

// Whether (?W), (?D) or (?P) makes classes ASCII in a part of the pattern. No published pattern has
// them, and such a pattern is left unchanged.
bool HasAsciiOption(std::string_view pattern) {
  for (size_t at = pattern.find("(?"); at != std::string_view::npos;
       at = pattern.find("(?", at + 1)) {
    for (size_t i = at + 2; i < pattern.size(); ++i) {
      const char c = pattern[i];
      if (c == 'W' || c == 'D' || c == 'P' || c == 'S') return true;
      if (!std::isalpha(static_cast<unsigned char>(c)) && c != '-') break;
    }
  }
  return false;
}

class Rewriter {
 public:
  explicit Rewriter(std::string_view pattern) : pattern_(pattern) {}

  std::string Run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        Escape();
      } else if (pattern_.substr(at_).starts_with("(?#") && depth_ == 0) {
        Copy(std::min(pattern_.find(')', at_), pattern_.size() - 1) + 1 - at_);
      } else if (c == '[' && !(depth_ > 0 && PosixBracket())) {
        OpenClass();
      } else {
        if (c == ']' && depth_ > 0) --depth_;
        Copy(1);
      }
    }
    return std::move(result_);
  }

 private:
  void Copy(size_t length) {
    result_.append(pattern_.substr(at_, length));
    at_ += length;
  }

  void Replace(size_t length, const std::string& replacement) {
    result_.append(replacement);
    at_ += length;
  }

  void OpenClass() {
    ++depth_;
    Copy(1);
    if (pattern_.substr(at_).starts_with("^")) Copy(1);
    // the first character of a class does not close it
    if (pattern_.substr(at_).starts_with("]")) Copy(1);
  }

  // Handles [:name:] or [:^name:] inside a class.
  bool PosixBracket() {
    const std::string_view rest = pattern_.substr(at_);
    if (!rest.starts_with("[:")) return false;
    const size_t end = rest.find(":]");
    if (end == std::string_view::npos || end > 20) return false;
    std::string_view name = rest.substr(2, end - 2);
    const bool negated = name.starts_with("^");
    if (negated) name.remove_prefix(1);
    if (name.empty() ||
        !std::all_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; })) {
      return false;
    }
    const std::string spelling = "[:" + std::string(name) + ":]";
    const ClassChange* change = ChangeOf(spelling);
    if (change) {
      Replace(end + 2, Changed(spelling, *change, negated));
    } else {
      Copy(end + 2);
    }
    return true;
  }

  void Escape() {
    const std::string_view rest = pattern_.substr(at_);
    const char c = rest.size() > 1 ? rest[1] : '\0';
    if ((c == 'p' || c == 'P') && rest.size() > 2 && rest[2] == '{') return Property(c == 'P');
    if (c == 'w' || c == 'W') return Short("\\w", c == 'W');
    if (c == 'd' || c == 'D') return Short("\\d", c == 'D');
    if (c == 's' || c == 'S') return Short("\\s", c == 'S');
    if (c == 'h' || c == 'H') return Short("\\h", c == 'H');
    if ((c == 'b' || c == 'B') && depth_ == 0) return Boundary(c == 'B');
    Copy(std::min<size_t>(2, rest.size()));
  }

  void Property(bool negated) {
    const std::string_view rest = pattern_.substr(at_);
    const size_t end = rest.find('}');
    std::string_view name = rest.substr(3, end == std::string_view::npos ? end : end - 3);
    if (name.starts_with("^")) {
      name.remove_prefix(1);
      negated = !negated;
    }
    const ClassChange* change = end == std::string_view::npos ? nullptr : ChangeOfProperty(name);
    if (!change) return Copy(2);
    Replace(end + 1, depth_ > 0 ? Changed("\\p{" + std::string(name) + "}", *change, negated)
                                : ChangedOutside(rest.substr(0, end + 1), *change, negated));
  }

  void Short(const std::string& spelled, bool negated) {
    const ClassChange* change = ChangeOf(spelled);
    if (!change) return Copy(2);
    const std::string_view original = pattern_.substr(at_, 2);
    Replace(2, depth_ > 0 ? Changed(spelled, *change, negated)
                          : ChangedOutside(original, *change, negated));
  }

  void Boundary(bool negated) {
    const ClassChange* change = ChangeOf("\\w");
    if (!change || pattern_.substr(at_ + 2).starts_with("{")) {
      return Copy(2);  // \b{...} means something else
    }
    const std::string word = ChangedOutside("\\w", *change, false);
    const std::string after = "(?<=" + word + ")", not_after = "(?<!" + word + ")";
    const std::string before = "(?=" + word + ")", not_before = "(?!" + word + ")";
    Replace(2, negated ? "(?:" + after + before + "|" + not_after + not_before + ")"
                       : "(?:" + after + not_before + "|" + not_after + before + ")");
  }

  std::string_view pattern_;
  size_t at_ = 0;
  int depth_ = 0;  // how many classes are open
  std::string result_;
};

}  // namespace

std::string WithCurrentUnicode(std::string_view pattern) {
  return HasAsciiOption(pattern) ? std::string(pattern) : Rewriter(pattern).Run();
}

}  // namespace lacos
