// What an ExampleFile says about its examples, and a random part of them. examples.cc reads them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/rng.h"
#include "lacos/data/cells.h"
#include "lacos/data/examples.h"

namespace lacos {
namespace {

// keeps the random numbers of KeepFraction apart from other uses of the seed
constexpr uint64_t kSubset = 0xF4AC7104;

}  // namespace

std::string ExampleFile::PlaceOf(const Example& example) const {
  const auto shard = static_cast<size_t>(example.shard);
  return fmt::format("{}:{}", shard < shards.size() ? shards[shard] : path, example.line);
}

std::vector<std::string> ExampleFile::Notes() const {
  std::vector<std::string> notes = column_notes;
  if (dropped_negatives > 0) {
    notes.push_back(fmt::format(
        "{} negatives equal their anchor, their positive or an earlier negative and were left out",
        dropped_negatives));
  }
  if (std::string unused = UnusedColumnsNote(unused_columns); !unused.empty())
    notes.push_back(std::move(unused));
  return notes;
}

void KeepFraction(ExampleFile& file, double fraction, uint64_t seed) {
  LACOS_CHECK(fraction > 0 && fraction <= 1, "a share of the examples");
  if (fraction == 1) return;
  const size_t all = file.examples.size();
  const uint64_t key = Mix64(seed, kSubset);
  // Every example has a random number of its own, so any prefix of this order is a sample.
  std::vector<std::pair<uint64_t, size_t>> order;
  for (size_t i = 0; i < all; ++i) order.emplace_back(Mix64(key, i), i);
  std::sort(order.begin(), order.end());
  order.resize(
      std::max<size_t>(1, static_cast<size_t>(std::llround(fraction * static_cast<double>(all)))));
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<Example> kept;
  for (const auto& [number, i] : order) kept.push_back(std::move(file.examples[i]));
  file.dropped.beyond_fraction = static_cast<int64_t>(all - kept.size());
  file.examples = std::move(kept);
}

}  // namespace lacos
