#include "lacos/text/bpe.h"

#include <algorithm>
#include <bit>

#include "lacos/text/byte_level.h"

namespace lacos {
namespace {

// Words of up to this many symbols are merged by scanning for the lowest rank. This is quadratic,
// but has no overhead for a heap.
constexpr size_t kScanSymbols = 64;

constexpr uint64_t kHashMultiplier = 0x9E3779B97F4A7C15ull;

}  // namespace

Bpe::Bpe(const BpeAlphabet& alphabet, const std::vector<BpeMerge>& merges) : alphabet_(alphabet) {
  for (const int32_t id : alphabet_.ids) complete_ = complete_ && id >= 0;
  const size_t slots = std::bit_ceil(std::max<size_t>(2 * merges.size(), 16));
  slots_.resize(slots);
  shift_ = 64 - std::countr_zero(slots);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t pair = PairKey(merges[rank].left, merges[rank].right);
    size_t place = (pair * kHashMultiplier) >> shift_;
    while (slots_[place].pair != kFree && slots_[place].pair != pair)
      place = (place + 1) & (slots - 1);
    slots_[place] = {pair, {static_cast<uint32_t>(rank), merges[rank].result}};
  }
}

inline Bpe::Merged Bpe::Find(int32_t left, int32_t right) const {
  const uint64_t pair = PairKey(left, right);
  for (size_t place = (pair * kHashMultiplier) >> shift_;;
       place = (place + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[place];
    if (slot.pair == pair) return slot.merged;
    if (slot.pair == kFree) return {kNoMerge, -1};
  }
}

void Bpe::SetSymbols(std::string_view word, bool with_lengths, Workspace& w) const {
  w.ids.clear();
  w.lengths.clear();
  if (complete_ && !with_lengths) {
    w.ids.resize(word.size());
    for (size_t i = 0; i < word.size(); ++i)
      w.ids[i] = alphabet_.ids[static_cast<uint8_t>(word[i])];
    return;
  }
  bool after_unknown = false;
  for (const char c : word) {
    const auto byte = static_cast<uint8_t>(c);
    const int32_t id = alphabet_.ids[byte];
    const int32_t length = ByteLevelLength(byte);
    if (id >= 0) {
      w.ids.push_back(id);
      w.lengths.push_back(length);
      after_unknown = false;
    } else if (alphabet_.unknown_id >= 0) {
      if (after_unknown && alphabet_.fuse_unknown) {
        w.lengths.back() += length;
      } else {
        w.ids.push_back(alphabet_.unknown_id);
        w.lengths.push_back(length);
      }
      after_unknown = true;
    }
  }
}

void Bpe::Encode(std::string_view word, bool with_lengths, Workspace& w) const {
  SetSymbols(word, with_lengths, w);
  if (w.ids.size() < 2) return;
  if (w.ids.size() <= kScanSymbols) {
    MergeByScan(with_lengths, w);
  } else {
    MergeByHeap(with_lengths, w);
  }
}

void Bpe::MergeByScan(bool with_lengths, Workspace& w) const {
  size_t n = w.ids.size();
  w.merged.resize(n);
  int32_t* ids = w.ids.data();
  Merged* merged = w.merged.data();
  for (size_t i = 0; i + 1 < n; ++i) merged[i] = Find(ids[i], ids[i + 1]);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; ++i) best = merged[i].rank < merged[best].rank ? i : best;
    if (merged[best].rank == kNoMerge) break;
    ids[best] = merged[best].id;
    std::copy(ids + best + 2, ids + n, ids + best + 1);
    if (with_lengths) {
      w.lengths[best] += w.lengths[best + 1];
      w.lengths.erase(w.lengths.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    --n;
    if (best + 1 < n) {
      std::copy(merged + best + 2, merged + n, merged + best + 1);
      merged[best] = Find(ids[best], ids[best + 1]);
    }
    if (best > 0) merged[best - 1] = Find(ids[best - 1], ids[best]);
  }
  w.ids.resize(n);
}

void Bpe::MergeByHeap(bool with_lengths, Workspace& w) const {
  const auto n = static_cast<int32_t>(w.ids.size());
  w.merged.resize(n);
  w.next.resize(n);
  w.previous.resize(n);
  w.heap.clear();
  const auto later = std::greater<>();  // puts the smallest (rank, place) on top
  const auto find = [&](int32_t i) {
    const int32_t right = w.next[i];
    w.merged[i] = right < n ? Find(w.ids[i], w.ids[right]) : Merged{kNoMerge, -1};
    return w.merged[i].rank != kNoMerge;
  };
  const auto entry = [&](int32_t i) {
    return uint64_t{w.merged[i].rank} << 32 | static_cast<uint32_t>(i);
  };
  for (int32_t i = 0; i < n; ++i) {
    w.next[i] = i + 1;
    w.previous[i] = i - 1;
    if (find(i)) w.heap.push_back(entry(i));
  }
  std::make_heap(w.heap.begin(), w.heap.end(), later);
  const auto push = [&](int32_t i) {
    if (!find(i)) return;
    w.heap.push_back(entry(i));
    std::push_heap(w.heap.begin(), w.heap.end(), later);
  };
  while (!w.heap.empty()) {
    const uint64_t top = w.heap.front();
    std::pop_heap(w.heap.begin(), w.heap.end(), later);
    w.heap.pop_back();
    const auto i = static_cast<int32_t>(top & 0xFFFFFFFF);
    // An entry is stale if its pair has changed. A rank belongs to one pair, so comparing ranks is
    // enough.
    if (w.merged[i].rank != top >> 32) continue;
    const int32_t right = w.next[i];
    w.ids[i] = w.merged[i].id;
    if (with_lengths) w.lengths[i] += w.lengths[right];
    w.ids[right] = -1;
    w.merged[right].rank = kNoMerge;
    w.next[i] = w.next[right];
    if (w.next[i] < n) w.previous[w.next[i]] = i;
    push(i);
    if (w.previous[i] >= 0) push(w.previous[i]);
  }
  int32_t kept = 0;
  for (int32_t i = 0; i < n; i = w.next[i], ++kept) {
    w.ids[kept] = w.ids[i];
    if (with_lengths) w.lengths[kept] = w.lengths[i];
  }
  w.ids.resize(kept);
  if (with_lengths) w.lengths.resize(kept);
}

}  // namespace lacos
