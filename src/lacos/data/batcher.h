// Batches without duplicate texts, in an order that is a pure function of (seed, epoch).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/base/enum_names.h"
#include "lacos/data/examples.h"

namespace lacos {

enum class Mix : uint8_t { kProportional, kRoundRobin };
inline constexpr auto kMixNames = MakeEnumNames<EnumWord<Mix>>({
    {Mix::kProportional, "proportional"},
    {Mix::kRoundRobin, "round-robin"},
});
constexpr const auto& NamesOf(Mix) { return kMixNames; }

struct BatchOptions {
  int64_t batch_size = 128;  // examples (pairs)
  uint64_t seed = 42;
  Mix mix = Mix::kProportional;
  // Whether to leave out the last partial batch. Otherwise it is kept if it has at least two
  // examples.
  bool drop_last = false;
};

struct Batch {
  int32_t file = 0;
  // Indexes into files[file].examples. For kClasses there are two of each drawn class, side by
  // side.
  std::vector<int64_t> examples;
  bool operator==(const Batch&) const = default;
};

// All batches of one epoch. Each batch comes from one file; files are drawn in proportion to their
// remaining size, or in turn. No text occurs twice in a batch. An example that would collide waits
// for a later batch, and every example is in the epoch exactly once (greedily, like the
// NoDuplicates sampler of sentence-transformers). This takes linear time in practice. `left_out`
// counts the examples that no batch could take.
struct Epoch {
  std::vector<Batch> batches;
  int64_t left_out = 0;
};
Epoch MakeEpoch(const std::vector<ExampleFile>& files, const BatchOptions& options, int64_t epoch);

}  // namespace lacos
