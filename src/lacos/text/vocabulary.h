// The strings of a vocabulary by id, and the ids by string, in one block of memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

class Vocabulary {
 public:
  // Larger ids are refused before anything of that size is allocated. No published vocabulary has a
  // tenth of this.
  static constexpr int64_t kMaxId = (int64_t{1} << 24) - 1;

  Vocabulary() = default;

  // Prepares for `entries` strings with `bytes` bytes in all.
  void Reserve(size_t entries, size_t bytes);
  enum class AddResult { kAdded, kDuplicateId, kDuplicateString };
  // Adds a token with 0 <= id <= kMaxId.
  AddResult Add(std::string_view token, int32_t id);

  size_t size() const { return count_; }
  // The largest id plus 1.
  int64_t IdLimit() const { return static_cast<int64_t>(strings_.size()); }
  // The id of a string, or -1. The string may be given in two halves.
  int32_t Find(std::string_view token) const { return Find(token, {}); }
  int32_t Find(std::string_view first, std::string_view second) const;
  bool Has(int64_t id) const { return id >= 0 && id < IdLimit() && strings_[id].begin != kAbsent; }
  // The string with this id; Has(id) must be true.
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
    int32_t id = -1;  // -1 if the slot is free
  };
  void Rehash(size_t slots);

  std::string arena_;
  std::vector<StringRange> strings_;  // indexed by id
  std::vector<Slot> slots_;           // open addressing; a power of two, at most half in use
  size_t count_ = 0;
};

}  // namespace lacos
