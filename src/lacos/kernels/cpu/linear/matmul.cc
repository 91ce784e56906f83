#include "lacos/kernels/cpu/linear/matmul.h"

#include <algorithm>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/hwy_targets.h"
#include "lacos/kernels/cpu/ranges.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/linear/matmul.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/linear/small_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

int64_t PanelColumnsImpl() { return kGemmColumns; }

// c [rows, columns] = a b, where b consists of panels of kGemmColumns columns, each [depth,
// kGemmColumns]; the last one is padded with zeros.
void MultiplyPanelsImpl(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t a_row,
                        int64_t a_column, const float* panels, float* c, int64_t c_stride) {
  for (int64_t n = 0; n < columns; n += kGemmColumns) {
    const size_t width = columns - n > static_cast<int64_t>(kLanes) ? kGemmColumns : kLanes;
    const Strided left{a, static_cast<size_t>(a_row), static_cast<size_t>(a_column)};
    SmallGemm(rows, width, depth, left, panels + n * depth, kGemmColumns, false, c + n, c_stride);
  }
}

// y = alpha c + beta y.
void BlendRowImpl(const float* c, float alpha, float beta, int64_t n, Floats y) {
  const DF d;
  const VF va = hn::Set(d, alpha);
  const VF vb = hn::Set(d, beta);
  const ConstFloats fc = FloatsOf(c);
  ForVectors(n, [&](size_t i, auto count) HWY_ATTR {
    const VF scaled = hn::Mul(Load(fc, i, count), va);
    Store(beta == 0 ? scaled : hn::MulAdd(Load(ConstFloats(y), i, count), vb, scaled), y, i, count);
  });
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(PanelColumnsImpl);
HWY_EXPORT(MultiplyPanelsImpl);
HWY_EXPORT(BlendRowImpl);

namespace {

// Copies columns [begin, begin + width) of op(b) [depth, n] into panel [depth, panel_columns],
// padded with zeros. `row` is a buffer [depth].
void PackPanel(ConstFloats b, bool transposed, int64_t depth, int64_t n, int64_t begin,
               int64_t width, int64_t panel_columns, float* row, float* panel) {
  if (width < panel_columns) std::fill(panel, panel + depth * panel_columns, 0.0f);
  if (transposed) {  // b is [n, depth]
    for (int64_t c = 0; c < width; ++c) {
      ConvertFloats(b.At((begin + c) * depth), depth, FloatsOf(row));
      for (int64_t k = 0; k < depth; ++k) panel[k * panel_columns + c] = row[k];
    }
  } else {
    for (int64_t k = 0; k < depth; ++k) {
      ConvertFloats(b.At(k * n + begin), width, FloatsOf(panel + k * panel_columns));
    }
  }
}

// The division of op(b) into blocks of packed panels.
struct Blocks {
  int64_t panel = 0;   // columns in a panel
  int64_t block = 0;   // columns packed at a time
  int64_t widest = 0;  // columns in the largest block, in whole panels
};

constexpr int64_t kTileRows = 24;  // a few groups of rows share each panel in cache
constexpr int64_t kPackedFloats = int64_t{4} << 20;  // 16 MB of op(b) are packed at a time

Blocks CutBlocks(int64_t n, int64_t depth) {
  const int64_t panel = HWY_DYNAMIC_DISPATCH(PanelColumnsImpl)();
  const int64_t block =
      std::max(panel, kPackedFloats / std::max<int64_t>(depth, 1) / panel * panel);
  return {.panel = panel, .block = block, .widest = RoundUp(std::min(n, block), panel)};
}

}  // namespace

WorkspaceNeed MatMulNeed(View a, Transpose ta, View y) {
  const bool transposed = ta == Transpose::kYes;
  const int64_t depth = std::max<int64_t>(transposed ? a.rows() : a.cols(), 1);
  const Blocks cut = CutBlocks(y.cols(), depth);
  const int64_t left = transposed || a.dtype == DType::kBF16 ? kTileRows * depth : depth;
  return {.shared = static_cast<size_t>(cut.widest * depth) * sizeof(float),
          .thread = {static_cast<size_t>(left) * sizeof(float),
                     static_cast<size_t>(kTileRows * cut.widest) * sizeof(float)},
          .tasks = std::max(CeilDivide(y.rows(), kTileRows), cut.widest / cut.panel)};
}

void MatMul(View a, Transpose ta, View b, Transpose tb, double alpha, double beta, View y,
            Workspace& work) {
  const bool a_transposed = ta == Transpose::kYes, b_transposed = tb == Transpose::kYes;
  const int64_t m = y.rows(), n = y.cols();
  const int64_t depth = a_transposed ? a.rows() : a.cols();
  LACOS_CHECK((a_transposed ? a.cols() : a.rows()) == m, "op(a) has y's rows");
  LACOS_CHECK(
      (b_transposed ? b.rows() : b.cols()) == n && (b_transposed ? b.cols() : b.rows()) == depth,
      "op(b) has y's columns");
  const ConstFloats fa = FloatsOf(a), fb = FloatsOf(b);
  const Floats fy = FloatsOf(y);

  const Blocks cut = CutBlocks(n, depth);
  const int64_t panel = cut.panel, block = cut.block, widest = cut.widest;
  work.threads.Reserve();
  float* packed = work.shared.F32(widest * std::max<int64_t>(depth, 1));

  for (int64_t begin = 0; begin < n; begin += block) {
    const int64_t columns = std::min(block, n - begin);
    ParallelFor(CeilDivide(columns, panel), [&](int64_t p) {
      const int64_t width = std::min(panel, columns - p * panel);
      PackPanel(fb, b_transposed, depth, n, begin + p * panel, width, panel,
                work.threads.Mine(0).F32(depth), packed + p * panel * depth);
    });
    RunRanges(m, kTileRows, [&](int64_t first, int64_t end) {
      const float* left = fa.f32() + first * depth;
      int64_t row_stride = depth, column_stride = 1;
      if (a_transposed) {
        // a is [depth, m]: the tile's columns are copied, so that cache lines are used completely
        float* tile = work.threads.Mine(0).F32(kTileRows * depth);
        for (int64_t k = 0; k < depth; ++k) {
          ConvertFloats(fa.At(k * m + first), end - first, FloatsOf(tile + k * kTileRows));
        }
        left = tile;
        row_stride = 1;
        column_stride = kTileRows;
      } else if (fa.bf16) {
        float* tile = work.threads.Mine(0).F32(kTileRows * depth);
        ConvertFloats(fa.At(first * depth), (end - first) * depth, FloatsOf(tile));
        left = tile;
      }
      const int64_t stride = RoundUp(columns, panel);
      float* c = work.threads.Mine(1).F32(kTileRows * stride);
      HWY_DYNAMIC_DISPATCH(MultiplyPanelsImpl)
      (end - first, columns, depth, left, row_stride, column_stride, packed, c, stride);
      for (int64_t i = first; i < end; ++i) {
        HWY_DYNAMIC_DISPATCH(BlendRowImpl)
        (c + (i - first) * stride, static_cast<float>(alpha), static_cast<float>(beta), columns,
         fy.At(i * n + begin));
      }
    });
  }
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
