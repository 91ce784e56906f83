// Pairs with scores on their way into a suite: the table, and the scores by themselves, which have
// the same hash in every edition.
#pragma once

#include <string>
#include <string_view>

#include "lacos/data/prepare/suite_writer.h"

namespace lacos {

// A score without trailing zeros, so that "5.000" and "5.0" are equal.
std::string ScoreText(double score);

// The number in a cell. Throws UserError that begins with `where` if there is no number from `low`
// to 5.
double ScoreIn(std::string_view cell, double low, const std::string& where);

struct ScoredRows {
  TsvRows rows{"sentence1", "sentence2", "score"};
  std::string scores;  // one a line

  void Add(std::string_view first, std::string_view second, double score);
};

}  // namespace lacos
