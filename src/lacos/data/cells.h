// Numbers, scores and the split column, which the readers of tables share.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/data/rows.h"

namespace lacos {

// The text with A to Z in lower case.
std::string LowerAscii(std::string_view text);
// At most `bytes` bytes of a text, cut between characters, followed by "..." if something was cut.
std::string TruncateForMessage(std::string_view text, size_t bytes);

// The value of a text that is one finite decimal number, or nothing.
std::optional<double> ParseNumber(std::string_view text);
// Whether a cell holds no score: it is empty, or "nan", "null" or "none", as pandas and others write
// for an absent number.
bool IsMissingScore(std::string_view cell);
// The number in a score cell. Throws UserError that begins with `where` if there is none.
double ParseScore(std::string_view cell, const std::string& where);

// Keeps the rows of one split. "dev", "validation", "valid" and "val" mean the same. An empty name
// keeps all rows.
class SplitFilter {
 public:
  explicit SplitFilter(const std::string& wanted);
  bool Keep(const std::optional<std::string>& cell, bool has_column);
  int64_t dropped() const { return dropped_; }
  // Throws UserError naming the splits that were found if every row was dropped.
  void RequireSome(const std::string& name) const;

 private:
  std::string wanted_;
  int64_t kept_ = 0, dropped_ = 0;
  std::map<std::string, int64_t> others_;
};

}  // namespace lacos
