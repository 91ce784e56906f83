// All texts of a batch laid end to end, without padding, and where sums over their tokens are cut.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lacos/nn/layers.h"

namespace lacos {

// A text that the base alone encodes.
inline constexpr int32_t kNoAdapter = -1;

struct PackedTexts {
  std::vector<int32_t> ids;            // [T]
  std::vector<int32_t> offsets = {0};  // [N+1]
  std::vector<int64_t> keys;           // [T] dropout keys, or empty
  // [N] the adapter of each text as BloomModel::Attach numbered it, or kNoAdapter; empty = 0
  // throughout: the one that is attached, if any.
  std::vector<int32_t> adapters;
  int64_t Texts() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t Tokens() const { return static_cast<int64_t>(ids.size()); }
  std::span<const int32_t> Text(int64_t n) const {
    return std::span(ids).subspan(static_cast<size_t>(offsets[n]),
                                  static_cast<size_t>(offsets[n + 1] - offsets[n]));
  }
  int32_t Adapter(int64_t n) const { return adapters.empty() ? 0 : adapters[n]; }
  void Add(std::span<const int32_t> text, int32_t adapter = 0);
  // Texts [begin, end) as a batch of their own.
  PackedTexts Slice(int64_t begin, int64_t end) const;
  // The given texts, in this order, as a batch of their own.
  PackedTexts Select(std::span<const int64_t> rows) const;
};

// Cut points for sums over tokens: leaves of at most 512 tokens, cut at text boundaries in batch
// order; a longer text is cut at every 512th of its tokens. Chunks of whole texts that start at
// `LeafStarts` have the same leaves as the batch.
inline constexpr int64_t kLeafTokens = 512;
TokenLeaves MakeLeaves(std::span<const int32_t> offsets);
// Indexes of the texts at which a leaf begins, and finally N.
std::vector<int64_t> LeafStarts(std::span<const int32_t> offsets);

// The batch's rows by adapter: as few ranges as there are, texts without an adapter left out.
std::vector<AdapterRows> MakeAdapterRows(const PackedTexts& texts);

}  // namespace lacos
