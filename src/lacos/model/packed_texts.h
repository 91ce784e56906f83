// All texts of a batch laid end to end without padding, and the cut points for sums over
// their tokens.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "lacos/nn/layers.h"

namespace lacos {

// The adapter number of a text that only the base encodes.
inline constexpr int32_t kNoAdapter = -1;

struct PackedTexts {
  std::vector<int32_t> ids;            // [T]
  std::vector<int32_t> offsets = {0};  // [N+1]
  std::vector<int64_t> keys;           // [T] dropout keys, or empty
  // [N] the adapter of each text: its number from BloomModel::Attach, or kNoAdapter. Empty means 0
  // for every text, which is the only attached adapter, if there is one.
  std::vector<int32_t> adapters;
  int64_t Texts() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t Tokens() const { return static_cast<int64_t>(ids.size()); }
  std::span<const int32_t> Text(int64_t n) const {
    return std::span(ids).subspan(static_cast<size_t>(offsets[n]),
                                  static_cast<size_t>(offsets[n + 1] - offsets[n]));
  }
  int32_t Adapter(int64_t n) const { return adapters.empty() ? 0 : adapters[n]; }
  void Add(std::span<const int32_t> text, int32_t adapter = 0);
  // Texts [begin, end) as a new batch.
  PackedTexts Slice(int64_t begin, int64_t end) const;
  // The given texts, in this order, as a new batch.
  PackedTexts Select(std::span<const int64_t> rows) const;
};

// Sums over tokens are split into leaves of at most 512 tokens, which are added up separately.
// Leaves are cut at text boundaries in batch order; a longer text is cut after every 512 of its
// tokens. Chunks of whole texts that begin at `LeafStarts` have the same leaves as the batch.
inline constexpr int64_t kLeafTokens = 512;
TokenLeaves MakeLeaves(std::span<const int32_t> offsets);
// The indexes of the texts at which a leaf begins, and N at the end.
std::vector<int64_t> LeafStarts(std::span<const int32_t> offsets);

// Ranges [begin, end) of texts that consist of whole leaves and together are all texts. Each has at
// most `tokens` tokens, unless a single leaf has more.
std::vector<std::pair<int64_t, int64_t>> WholeLeafRanges(std::span<const int32_t> offsets,
                                                         int64_t tokens);

// The rows of the batch by adapter, in as few ranges as possible; texts without an adapter are
// left out.
std::vector<AdapterRows> MakeAdapterRows(const PackedTexts& texts);

}  // namespace lacos
