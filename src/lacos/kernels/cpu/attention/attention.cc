#include "lacos/kernels/cpu/attention/attention.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "lacos/kernels/alibi.h"
#include "lacos/kernels/cpu/attention/attention_head.h"
#include "lacos/kernels/cpu/ranges.h"

namespace lacos::cpu {
namespace {

// Calls attend(head of a text) for all heads of all texts. Long texts come first, so that the
// threads finish at about the same time.
template <class Attend>
void ForHeads(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
              Workspace& work, const Attend& attend) {
  const std::span<const int32_t> begin = layout.host_offsets;
  const int64_t texts = layout.texts;
  LACOS_CHECK(heads > 0 && qkv.cols() % (3 * heads) == 0, "qkv is [T, H*3*K]");
  LACOS_CHECK(layout.tokens == qkv.rows(), "the texts cover all tokens");
  std::vector<int64_t> order(static_cast<size_t>(texts));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return begin[a + 1] - begin[a] > begin[b + 1] - begin[b];
  });
  const std::vector<double> slopes = AlibiSlopes(heads);
  const DropoutMask mask = MaskOf(dropout);
  const ConstFloats values = FloatsOf(qkv);
  work.threads.Reserve();
  ParallelFor(texts * heads, [&](int64_t task) {
    const int64_t text = order[task / heads];
    const int64_t first = begin[text];
    AttentionHead head{
        .length = begin[text + 1] - first, .head_dim = qkv.cols() / (3 * heads), .heads = heads};
    if (head.length == 0) return;
    head.head = task % heads;
    head.slope = static_cast<float>(slopes[head.head]);
    head.qkv = values.At(first * qkv.cols());
    head.mask = mask;
    if (mask) head.mask.token_keys += first;
    attend(head, first, work.threads.Mine(0));
  });
}

}  // namespace

WorkspaceNeed AttentionNeed(View qkv, const TextLayout& layout, int heads, bool backward) {
  const int64_t floats = AttendHeadFloats(layout.longest, qkv.cols() / (3 * heads), backward);
  return {.thread = {static_cast<size_t>(floats) * sizeof(float)}, .tasks = layout.texts * heads};
}

void AlibiAttention(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
                    View y, Workspace& work) {
  LACOS_CHECK(y.rows() == qkv.rows() && 3 * y.cols() == qkv.cols(), "y is [T, H*K]");
  const Floats out = FloatsOf(y);
  ForHeads(qkv, layout, heads, dropout, work,
           [&](AttentionHead& head, int64_t first, Scratch& scratch) {
             head.y = out.At(first * y.cols());
             AttendHead(head, scratch);
           });
}

void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                            const DropoutSpec& dropout, View dy, View dqkv, Workspace& work) {
  LACOS_CHECK(dy.rows() == qkv.rows() && 3 * dy.cols() == qkv.cols(), "dy is [T, H*K]");
  LACOS_CHECK(dqkv.Elements() == qkv.Elements(), "dqkv has qkv's shape");
  const ConstFloats from = FloatsOf(dy);
  const Floats out = FloatsOf(dqkv);
  ForHeads(qkv, layout, heads, dropout, work,
           [&](AttentionHead& head, int64_t first, Scratch& scratch) {
             head.dy = from.At(first * dy.cols());
             head.dqkv = out.At(first * qkv.cols());
             AttendHeadBackward(head, scratch);
           });
}

}  // namespace lacos::cpu
