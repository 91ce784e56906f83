// What cached hidden states depend on besides their text: the base's bytes, the number of blocks, the
// kernels.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/kernels/backend.h"
#include "lacos/model/checkpoint.h"

namespace lacos {

// The identity of a layer cache over the first `blocks` blocks. Weight files are hashed (SHA-256); hashes are
// remembered in `folder`/bases.json with each file's size, inode and times, so that a base is read for this
// once. Throws UserError when a file cannot be read.
Json LayerCacheIdentity(const Checkpoint& checkpoint, const Backend& backend, Compute compute, int64_t blocks,
                        const std::string& folder);

}  // namespace lacos
