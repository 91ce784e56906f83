// From token ids to vectors: each distinct id of a batch is read once from the table's file.
#pragma once

#include <cstdint>
#include <span>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

void Embed(const EmbeddingSource& table, std::span<const int32_t> ids, View y, Workspace& work);
WorkspaceNeed EmbedNeed(View y);

}  // namespace lacos::cpu
