#include "lacos/search/communities.h"

#include <algorithm>
#include <atomic>
#include <numeric>

namespace lacos {
namespace {

// Candidates are examined in portions with at most so many neighbours (64 MB), or one at a time.
constexpr int64_t kNeighbours = int64_t{1} << 22;

// The number of rows within the threshold of each row, itself among them.
template <Similarity kSimilarity>
std::vector<int64_t> CountNeighbours(Backend& backend, const Vectors& rows, double threshold,
                                     const SearchProgress& progress) {
  BlockSearch<kSimilarity> search(backend, rows, rows);
  std::vector<int64_t> counts(static_cast<size_t>(rows.n()), 0);
  const auto visit = [&](int64_t query, int64_t first, std::span<const float> products) {
    int64_t count = 0;
    for (int64_t j = std::max<int64_t>(0, query - first); j < std::ssize(products); ++j) {
      const int64_t row = first + j;
      const Bounds bounds = search.BoundsOf(query, row, products[static_cast<size_t>(j)]);
      if (bounds.high < threshold) continue;
      if (bounds.low < threshold && search.Exact(query, row) < threshold) continue;
      ++count;
      if (row == query) continue;
      std::atomic_ref(counts[static_cast<size_t>(row)]).fetch_add(1, std::memory_order_relaxed);
    }
    std::atomic_ref(counts[static_cast<size_t>(query)]).fetch_add(count, std::memory_order_relaxed);
  };
  search.Run(
      progress, [](int64_t) {}, visit, [](int64_t) {}, NoBlockEnd{}, SearchPart::kAboveDiagonal);
  return counts;
}

template <Similarity kSimilarity>
class CommunityFinder {
 public:
  CommunityFinder(Backend& backend, const Vectors& rows, const CommunityOptions& options)
      : backend_(backend),
        rows_(rows),
        options_(options),
        is_taken_(static_cast<size_t>(rows.n()), 0) {}

  std::vector<Community> Find() {
    const std::vector<int64_t> counts = CountNeighbours<kSimilarity>(
        backend_, rows_, options_.threshold, [&](int64_t done, int64_t total) {
          Report(0.5 * static_cast<double>(done) / static_cast<double>(total));
        });
    std::vector<int64_t> candidates;
    for (int64_t row = 0; row < rows_.n(); ++row) {
      if (counts[static_cast<size_t>(row)] >= options_.min_size) candidates.push_back(row);
    }
    std::stable_sort(candidates.begin(), candidates.end(), [&](int64_t a, int64_t b) {
      return counts[static_cast<size_t>(a)] > counts[static_cast<size_t>(b)];
    });
    std::vector<int64_t> portion;
    for (size_t next = 0; next < candidates.size();) {
      portion.clear();
      int64_t neighbours = 0;
      for (; next < candidates.size() && std::ssize(portion) < kQueryRows; ++next) {
        const int64_t row = candidates[next];
        if (IsTaken(row)) continue;
        neighbours += counts[static_cast<size_t>(row)];
        if (!portion.empty() && neighbours > kNeighbours) break;
        portion.push_back(row);
      }
      Examine(portion,
              0.5 + 0.5 * static_cast<double>(next) / static_cast<double>(candidates.size()));
    }
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Community& a, const Community& b) { return a.size() > b.size(); });
    return std::move(found_);
  }

 private:
  // Counting is the first half of the work, examining the candidates the second.
  void Report(double share) const {
    constexpr int64_t kWhole = 1'000'000;
    if (options_.progress)
      options_.progress(static_cast<int64_t>(static_cast<double>(kWhole) * share), kWhole);
  }

  bool IsTaken(int64_t row) const { return is_taken_[static_cast<size_t>(row)] != 0; }

  void Examine(const std::vector<int64_t>& candidates, double share) {
    std::vector<float> values;
    values.reserve(candidates.size() * static_cast<size_t>(rows_.d));
    for (const int64_t row : candidates) {
      const auto vector = rows_.Row(row);
      values.insert(values.end(), vector.begin(), vector.end());
    }
    BlockSearch<kSimilarity> search(backend_, {.values = values, .d = rows_.d}, rows_);
    std::vector<std::vector<Neighbour>> near(candidates.size());
    const auto visit = [&](int64_t query, int64_t first, std::span<const float> products) {
      for (int64_t j = 0; j < std::ssize(products); ++j) {
        const int64_t row = first + j;
        if (IsTaken(row)) continue;
        if (search.BoundsOf(query, row, products[static_cast<size_t>(j)]).high < options_.threshold)
          continue;
        const double similarity = search.Exact(query, row);
        if (similarity >= options_.threshold)
          near[static_cast<size_t>(query)].push_back({.index = row, .similarity = similarity});
      }
    };
    search.Run([&](int64_t, int64_t) { Report(share); }, [](int64_t) {}, visit, [](int64_t) {});
    for (size_t i = 0; i < candidates.size(); ++i) Take(candidates[i], near[i]);
  }

  // Makes a candidate and its neighbours a community, if it and enough of them are not taken yet.
  void Take(int64_t centre, std::vector<Neighbour>& near) {
    if (IsTaken(centre)) return;
    std::erase_if(near, [&](const Neighbour& neighbour) { return IsTaken(neighbour.index); });
    if (std::ssize(near) < options_.min_size) return;
    std::sort(near.begin(), near.end(), [&](const Neighbour& a, const Neighbour& b) {
      if ((a.index == centre) != (b.index == centre)) return a.index == centre;
      return IsNearer(a, b);
    });
    Community community;
    for (const Neighbour& neighbour : near) {
      community.push_back(neighbour.index);
      is_taken_[static_cast<size_t>(neighbour.index)] = 1;
    }
    found_.push_back(std::move(community));
  }

  Backend& backend_;
  const Vectors rows_;
  const CommunityOptions& options_;
  std::vector<uint8_t> is_taken_;
  std::vector<Community> found_;
};

}  // namespace

std::vector<Community> FindCommunities(Backend& backend, const Vectors& rows,
                                       const CommunityOptions& options) {
  LACOS_CHECK(options.min_size > 0, "a community has at least one member");
  return WithSimilarity(options.similarity, [&](auto similarity) {
    return CommunityFinder<similarity()>(backend, rows, options).Find();
  });
}

}  // namespace lacos
