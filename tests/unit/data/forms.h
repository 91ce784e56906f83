// The forms in which the field writes training data, each with a small file and what it gives. Tests of
// the readers and of the program walk them.
#pragma once

#include <string>
#include <vector>

#include "lacos/data/labels.h"

namespace lacos {

using Texts = std::vector<std::vector<std::string>>;

// A form with a small file of it, and what it gives.
struct Form {
  std::string name, file, bytes;
  Texts texts;
  // The column that is damaged below, and for a form with labels that of the labels.
  std::string text_column, label_column;
  LabelScheme scheme = LabelScheme::kAuto;
  bool has_header = true;
};

const std::vector<Form>& Forms();

inline bool IsJson(const Form& form) { return form.file.find(".json") != std::string::npos; }
inline bool IsJsonLines(const Form& form) { return form.file.ends_with(".jsonl"); }
inline char DelimiterOf(const Form& form) { return form.file.ends_with(".csv") ? ',' : '\t'; }

std::string Replaced(std::string bytes, const std::string& from, const std::string& to);
// The file with one more column, or key, in every row. It is called "surplus".
std::string WithSurplus(const Form& form);

}  // namespace lacos
