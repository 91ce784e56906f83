// What cached hidden states depend on besides their text: the bytes of the base weights, the number
// of blocks and the kernels.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/formats/base_weights.h"
#include "lacos/kernels/backend.h"

namespace lacos {

// The identity of a layer cache over the first `blocks` blocks. Weight files are hashed with
// SHA-256. The hashes are kept in `folder`/bases.json with the size, inode and times of each
// file, so that the base weights are read only once for this. Throws UserError when a file cannot
// be read.
Json LayerCacheIdentity(const BaseWeights& base_weights, const Backend& backend, Compute compute,
                        int64_t blocks, const std::string& folder);

}  // namespace lacos
