// The strings of a vocabulary by id and their ids by string, in one block of memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

class Vocabulary {
 public:
  // Ids above this are refused before anything of that size is allocated: no published vocabulary
  // has a tenth of it.
  static constexpr int64_t kMaxId = (int64_t{1} << 24) - 1;

  Vocabulary() = default;

  // Prepares for `entries` strings with `bytes` bytes in all.
  void Reserve(size_t entries, size_t bytes);
  enum class AddResult { kAdded, kDuplicateId, kDuplicateString };
  // 0 <= id <= kMaxId.
  AddResult Add(std::string_view token, int32_t id);

  size_t size() const { return count_; }
  // Largest id + 1.
  int64_t IdLimit() const { return static_cast<int64_t>(strings_.size()); }
  // Id of a string, or -1; the string may be given in two halves.
  int32_t Find(std::string_view token) const { return Find(token, {}); }
  int32_t Find(std::string_view first, std::string_view second) const;
  bool Has(int64_t id) const { return id >= 0 && id < IdLimit() && strings_[id].begin != kAbsent; }
  // Needs Has(id).
  std::string_view String(int64_t id) const {
    return std::string_view(arena_).substr(strings_[id].begin, strings_[id].length);
  }

 private:
  static constexpr uint32_t kAbsent = 0xFFFFFFFF;
  struct StringRange {
    uint32_t begin = kAbsent;
    uint32_t length = 0;
  };
  struct Slot {
    uint32_t hash = 0;
    int32_t id = -1;  // -1: free
  };
  void Rehash(size_t slots);

  std::string arena_;
  std::vector<StringRange> strings_;  // by id
  std::vector<Slot> slots_;           // open addressing, a power of two long, at most half full
  size_t count_ = 0;
};

}  // namespace lacos
