// A fixed hash of names, so that the random values of a tensor depend on its name and not on its
// place in a list.
#pragma once

#include <cstdint>
#include <string_view>

namespace lacos {

// 64-bit FNV-1a (Fowler, Noll, Vo). std::hash would differ between libraries.
constexpr uint64_t NameHash(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return hash;
}

}  // namespace lacos
