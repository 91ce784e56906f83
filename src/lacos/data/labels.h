// The labels of pairs: entailment, neutral and contradiction, or "means the same" and "does not", in
// the spellings of published data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lacos/base/enum_names.h"

namespace lacos {

// What the numbers 0 and 1 mean as labels of pairs. kAuto: what the file tells by its columns or by
// other labels.
enum class LabelScheme : uint8_t { kAuto, kNli, kParaphrase };
inline constexpr auto kLabelSchemeNames = MakeEnumNames<EnumWord<LabelScheme>>({
    {LabelScheme::kAuto, "auto"},
    {LabelScheme::kNli, "nli"},
    {LabelScheme::kParaphrase, "paraphrase"},
});
constexpr const auto& NamesOf(LabelScheme) { return kLabelSchemeNames; }

enum NliLabel : int32_t { kEntailment = 0, kNeutral = 1, kContradiction = 2 };

struct Label {
  enum class Kind : uint8_t {
    kMissing,     // an empty cell
    kMissingNli,  // '-' or -1, which NLI data have where annotators disagreed or the label is hidden
    kNumber,      // 0, 1 or 2, also as 1.0: `value`
    kNli,         // a word: `value` is an NliLabel
    kParaphrase,  // a word: `value` is 1 for the same meaning, else 0
    kScore,       // another number
  };
  Kind kind = Kind::kMissing;
  int32_t value = 0;
};

// The label in a cell, ignoring case and blanks around it; nothing for any other text.
std::optional<Label> ReadLabel(std::string_view cell);

// Whether a cell is a word for an NLI label, such as "neutral". Letters and numbers alone are not.
bool IsNliWord(std::string_view cell);

// The spellings that are accepted, for messages and the docs.
std::string LabelSpellings();

}  // namespace lacos
