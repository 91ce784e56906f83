#include "lacos/data/prepare/scored_rows.h"

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"

namespace lacos {

std::string ScoreText(double score) { return fmt::format("{}", score); }

double ScoreIn(std::string_view cell, double low, const std::string& where) {
  const double score = ParseScore(cell, where);
  if (score >= low && score <= 5) return score;
  throw UserError(
      fmt::format("{} found the score {}; expected {} to 5; copy or download the file again", where,
                  ScoreText(score), ScoreText(low)));
}

void ScoredRows::Add(std::string_view first, std::string_view second, double score) {
  const std::string text = ScoreText(score);
  rows.Add({first, second, text});
  scores += text;
  scores += '\n';
}

}  // namespace lacos
