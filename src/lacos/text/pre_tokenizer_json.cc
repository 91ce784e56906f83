// The "pre_tokenizer" of a tokenizer.json, which splits text into words.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "lacos/text/spec_errors.h"
#include "lacos/text/tokenizer_spec.h"

namespace lacos {
namespace {

// Limits on the number of steps and on the total size of patterns in one file. Compiling a pattern
// takes up to 0.1 ms a byte, and splitting takes time for every step.
constexpr size_t kMaxSteps = 256;
constexpr size_t kMaxPatternBytes = Regex::kMaxPatternBytes;

SplitBehavior ReadBehavior(const Json& json) {
  static constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kBehaviors = {{
      {"Removed", SplitBehavior::kRemoved},
      {"Isolated", SplitBehavior::kIsolated},
      {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
      {"MergedWithNext", SplitBehavior::kMergedWithNext},
      {"Contiguous", SplitBehavior::kContiguous},
  }};
  for (const auto& [name, behavior] : kBehaviors) {
    if (json.AsStringView() == name) return behavior;
  }
  RefuseMalformed(json, fmt::format("the behavior {}", json.Dump()),
                  "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

// The place of a pattern in the file, as the messages of Regex show it.
std::string PlainWhere(const Json& json) {
  const std::string where = json.Where();
  return where.size() > 2 && where.front() == '[' ? where.substr(1, where.size() - 2) : where;
}

Splitter ReadSplit(const Json& json, size_t& pattern_bytes) {
  const SplitBehavior behavior = ReadBehavior(json.At("behavior"));
  const bool invert = BoolOr(json, "invert", false);
  const Json pattern = json.At("pattern");
  if (const std::optional<Json> literal = pattern.Find("String")) {
    if (literal->AsStringView().empty()) RefuseUnsupported(*literal, "an empty pattern", "a text");
    return {Splitter::Literal{literal->AsString()}, behavior, invert};
  }
  const std::optional<Json> regex = pattern.Find("Regex");
  if (!regex)
    RefuseUnsupported(pattern, fmt::format("the pattern {}", pattern.Dump()),
                      "a Regex or a String");
  pattern_bytes += regex->AsStringView().size();
  if (pattern_bytes > kMaxPatternBytes) {
    RefuseUnsupported(*regex, fmt::format("patterns of {} bytes", pattern_bytes),
                      fmt::format("at most {} in all", kMaxPatternBytes));
  }
  const std::optional<SplitPattern> known = SplitPatternOf(regex->AsStringView());
  if (known && behavior == SplitBehavior::kIsolated && !invert) return {*known, behavior, invert};
  return {std::make_shared<const Regex>(regex->AsStringView(), Regex::Syntax::kOniguruma,
                                        PlainWhere(*regex)),
          behavior, invert};
}

// Reads any step other than ByteLevel.
Splitter ReadStep(const Json& json, size_t& pattern_bytes) {
  const Json type = json.At("type");
  const std::string_view name = type.AsStringView();
  if (name == "Split") return ReadSplit(json, pattern_bytes);
  if (name == "Digits") {
    const bool individual = BoolOr(json, "individual_digits", false);
    return {Splitter::OfClass{kDigitClass},
            individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous, false};
  }
  if (name == "Punctuation") {
    const std::optional<Json> behavior = json.Find("behavior");
    return {Splitter::OfClass{kPunctuationClass},
            behavior ? ReadBehavior(*behavior) : SplitBehavior::kIsolated, false};
  }
  if (name == "Whitespace") return {Splitter::WordRuns{}, SplitBehavior::kRemoved, true};
  if (name == "WhitespaceSplit")
    return {Splitter::OfClass{kSpaceClass}, SplitBehavior::kRemoved, false};
  if (name == "CharDelimiterSplit") {
    const Json delimiter = json.At("delimiter");
    if (delimiter.AsStringView().empty())
      RefuseMalformed(delimiter, "an empty text", "one character");
    return {Splitter::Literal{delimiter.AsString()}, SplitBehavior::kRemoved, false};
  }
  RefuseUnsupported(
      type, fmt::format("the pre-tokenizer {}", type.Dump()),
      "ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit or CharDelimiterSplit");
}

}  // namespace

PreTokenizerSpec ReadPreTokenizerSpec(const Json& json) {
  if (json.IsNull())
    RefuseUnsupported(json, "no pre_tokenizer", "ByteLevel, alone or in a Sequence");
  PreTokenizerSpec spec;
  bool byte_level = false;
  size_t steps = 0, pattern_bytes = 0;
  ForEachProcessor(json, "pretokenizers", [&](const Json& step) {
    if (++steps > kMaxSteps)
      RefuseUnsupported(json, "more steps", fmt::format("at most {}", kMaxSteps));
    if (step.At("type").AsStringView() != "ByteLevel") {
      (byte_level ? spec.spelled_splits : spec.splits).push_back(ReadStep(step, pattern_bytes));
      return;
    }
    if (byte_level)
      RefuseUnsupported(step, "a second ByteLevel", "one: another would spell the spelling");
    byte_level = true;
    spec.add_prefix_space = step.At("add_prefix_space").AsBool();
    spec.use_regex = BoolOr(step, "use_regex", true);
  });
  if (!byte_level)
    RefuseUnsupported(json, "a pre-tokenizer without ByteLevel", "one that has a ByteLevel");
  return spec;
}

}  // namespace lacos
