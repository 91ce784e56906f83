#include "lacos/text/regex.h"

#include <fmt/format.h>
#include <oniguruma.h>

#include <climits>
#include <mutex>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/io/utf8.h"
#include "lacos/text/regex_unicode.h"

namespace lacos {
namespace {

const OnigUChar* Bytes(std::string_view text) {
  return reinterpret_cast<const OnigUChar*>(text.data() ? text.data() : "");
}

// A pattern as messages show it: quoted, escaped and shortened.
std::string QuotedPattern(std::string_view pattern) {
  return pattern.size() <= 120 ? Json(pattern).Dump() : fmt::format("of {} bytes", pattern.size());
}

// The number of group calls in either syntax. They are counted by their spelling, so escaped ones
// count too.
size_t CountCalls(std::string_view pattern) {
  size_t calls = 0;
  for (const std::string_view spelling : {"\\g<", "\\g'", "(?P>", "(?&", "(?R"}) {
    for (size_t at = 0; (at = pattern.find(spelling, at)) != std::string_view::npos;
         at += spelling.size())
      ++calls;
  }
  return calls;
}

// Serializes compiling, because Oniguruma builds its tables on first use and writes to shared ones.
std::mutex& CompileMutex() {
  static std::mutex mutex;
  return mutex;
}

struct Syntaxes {
  OnigSyntaxType oniguruma, python;
  Syntaxes() {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    onig_initialize(encodings, 1);
    // Callouts run code by name, and may fail or end a match by count. No tokenizer uses them.
    const auto without_callouts = [](const OnigSyntaxType* from) {
      OnigSyntaxType syntax = *from;
      onig_set_syntax_op2(
          &syntax, onig_get_syntax_op2(&syntax) & ~(ONIG_SYN_OP2_QMARK_BRACE_CALLOUT_CONTENTS |
                                                    ONIG_SYN_OP2_ASTERISK_CALLOUT_NAME));
      return syntax;
    };
    oniguruma = without_callouts(ONIG_SYNTAX_ONIGURUMA);
    python = without_callouts(ONIG_SYNTAX_PYTHON);
  }
};

// The memory that a search writes to: its limits and the position of the match. Each thread has
// one.
struct SearchState {
  OnigMatchParam* limits = onig_new_match_param();
  OnigRegion* region = onig_region_new();
  SearchState() {
    if (!limits || !region) throw std::bad_alloc();
    onig_initialize_match_param(limits);
    onig_set_match_stack_limit_size_of_match_param(limits, Regex::kMaxStack);
    onig_set_retry_limit_in_match_of_match_param(limits, Regex::kMaxRetries);
    onig_set_retry_limit_in_search_of_match_param(limits, 10 * Regex::kMaxRetries);
  }
  ~SearchState() {
    onig_free_match_param(limits);
    onig_region_free(region, 1);
  }
  SearchState(const SearchState&) = delete;
  SearchState& operator=(const SearchState&) = delete;
};

}  // namespace

struct Regex::Compiled {
  OnigRegex regex = nullptr;
  std::string error;  // the reason, if regex is nullptr

  Compiled(std::string_view pattern, Syntax syntax) {
    const std::lock_guard lock(CompileMutex());
    static Syntaxes syntaxes;
    OnigErrorInfo info;
    const int result =
        onig_new(&regex, Bytes(pattern), Bytes(pattern) + pattern.size(), ONIG_OPTION_NONE,
                 ONIG_ENCODING_UTF8,
                 syntax == Syntax::kPython ? &syntaxes.python : &syntaxes.oniguruma, &info);
    if (result == ONIG_NORMAL) return;
    OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
    const int length = onig_error_code_to_str(message, result, &info);
    error.assign(reinterpret_cast<const char*>(message), static_cast<size_t>(length));
    error = ReplaceInvalidUtf8(error);
    if (regex) onig_free(regex);
    regex = nullptr;
  }
  ~Compiled() {
    if (regex) onig_free(regex);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
};

Regex::Regex(std::string_view pattern, Syntax syntax, std::string where)
    : where_(std::move(where)), pattern_(QuotedPattern(pattern)) {
  const auto refuse = [&](std::string_view fault) {
    throw UserError(fmt::format(
        "[{}] found the pattern {}: {}; expected a regular expression of {}; correct the file",
        where_, pattern_, fault,
        syntax == Syntax::kPython ? "Python's re"
                                  : "Oniguruma, as Hugging Face tokenizers "
                                    "reads it"));
  };
  if (pattern.size() > kMaxPatternBytes)
    refuse(fmt::format("longer than {} bytes", kMaxPatternBytes));
  if (!IsValidUtf8(pattern)) refuse("not valid UTF-8");
  if (CountCalls(pattern) > kMaxCalls)
    refuse(fmt::format("more than {} calls of groups", kMaxCalls));
  // Python patterns serve for names of modules, which are ASCII.
  std::string used = syntax == Syntax::kPython ? std::string(pattern) : WithCurrentUnicode(pattern);
  search_ = std::make_unique<Compiled>(used, syntax);
  if (!search_->regex) {
    used = pattern;  // so that the message shows the pattern in the file
    search_ = std::make_unique<Compiled>(used, syntax);
    if (!search_->regex) refuse(search_->error);
  }
  // The pattern is valid by itself, so it cannot close the group from inside. The line break ends a
  // comment under (?x). Python spells the end of the text \Z.
  const char* end = syntax == Syntax::kPython ? ")\\Z" : ")\\z";
  for (const char* before : {"", "\n"}) {
    whole_ = std::make_unique<Compiled>("(?:" + used + before + end, syntax);
    if (whole_->regex) return;
  }
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

namespace {

std::optional<Regex::Match> Run(const OnigRegex regex, std::string_view text, size_t from,
                                bool only_at_from, const std::string& where,
                                const std::string& pattern) {
  thread_local SearchState state;
  if (text.size() > INT_MAX) {
    throw UserError(
        fmt::format("[{}] found a text of {} bytes; expected at most {}; split the text", where,
                    text.size(), INT_MAX));
  }
  const OnigUChar* begin = Bytes(text);
  const OnigUChar* end = begin + text.size();
  const int result = only_at_from
                         ? onig_match_with_param(regex, begin, end, begin + from, state.region,
                                                 ONIG_OPTION_NONE, state.limits)
                         : onig_search_with_param(regex, begin, end, begin + from, end,
                                                  state.region, ONIG_OPTION_NONE, state.limits);
  if (result >= 0) {
    return Regex::Match{static_cast<size_t>(state.region->beg[0]),
                        static_cast<size_t>(state.region->end[0])};
  }
  if (result == ONIG_MISMATCH) return std::nullopt;
  OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
  const int length = onig_error_code_to_str(message, result);
  throw UserError(fmt::format(
      "[{}] found that the pattern {} cannot be searched for in a text of {} bytes: {}; expected at "
      "most {} steps back and {} entries of memory; use a simpler pattern or shorter texts",
      where, pattern, text.size(),
      std::string_view(reinterpret_cast<const char*>(message), static_cast<size_t>(length)),
      Regex::kMaxRetries, Regex::kMaxStack));
}

}  // namespace

std::optional<Regex::Match> Regex::Search(std::string_view text, size_t from) const {
  return Run(search_->regex, text, from, false, where_, pattern_);
}

bool Regex::FullMatch(std::string_view text) const {
  if (!IsValidUtf8(text) || !whole_->regex) return false;
  const std::optional<Match> match = Run(whole_->regex, text, 0, true, where_, pattern_);
  return match && match->begin == 0 && match->end == text.size();
}

}  // namespace lacos
