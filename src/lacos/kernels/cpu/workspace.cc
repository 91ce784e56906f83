#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

void WorkspaceMeter::Add(const WorkspaceNeed& need) {
  shared_ = std::max(shared_, need.shared);
  encoded_ = std::max(encoded_, need.encoded);
  packed_ = std::max(packed_, need.packed);
  passing_ = std::max(passing_, need.passing);
  const auto threads = static_cast<size_t>(std::min<int64_t>(need.tasks, ThreadCount()));
  if (threads_.size() < threads) threads_.resize(threads);
  for (size_t i = 0; i < threads; ++i) {
    for (size_t slot = 0; slot < need.thread.size(); ++slot) {
      threads_[i][slot] = std::max(threads_[i][slot], need.thread[slot]);
    }
  }
}

size_t WorkspaceMeter::Bytes() const {
  size_t bytes = shared_ + encoded_ + packed_ + passing_;
  for (const auto& slots : threads_) {
    for (const size_t slot : slots) bytes += slot;
  }
  return bytes;
}

}  // namespace lacos::cpu
