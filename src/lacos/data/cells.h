// What the readers of examples and of scored pairs share: column names, scores, the split column.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/data/rows.h"

namespace lacos {

// Names that a column may have, the usual one first; sentence_A and so on are SICK's, hypo is that
// of XNLI's translated training data, sent0 and sent1 are those of SimCSE's triplets.
const std::vector<std::string>& FirstSentenceNames();
const std::vector<std::string>& SecondSentenceNames();
const std::vector<std::string>& ScoreNames();

std::string LowerAscii(std::string_view text);
// At most `bytes` of a text, cut between characters, with "..." when something was cut.
std::string TruncateForMessage(std::string_view text, size_t bytes);

// A finite decimal number that fills the whole text, or nothing.
std::optional<double> ParseNumber(std::string_view text);
// The number in a score cell; UserError that begins with `where` when it is none.
double ParseScore(std::string_view cell, const std::string& where);

// Keeps the rows of one split; "dev", "validation", "valid" and "val" are the same. An empty wish
// keeps all.
class SplitFilter {
 public:
  explicit SplitFilter(const std::string& wanted);
  bool Keep(const std::optional<std::string>& cell, bool has_column);
  int64_t dropped() const { return dropped_; }
  // Throws UserError that names the splits found when every row was dropped.
  void RequireSome(const std::string& name) const;

 private:
  std::string wanted_;
  int64_t kept_ = 0, dropped_ = 0;
  std::map<std::string, int64_t> others_;
};

}  // namespace lacos
