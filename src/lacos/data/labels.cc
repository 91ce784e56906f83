#include "lacos/data/labels.h"

#include <cmath>

#include "lacos/data/cells.h"

namespace lacos {
namespace {

using Kind = Label::Kind;

struct Word {
  std::string_view word;
  Kind kind;
  int32_t value;
};
constexpr Word kWords[] = {
    {"entailment", Kind::kNli, kEntailment},
    {"entailed", Kind::kNli, kEntailment},
    {"entails", Kind::kNli, kEntailment},  // SciTail
    {"e", Kind::kNli, kEntailment},
    {"neutral", Kind::kNli, kNeutral},
    {"n", Kind::kNli, kNeutral},
    {"not_entailment", Kind::kNli, kNeutral},  // GLUE's RTE, QNLI and WNLI: label 1 of two
    {"not entailment", Kind::kNli, kNeutral},
    {"non-entailment", Kind::kNli, kNeutral},  // HANS
    {"non_entailment", Kind::kNli, kNeutral},
    {"contradiction", Kind::kNli, kContradiction},
    {"contradictory", Kind::kNli, kContradiction},  // XNLI-MT
    {"c", Kind::kNli, kContradiction},
    {"-", Kind::kMissingNli, 0},
    {"", Kind::kMissing, 0},
    {"nan", Kind::kMissing, 0},  // pandas
    {"null", Kind::kMissing, 0},
    {"none", Kind::kMissing, 0},
    {"true", Kind::kParaphrase, 1},
    {"yes", Kind::kParaphrase, 1},
    {"paraphrase", Kind::kParaphrase, 1},
    {"duplicate", Kind::kParaphrase, 1},
    {"equivalent", Kind::kParaphrase, 1},  // MRPC
    {"false", Kind::kParaphrase, 0},
    {"no", Kind::kParaphrase, 0},
    {"not_paraphrase", Kind::kParaphrase, 0},
    {"not_duplicate", Kind::kParaphrase, 0},
    {"not_equivalent", Kind::kParaphrase, 0},
};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<Label> ReadLabel(std::string_view cell) {
  const std::string text = LowerAscii(Trim(cell));
  for (const Word& word : kWords) {
    if (text == word.word) return Label{word.kind, word.value};
  }
  const std::optional<double> number = ParseNumber(text);
  if (!number) return std::nullopt;
  if (*number == -1) return Label{Kind::kMissingNli, 0};
  if (*number == 0 || *number == 1 || *number == 2)
    return Label{Kind::kNumber, static_cast<int32_t>(*number)};
  return Label{Kind::kScore, 0};
}

bool IsNliWord(std::string_view cell) {
  const std::optional<Label> label = ReadLabel(cell);
  return label && label->kind == Kind::kNli && Trim(cell).size() > 1;
}

std::string LabelSpellings() {
  std::string list;
  for (const Word& word : kWords) {
    if (word.word.empty()) continue;
    list += (list.empty() ? "" : ", ") + std::string(word.word);
  }
  return list;
}

}  // namespace lacos
