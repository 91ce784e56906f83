#include "lacos/text/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "lacos/base/check.h"

namespace lacos {
namespace {

// FNV-1a, with which a string in two halves has the hash of the whole. Entries are short, and this
// runs only while loading.
uint32_t HashBytes(std::string_view text, uint32_t hash) {
  for (const char byte : text) hash = (hash ^ static_cast<uint8_t>(byte)) * 16777619u;
  return hash;
}

uint32_t HashOf(std::string_view first, std::string_view second) {
  const uint32_t hash = HashBytes(second, HashBytes(first, 2166136261u));
  return hash ^ (hash >> 15);
}

}  // namespace

void Vocabulary::Reserve(size_t entries, size_t bytes) {
  arena_.reserve(bytes);
  strings_.reserve(entries);
  Rehash(std::bit_ceil(std::max<size_t>(2 * entries, 16)));
}

void Vocabulary::Rehash(size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id < 0) continue;
    size_t place = slot.hash & (slots_.size() - 1);
    while (slots_[place].id >= 0) place = (place + 1) & (slots_.size() - 1);
    slots_[place] = slot;
  }
}

Vocabulary::AddResult Vocabulary::Add(std::string_view token, int32_t id) {
  LACOS_CHECK(id >= 0 && id <= kMaxId, "vocabulary ids are checked by the caller");
  LACOS_CHECK(arena_.size() + token.size() < kAbsent, "vocabulary strings exceed 4 GiB");
  if (Has(id)) return AddResult::kDuplicateId;
  if (Find(token) >= 0) return AddResult::kDuplicateString;
  if (2 * (count_ + 1) > slots_.size()) Rehash(std::max<size_t>(2 * slots_.size(), 16));
  if (id >= IdLimit()) strings_.resize(size_t{1} + id);
  strings_[id] = {static_cast<uint32_t>(arena_.size()), static_cast<uint32_t>(token.size())};
  arena_.append(token);
  const uint32_t hash = HashOf(token, {});
  size_t place = hash & (slots_.size() - 1);
  while (slots_[place].id >= 0) place = (place + 1) & (slots_.size() - 1);
  slots_[place] = {hash, id};
  ++count_;
  return AddResult::kAdded;
}

int32_t Vocabulary::Find(std::string_view first, std::string_view second) const {
  if (slots_.empty()) return -1;
  const uint32_t hash = HashOf(first, second);
  for (size_t place = hash & (slots_.size() - 1);; place = (place + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[place];
    if (slot.id < 0) return -1;
    if (slot.hash != hash) continue;
    const std::string_view found = String(slot.id);
    if (found.size() == first.size() + second.size() && found.starts_with(first) &&
        found.substr(first.size()) == second) {
      return slot.id;
    }
  }
}

}  // namespace lacos
