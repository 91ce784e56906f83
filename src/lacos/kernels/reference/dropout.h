// The dropout mask, a pure function of a row's key, the site and the channel (see DropoutSpec).
#pragma once

#include <cstdint>

#include "lacos/base/rng.h"

namespace lacos::ref {

// Returns 0 for a dropped element, else 1 / (1 - rate).
inline double DropoutFactor(int64_t token_key, uint32_t site, int64_t channel, double rate) {
  const auto key = static_cast<uint64_t>(token_key);
  const auto counter = static_cast<uint32_t>(channel / 4);
  const PhiloxCounter words =
      Philox({counter, site, static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)}, {0, 0});
  return static_cast<double>(words[channel % 4]) < rate * 0x1p32 ? 0.0 : 1.0 / (1.0 - rate);
}

}  // namespace lacos::ref
