#include "lacos/model/packed_texts.h"

namespace lacos {

void PackedTexts::Add(std::span<const int32_t> text, int32_t adapter) {
  if (adapter != 0 || !adapters.empty()) {
    adapters.resize(static_cast<size_t>(Texts()), 0);
    adapters.push_back(adapter);
  }
  ids.insert(ids.end(), text.begin(), text.end());
  offsets.push_back(static_cast<int32_t>(ids.size()));
}

PackedTexts PackedTexts::Slice(int64_t begin, int64_t end) const {
  PackedTexts slice;
  const int32_t first = offsets[begin];
  for (int64_t n = begin; n < end; ++n) slice.offsets.push_back(offsets[n + 1] - first);
  slice.ids.assign(ids.begin() + first, ids.begin() + offsets[end]);
  if (!keys.empty()) slice.keys.assign(keys.begin() + first, keys.begin() + offsets[end]);
  if (!adapters.empty()) slice.adapters.assign(adapters.begin() + begin, adapters.begin() + end);
  return slice;
}

PackedTexts PackedTexts::Select(std::span<const int64_t> rows) const {
  PackedTexts selected;
  for (const int64_t n : rows) {
    selected.Add(Text(n), Adapter(n));
    if (!keys.empty())
      selected.keys.insert(selected.keys.end(), keys.begin() + offsets[n],
                           keys.begin() + offsets[n + 1]);
  }
  return selected;
}

std::vector<AdapterRows> MakeAdapterRows(const PackedTexts& texts) {
  std::vector<AdapterRows> all;
  for (int64_t n = 0; n < texts.Texts(); ++n) {
    const AdapterRows rows{texts.offsets[n], texts.offsets[n + 1], texts.Adapter(n)};
    if (rows.adapter == kNoAdapter || rows.begin == rows.end) continue;
    if (!all.empty() && all.back().adapter == rows.adapter && all.back().end == rows.begin) {
      all.back().end = rows.end;
    } else {
      all.push_back(rows);
    }
  }
  return all;
}

std::vector<int64_t> LeafStarts(std::span<const int32_t> offsets) {
  const int64_t texts = static_cast<int64_t>(offsets.size()) - 1;
  std::vector<int64_t> starts = {0};
  for (int64_t n = 0; n < texts; ++n) {
    // A text joins the open leaf only as a whole, so a cut before it is a cut for every choice
    // of chunks.
    if (n > starts.back() && offsets[n + 1] - offsets[starts.back()] > kLeafTokens)
      starts.push_back(n);
  }
  if (texts > 0) starts.push_back(texts);
  return starts;
}

std::vector<std::pair<int64_t, int64_t>> WholeLeafRanges(std::span<const int32_t> offsets,
                                                         int64_t tokens) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  const std::vector<int64_t> starts = LeafStarts(offsets);
  int64_t begin = 0;
  for (size_t leaf = 1; leaf + 1 < starts.size(); ++leaf) {
    if (offsets[starts[leaf + 1]] - offsets[begin] > tokens) {
      ranges.emplace_back(begin, starts[leaf]);
      begin = starts[leaf];
    }
  }
  ranges.emplace_back(begin, static_cast<int64_t>(offsets.size()) - 1);
  return ranges;
}

TokenLeaves MakeLeaves(std::span<const int32_t> offsets) {
  TokenLeaves leaves{.begin = {0}};
  const std::vector<int64_t> starts = LeafStarts(offsets);
  for (size_t i = 0; i + 1 < starts.size(); ++i) {
    const int64_t end = offsets[starts[i + 1]];
    for (int64_t cut = offsets[starts[i]] + kLeafTokens; cut < end; cut += kLeafTokens)
      leaves.begin.push_back(cut);
    if (end > leaves.begin.back()) leaves.begin.push_back(end);
  }
  return leaves;
}

}  // namespace lacos
