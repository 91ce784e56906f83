#include "lacos/kernels/cpu/rows/embedding.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/ranges.h"

namespace lacos::cpu {

namespace {
constexpr int64_t kRowsATime = 8;
}

WorkspaceNeed EmbedNeed(View y) {
  // Holds the order of the tokens, the copy of half of it that sorting makes, and at most as many
  // runs as tokens.
  const auto tokens = static_cast<size_t>(y.rows());
  return {.thread = {static_cast<size_t>(y.cols()) * sizeof(float)},
          .tasks = CeilDivide(y.rows(), kRowsATime),
          .passing = tokens * 5 / 2 * sizeof(int64_t)};
}

void Embed(const EmbeddingSource& table, std::span<const int32_t> id, View y, Workspace& work) {
  const int64_t cols = table.cols(), tokens = static_cast<int64_t>(id.size());
  LACOS_CHECK(y.rows() == tokens && y.cols() == cols, "y is [T, D]");
  const Floats out = FloatsOf(y);
  // Tokens are ordered by id, so that a run of equal ids reads one row and copies it.
  std::vector<int64_t> order(static_cast<size_t>(tokens));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return id[a] < id[b]; });
  std::vector<int64_t> runs;
  for (int64_t i = 0; i < tokens; ++i) {
    LACOS_CHECK(id[order[i]] >= 0 && id[order[i]] < table.rows(), "token ids lie inside the table");
    if (i == 0 || id[order[i]] != id[order[i - 1]]) runs.push_back(i);
  }
  const auto distinct = static_cast<int64_t>(runs.size());
  runs.push_back(tokens);
  work.threads.Reserve();
  RunRanges(distinct, kRowsATime, [&](int64_t begin, int64_t end) {
    float* row = work.threads.Mine(0).F32(cols);
    for (int64_t run = begin; run < end; ++run) {
      table.ReadRow(id[order[runs[run]]], {row, static_cast<size_t>(cols)});
      for (int64_t i = runs[run]; i < runs[run + 1]; ++i) {
        ConvertFloats(FloatsOf(static_cast<const float*>(row)), cols, out.At(order[i] * cols));
      }
    }
  });
}

}  // namespace lacos::cpu
