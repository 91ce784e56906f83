// Byte-pair encoding of one word. It starts from single bytes and applies the merge of lowest rank
// first, the leftmost one on ties.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace lacos {

// One line of the list of merges. Its position in the list is its rank.
struct BpeMerge {
  int32_t left = 0, right = 0, result = 0;
};

// The initial symbols of bytes, and the treatment of bytes that the vocabulary lacks.
struct BpeAlphabet {
  std::array<int32_t, 256> ids;  // -1 for bytes that are not in the vocabulary
  // The id for missing bytes. With -1 they are dropped, and their neighbours may merge.
  int32_t unknown_id = -1;
  bool fuse_unknown = false;  // whether a run of missing bytes gets a single unknown_id
};

class Bpe {
 public:
  // A pair that occurs twice has its last rank, as in Hugging Face tokenizers.
  Bpe(const BpeAlphabet& alphabet, const std::vector<BpeMerge>& merges);

  // Memory for one call at a time, reused from call to call. `ids` is the result, with one entry
  // for each token.
  struct Workspace {
    std::vector<int32_t> ids;
    // The length of each token in bytes of the ByteLevel spelling. Filled only on request.
    std::vector<int32_t> lengths;

    struct Merged {
      uint32_t rank;
      int32_t id;
    };
    std::vector<Merged> merged;  // the merge of symbols i and i+1
    std::vector<int32_t> next, previous;
    std::vector<uint64_t> heap;
  };

  // Encodes a word of any length in O(n log n). The result is in workspace.ids, and with
  // `with_lengths` also in workspace.lengths.
  void Encode(std::string_view word, bool with_lengths, Workspace& workspace) const;

 private:
  using Merged = Workspace::Merged;
  struct Slot {
    uint64_t pair = kFree;
    Merged merged{};
  };
  static constexpr uint64_t kFree = ~uint64_t{0};
  static constexpr uint32_t kNoMerge = 0xFFFFFFFF;

  static uint64_t PairKey(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  Merged Find(int32_t left, int32_t right) const;
  void SetSymbols(std::string_view word, bool with_lengths, Workspace& w) const;
  void MergeByScan(bool with_lengths, Workspace& w) const;
  void MergeByHeap(bool with_lengths, Workspace& w) const;

  BpeAlphabet alphabet_;
  bool complete_ = true;     // whether the vocabulary has all bytes
  std::vector<Slot> slots_;  // open addressing; the size is a power of two, at most half is in use
  int shift_ = 64;           // 64 - log2(slots)
};

}  // namespace lacos
