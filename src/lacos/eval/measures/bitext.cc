// Bitext mining: whether a sentence's translation is the nearest sentence of the other language.
#include "lacos/eval/measures/bitext.h"

#include <algorithm>
#include <map>

#include "lacos/base/check.h"

namespace lacos {
namespace {

using NeighbourLists = std::vector<std::vector<Neighbour>>;

// The mean cosine of each row's nearest neighbours.
std::vector<double> MeanCosines(const NeighbourLists& lists) {
  std::vector<double> means;
  for (const auto& list : lists) {
    double sum = 0;
    for (const Neighbour& neighbour : list) sum += neighbour.similarity;
    means.push_back(sum / static_cast<double>(list.size()));
  }
  return means;
}

struct Candidate {
  double score = 0;
  int64_t first = 0, second = 0;
};

// Returns the neighbour of every row that has the largest margin score. Of equal scores, the nearer
// neighbour wins. With `swap` the rows belong to the second side.
std::vector<Candidate> BestByMargin(const NeighbourLists& lists, const std::vector<double>& means,
                                    const std::vector<double>& other_means, bool swap) {
  std::vector<Candidate> best;
  for (size_t i = 0; i < lists.size(); ++i) {
    Candidate chosen;
    bool any = false;
    for (const Neighbour& neighbour : lists[i]) {
      const double mean = (means[i] + other_means[static_cast<size_t>(neighbour.index)]) / 2;
      const double score = mean == 0 ? 0 : neighbour.similarity / mean;
      if (any && score <= chosen.score) continue;
      any = true;
      const auto row = static_cast<int64_t>(i);
      chosen =
          swap ? Candidate{score, neighbour.index, row} : Candidate{score, row, neighbour.index};
    }
    best.push_back(chosen);
  }
  return best;
}

double ShareMatched(const std::vector<Candidate>& candidates) {
  double matched = 0;
  for (const Candidate& candidate : candidates)
    matched += candidate.first == candidate.second ? 1 : 0;
  return matched / static_cast<double>(candidates.size());
}

double ShareNearest(const NeighbourLists& lists) {
  double matched = 0;
  for (size_t i = 0; i < lists.size(); ++i)
    matched += lists[i][0].index == static_cast<int64_t>(i) ? 1 : 0;
  return matched / static_cast<double>(lists.size());
}

void Mine(std::vector<Candidate> candidates, BitextResult& result) {
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.first != b.first ? a.first < b.first : a.second < b.second;
  });
  std::vector<bool> first_used(static_cast<size_t>(result.n)),
      second_used(static_cast<size_t>(result.n));
  std::vector<Candidate> mined;
  for (const Candidate& candidate : candidates) {
    if (first_used[static_cast<size_t>(candidate.first)] ||
        second_used[static_cast<size_t>(candidate.second)]) {
      continue;
    }
    first_used[static_cast<size_t>(candidate.first)] =
        second_used[static_cast<size_t>(candidate.second)] = true;
    mined.push_back(candidate);
  }
  double right = 0;
  for (size_t i = 0; i < mined.size(); ++i) {
    right += mined[i].first == mined[i].second ? 1 : 0;
    // No threshold can separate equal scores.
    if (i + 1 < mined.size() && mined[i + 1].score == mined[i].score) continue;
    const double precision = right / static_cast<double>(i + 1),
                 recall = right / static_cast<double>(result.n);
    const double f1 = right == 0 ? 0 : 2 * precision * recall / (precision + recall);
    if (f1 <= result.mining_f1) continue;
    result.mining_f1 = f1;
    result.mining_precision = precision;
    result.mining_recall = recall;
    result.mining_threshold =
        i + 1 < mined.size() ? (mined[i].score + mined[i + 1].score) / 2 : mined[i].score;
  }
}

}  // namespace

double WeightedF1(const std::vector<int64_t>& gold, const std::vector<int64_t>& predicted) {
  LACOS_CHECK(gold.size() == predicted.size() && !gold.empty(), "a prediction for each item");
  struct Counts {
    double gold = 0, predicted = 0, right = 0;
  };
  std::map<int64_t, Counts> classes;
  for (size_t i = 0; i < gold.size(); ++i) {
    ++classes[gold[i]].gold;
    ++classes[predicted[i]].predicted;
    if (gold[i] == predicted[i]) ++classes[gold[i]].right;
  }
  double sum = 0;
  for (const auto& [name, counts] : classes) {
    // The F1 of a class is weighted by the class's share of the gold labels.
    sum += counts.gold * 2 * counts.right / (counts.gold + counts.predicted);
  }
  return sum / static_cast<double>(gold.size());
}

BitextResult EvaluateBitext(Backend& backend, const Vectors& first, const Vectors& second,
                            const MiningOptions& options, const SearchProgress& progress) {
  LACOS_CHECK(first.n() == second.n() && first.n() > 0, "as many sentences on both sides");
  BitextResult result{.n = first.n()};
  const int64_t pairs = 2 * first.n() * second.n();
  const auto half = [&](int64_t before) {
    return [&, before](int64_t done, int64_t) {
      if (progress) progress(before + done, pairs);
    };
  };
  const NeighbourLists forward =
      NearestNeighbours(backend, first, second, options.neighbours, {.progress = half(0)});
  const NeighbourLists backward =
      NearestNeighbours(backend, second, first, options.neighbours, {.progress = half(pairs / 2)});
  const std::vector<double> first_means = MeanCosines(forward),
                            second_means = MeanCosines(backward);

  result.cosine = {.forward = ShareNearest(forward), .backward = ShareNearest(backward)};
  std::vector<Candidate> candidates = BestByMargin(forward, first_means, second_means, false);
  const std::vector<Candidate> back = BestByMargin(backward, second_means, first_means, true);
  result.margin = {.forward = ShareMatched(candidates), .backward = ShareMatched(back)};
  candidates.insert(candidates.end(), back.begin(), back.end());
  Mine(std::move(candidates), result);

  std::vector<int64_t> gold, nearest;
  for (int64_t i = 0; i < result.n; ++i) {
    gold.push_back(i);
    nearest.push_back(forward[static_cast<size_t>(i)][0].index);
    const bool found = nearest.back() == i,
               found_back = backward[static_cast<size_t>(i)][0].index == i;
    result.right.push_back(0.5 * ((found ? 1 : 0) + (found_back ? 1 : 0)));
  }
  result.f1_cosine = WeightedF1(gold, nearest);
  return result;
}

}  // namespace lacos
