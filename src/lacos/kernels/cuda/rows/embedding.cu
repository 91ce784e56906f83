// Gathers rows of the word embedding.
//
// Grid: one block of 128 threads a token. Bytes a token: 4 D read, 4 D written. FLOP: none. Saves
// nothing. Rows that are not in the cache yet cost a read of the file and a copy to the device; after
// some batches of one language few are missing. Share of the copy bandwidth: not measured yet.
#include "lacos/kernels/cuda/rows/embedding.h"

#include <algorithm>

#include "lacos/base/parallel.h"
#include "lacos/kernels/cuda/elements.h"

namespace lacos::cuda {
namespace {

constexpr int64_t kCacheBytes = int64_t{64} << 20;

template <int kCount, class Y>
GPU_KERNEL GatherEmbeddings(const float* rows, const int32_t* slots, int64_t cols, Y* y) {
  const int64_t from = slots[gpu::Block()] * cols, to = gpu::Block() * cols;
  for (int64_t c = gpu::Thread() * kCount; c < cols; c += gpu::Threads() * kCount) {
    float v[kCount];
    LoadElements<kCount>(rows + from + c, v);
    StoreElements<kCount>(v, y + to + c);
  }
}

}  // namespace

EmbeddingCache::EmbeddingCache(const EmbeddingSource& source)
    : source_(source),
      capacity_(std::clamp<int64_t>(
          kCacheBytes / (std::max<int64_t>(1, source.cols()) * static_cast<int64_t>(sizeof(float))),
          1024, std::max<int64_t>(1024, source.rows()))) {}

void EmbeddingCache::ReadRows(Context& context, std::span<const int32_t> ids) {
  const int64_t cols = source_.cols();
  std::vector<int32_t> missing;
  for (const int32_t id : ids) {
    if (slots_[id] >= 0) continue;
    slots_[id] = static_cast<int32_t>(used_ + static_cast<int64_t>(missing.size()));
    missing.push_back(id);
  }
  if (missing.empty()) return;
  std::vector<float> rows(missing.size() * static_cast<size_t>(cols));
  try {
    ParallelFor(static_cast<int64_t>(missing.size()), [&](int64_t i) {
      source_.ReadRow(missing[i], {rows.data() + i * cols, static_cast<size_t>(cols)});
    });
  } catch (...) {
    for (const int32_t id : missing) slots_[id] = -1;
    throw;
  }
  context.Upload(std::as_bytes(std::span<const float>(rows)),
                 rows_.data() + used_ * cols * static_cast<int64_t>(sizeof(float)));
  used_ += static_cast<int64_t>(missing.size());
}

void EmbeddingCache::Embed(Context& context, std::span<const int32_t> ids, View y) {
  const int64_t cols = source_.cols(), tokens = y.rows();
  LACOS_CHECK(static_cast<int64_t>(ids.size()) == tokens && y.cols() == cols,
              "ids [T] and y [T, D]");
  for (const int32_t id : ids)
    LACOS_CHECK(id >= 0 && id < source_.rows(), "token ids lie inside the table");
  if (rows_.data() == nullptr)
    rows_ = context.Allocate(static_cast<size_t>(capacity_ * cols) * sizeof(float));
  if (context.dry()) {
    context.ScratchOf<int32_t>(ScratchSlot::kTable, tokens);
    return;
  }
  if (slots_.empty()) slots_.assign(static_cast<size_t>(source_.rows()), -1);
  std::vector<int32_t> places;
  // A run of tokens whose rows fit into the cache together.
  for (int64_t begin = 0, end = 0; begin < tokens; begin = end) {
    int64_t wanted = 0;
    std::vector<int32_t> run;
    for (end = begin; end < tokens; ++end) {
      if (slots_[ids[end]] == -1) {
        if (used_ + wanted == capacity_) break;
        ++wanted;
        slots_[ids[end]] = -2;  // will be read
        run.push_back(ids[end]);
      }
    }
    for (const int32_t id : run) slots_[id] = -1;
    if (end == begin) {  // full: start anew
      std::fill(slots_.begin(), slots_.end(), -1);
      used_ = 0;
      continue;
    }
    ReadRows(context, run);
    places.clear();
    for (int64_t t = begin; t < end; ++t) places.push_back(slots_[ids[t]]);
    context.BeginOp("Embed");  // another table
    const int32_t* table = context.UploadTable(std::span<const int32_t>(places));
    const TensorView out = y.Rows(begin, end);
    WithPacks(InPacks(cols, out), [&](auto count) {
      WithElements(out, [&](auto* to) {
        using Y = std::remove_pointer_t<decltype(to)>;
        gpu::Launch(context.stream(), {.blocks = end - begin, .threads = 128},
                    GatherEmbeddings<decltype(count)::value, Y>,
                    reinterpret_cast<const float*>(rows_.data()), table, cols, to);
      });
    });
  }
}

}  // namespace lacos::cuda
