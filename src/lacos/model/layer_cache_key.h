// What cached hidden states depend on besides their text: the base's bytes, the number of blocks,
// the kernels.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/formats/base_weights.h"
#include "lacos/kernels/backend.h"

namespace lacos {

// The identity of a layer cache over the first `blocks` blocks. Weight files are hashed (SHA-256);
// hashes are remembered in `folder`/bases.json with each file's size, inode and times, so that a
// base is read for this once. Throws UserError when a file cannot be read.
Json LayerCacheIdentity(const BaseWeights& base_weights, const Backend& backend, Compute compute,
                        int64_t blocks, const std::string& folder);

}  // namespace lacos
