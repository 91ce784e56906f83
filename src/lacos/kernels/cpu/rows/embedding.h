// Token ids to vectors: each distinct id of a batch is read once from the table's file.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

void Embed(const EmbeddingSource& table, View ids, View y, Workspace& work);
WorkspaceNeed EmbedNeed(View ids, View y);

}  // namespace lacos::cpu
