// Regular expressions from other people's files, which behave as in the programs that wrote them:
// split patterns of tokenizer.json (Oniguruma, as in Hugging Face tokenizers) and name patterns of
// PEFT (Python's re). Neither can hang or exhaust memory.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lacos {

// Immutable after construction; all methods may be called from several threads.
class Regex {
 public:
  enum class Syntax {
    kOniguruma,  // Oniguruma's default syntax, without callouts
    kPython,     // Python's re, without flags
  };
  // Compiles a pattern. `where` is its place in messages, such as "t.json: pre_tokenizer.pattern".
  // Throws UserError for a pattern that is not valid UTF-8, is longer than kMaxPatternBytes, has
  // more than kMaxCalls group calls, or does not compile.
  Regex(std::string_view pattern, Syntax syntax, std::string where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  static constexpr size_t kMaxPatternBytes = 65536;
  // The most group calls, \g<name>, in a pattern. Oniguruma follows each call while it compiles, so
  // the time doubles with every level of nesting (60 levels never end). No tokenizer uses any.
  static constexpr size_t kMaxCalls = 16;

  struct Match {
    size_t begin = 0, end = 0;  // a range of bytes of the text; empty for an empty match
  };
  // The leftmost match that begins at or after `from`. Lookbehind sees the text before `from`.
  // `text` must be valid UTF-8, and a character must begin at from <= text.size(). Throws UserError
  // if the search backtracks more than kMaxRetries times or takes more than kMaxStack entries of
  // memory.
  std::optional<Match> Search(std::string_view text, size_t from) const;
  // Whether the pattern matches the whole text, as re.fullmatch tells. False for a text that is not
  // valid UTF-8. Throws as Search does.
  bool FullMatch(std::string_view text) const;

  // Oniguruma's own default in one attempt to match (Hugging Face tokenizers panics there), about
  // 0.1 s; ten times that in a whole search, for patterns that fail slowly at every place.
  static constexpr unsigned long kMaxRetries = 10'000'000;
  static constexpr unsigned int kMaxStack = 4'000'000;  // entries of about 40 bytes

 private:
  struct Compiled;
  std::unique_ptr<Compiled> search_;
  std::unique_ptr<Compiled> whole_;  // the pattern that ends where the text does
  std::string where_, pattern_;      // for messages
};

}  // namespace lacos
