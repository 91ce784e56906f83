// A cache of fixed size for words that have been encoded, one for each working thread. Most words
// of a text have occurred before.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <vector>

namespace lacos {

// A direct-mapped cache: each word has one place, which the latest word takes. An entry is one
// cache line that holds the word itself, so a hit is never a hash collision. Words that do not fit
// into 64 bytes together with their ids are not kept.
class WordCache {
 public:
  // Words are read in steps of 8 bytes, so this many bytes must be readable after any word that is
  // passed to the methods below.
  static constexpr size_t kReadableAfter = 8;

  WordCache() {
    // calloc of this size returns untouched zero pages, so short runs pay only for entries in use.
    entries_.reset(static_cast<Entry*>(std::calloc(kEntries + 1, sizeof(Entry))));
    if (!entries_) throw std::bad_alloc();
  }

  static constexpr size_t kMaxWordBytes = 56;
  static uint64_t HashOf(std::string_view word);

  // Appends the ids of a word of 1 to kMaxWordBytes bytes, or returns false if it is not cached.
  bool AppendIds(std::string_view word, uint64_t hash, std::vector<int32_t>& ids) const {
    const Entry& entry = entries_[hash >> kShift];
    if (entry.word_bytes != word.size() || !SameWord(word, entry.data)) return false;
    const size_t before = ids.size();
    ids.resize(before + entry.id_count);
    std::memcpy(ids.data() + before, entry.data + RoundUp4(word.size()),
                entry.id_count * sizeof(int32_t));
    return true;
  }

  void Insert(std::string_view word, uint64_t hash, std::span<const int32_t> ids) {
    const size_t start = RoundUp4(word.size());
    if (ids.empty() || start + ids.size_bytes() > sizeof(Entry::data)) return;
    Entry& entry = entries_[hash >> kShift];
    entry.word_bytes = static_cast<uint8_t>(word.size());
    entry.id_count = static_cast<uint8_t>(ids.size());
    std::memcpy(entry.data, word.data(), word.size());
    std::memcpy(entry.data + start, ids.data(), ids.size_bytes());
  }

 private:
  static constexpr int kLogEntries = 15;  // 2^15 entries take 2 MiB
  static constexpr size_t kEntries = size_t{1} << kLogEntries;
  static constexpr int kShift = 64 - kLogEntries;
  struct Entry {
    uint8_t word_bytes, id_count, unused[2];
    char data[60];  // the word, padding to 4, its ids
  };
  static_assert(sizeof(Entry) == 64);

  static size_t RoundUp4(size_t n) { return (n + 3) & ~size_t{3}; }
  static uint64_t Load8(const char* p) {
    uint64_t value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }
  // 1 <= bytes <= 8
  static uint64_t Mask(size_t bytes) { return ~uint64_t{0} >> (64 - 8 * bytes); }
  static bool SameWord(std::string_view word, const char* kept) {
    size_t i = 0;
    for (; i + 8 < word.size(); i += 8) {
      if (Load8(word.data() + i) != Load8(kept + i)) return false;
    }
    return ((Load8(word.data() + i) ^ Load8(kept + i)) & Mask(word.size() - i)) == 0;
  }

  struct Free {
    void operator()(Entry* p) const { std::free(p); }
  };
  std::unique_ptr<Entry[], Free> entries_;
};

inline uint64_t WordCache::HashOf(std::string_view word) {
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15ull;
  uint64_t hash = word.size();
  size_t i = 0;
  for (; i + 8 < word.size(); i += 8) {
    hash = (hash ^ Load8(word.data() + i)) * kMultiplier;
    hash ^= hash >> 32;
  }
  hash = (hash ^ (Load8(word.data() + i) & Mask(word.size() - i))) * kMultiplier;
  return (hash ^ (hash >> 29)) * kMultiplier;
}

}  // namespace lacos
