#include "lacos/base/similar_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace lacos {
namespace {

std::string_view WithoutDashes(std::string_view word) {
  return word.substr(std::min(word.find_first_not_of('-'), word.size()));
}

// The number of insertions, deletions, substitutions and swaps of neighbours that lead from one
// word to the other (the optimal string alignment distance).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      size_t& here = distance[i][j];
      if (i == 0 || j == 0) {
        here = i + j;
        continue;
      }
      here = std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1,
                       distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here = std::min(here, distance[i - 2][j - 2] + 1);
    }
  }
  return distance[a.size()][b.size()];
}

}  // namespace

std::string MostLike(const std::string& word, const std::vector<std::string>& known) {
  const std::string_view given = WithoutDashes(word);
  // One letter is enough of a flag's beginning, as in -h.
  const size_t fewest = word.starts_with('-') ? 1 : 2;
  std::string best;
  size_t best_distance = std::max<size_t>(given.size() / 3, 1) + 1;
  for (const std::string& candidate : known) {
    const std::string_view name = WithoutDashes(candidate);
    const bool begins = given.size() >= fewest && name.starts_with(given);
    const size_t distance = begins ? 1 : EditDistance(given, name);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

std::string DidYouMean(const std::string& word, const std::vector<std::string>& known) {
  const std::string like = MostLike(word, known);
  return like.empty() ? "" : fmt::format("; did you mean '{}'?", like);
}

}  // namespace lacos
