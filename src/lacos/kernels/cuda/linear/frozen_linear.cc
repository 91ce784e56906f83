#include "lacos/kernels/cuda/linear/frozen_linear.h"

#include <algorithm>

#include "lacos/base/checked_math.h"
#include "lacos/kernels/cuda/linear/f32_product.h"
#include "lacos/kernels/cuda/linear/left_rows.h"
#include "lacos/kernels/lora_segments.h"

namespace lacos::cuda {
namespace {

// Integer sums stay below 2^31 up to this depth.
constexpr int64_t kMostInt8Depth = 131072;
// Rows that cuBLASLt multiplies at a time. Their f32 sums are written to memory before the epilogue.
constexpr int64_t kLibraryRows = 2048;

// Whether eight values of a row can be read and written at once.
bool RowsAligned(int64_t columns, std::initializer_list<DeviceFloats> matrices) {
  if (columns % 8 != 0) return false;
  return std::all_of(matrices.begin(), matrices.end(), [](const DeviceFloats& m) {
    return reinterpret_cast<uintptr_t>(m.data) % 16 == 0;
  });
}

UpdateSegment UpdateOf(const LoraSegment& s) {
  return {.begin = static_cast<int32_t>(s.begin),
          .end = static_cast<int32_t>(s.end),
          .rank = static_cast<int32_t>(s.z.cols()),
          .scale = static_cast<float>(s.scale),
          .narrow = F32Of(s.z),
          .wide = F32Of(s.b),
          .rank_step = 1,
          .column_step = static_cast<int32_t>(s.b.cols())};
}
UpdateSegment UpdateOf(const LoraBackwardSegment& s) {
  return {.begin = static_cast<int32_t>(s.begin),
          .end = static_cast<int32_t>(s.end),
          .rank = static_cast<int32_t>(s.dz.cols()),
          .scale = static_cast<float>(s.scale),
          .narrow = F32Of(s.dz),
          .wide = F32Of(s.a),
          .rank_step = static_cast<int32_t>(s.a.cols()),
          .column_step = 1};
}

DeviceFloats RowsFrom(DeviceFloats m, int64_t row, int64_t columns) {
  if (m.data != nullptr) m.data += row * columns * (m.bf16 ? 2 : 4);
  return m;
}

// The epilogue of rows from `begin` on.
EpilogueArguments FromRow(EpilogueArguments e, int64_t begin, int64_t columns) {
  e.saved_out = RowsFrom(e.saved_out, begin, columns);
  e.saved_in = RowsFrom(e.saved_in, begin, columns);
  e.added = RowsFrom(e.added, begin, columns);
  e.y = RowsFrom(e.y, begin, columns);
  if (e.left_scale != nullptr) e.left_scale += begin;
  for (int32_t s = 0; s < e.segments; ++s) {
    e.segment[s].begin -= static_cast<int32_t>(begin);
    e.segment[s].end -= static_cast<int32_t>(begin);
  }
  return e;
}

// Calls f(begin, end, first segment, last segment) for ranges of rows that have at most kMaxSegments
// updates each.
template <class Segment, class F>
void ForRowRanges(const std::vector<Segment>& segments, int64_t rows, F&& f) {
  const auto count = static_cast<int64_t>(segments.size());
  int64_t begin = 0;
  for (int64_t first = 0;; first += kMaxSegments) {
    const int64_t last = std::min(count, first + kMaxSegments);
    const int64_t end = last == count ? rows : segments[last - 1].end;
    if (end > begin) f(begin, end, first, last);
    begin = end;
    if (last == count) return;
  }
}

}  // namespace

// The form of a product's left side.
struct FrozenLinear::LeftPlan {
  bool in_place = false;  // the tensor itself is read
  int64_t pitch = 0;      // bytes from row to row
  size_t codes_bytes = 0, scale_bytes = 0;
  // The scales of rows lie after the codes, which are a multiple of 64 bytes.
  size_t ScaleOffset() const { return codes_bytes; }
};

FrozenLinear::LeftPlan FrozenLinear::PlanLeft(int64_t rows, int64_t depth, DType type, bool aligned,
                                              bool scaled) const {
  if (compute_ == Compute::kF32) return {.in_place = true};
  if (compute_ == Compute::kInt8) {
    const int64_t pitch = RoundUp(depth, kStepBytes);
    return {.pitch = pitch,
            .codes_bytes = static_cast<size_t>(rows * pitch),
            .scale_bytes = static_cast<size_t>(rows) * sizeof(float)};
  }
  if (type == DType::kBF16 && !scaled && aligned && depth % 8 == 0)
    return {.in_place = true, .pitch = depth * 2};
  const int64_t pitch = RoundUp(depth * 2, kStepBytes);
  return {.pitch = pitch, .codes_bytes = static_cast<size_t>(rows * pitch)};
}

FrozenLinear::FrozenLinear(Compute compute, Context& context)
    : compute_(compute), context_(context), weights_(compute, context) {
  // Hopper's wgmma and Blackwell's tcgen05 (compute capabilities 9 and 10). On 8.x and 12.x mma.sync
  // reaches the rate of cuBLAS, and our kernel reads codes instead of decoded weights.
  const int major = context.facts().major;
  if (compute != Compute::kBF16 || (major != 9 && major != 10)) return;
  if (const CublasLtFunctions* functions = context.CublasLt())
    library_ = std::make_unique<CublasLtProducts>(context, *functions);
}

WeightId FrozenLinear::AddWeight(const QuantizedMatrix& matrix) {
  const WeightId weight = weights_.Add(matrix);
  if (library_ != nullptr) {
    library_->Supports({matrix.rows, matrix.cols, false});
    library_->Supports({matrix.cols, matrix.rows, true});
  }
  return weight;
}

std::vector<KernelInfo::Fact> FrozenLinear::Facts() const {
  std::vector<KernelInfo::Fact> facts = {{"products", Describe()}};
  if (library_ != nullptr) {
    facts.push_back({"cublaslt", library_->Version()});
    facts.push_back({"algorithms", library_->Algorithms()});
  }
  return facts;
}

std::string FrozenLinear::Describe() const {
  if (library_ != nullptr)
    return "linear bf16: cuBLASLt, f32 sums, no split-K, one algorithm for all numbers of rows";
  switch (compute_) {
    case Compute::kF32:
      return "linear f32: own kernel, sums in the order of the depth";
    case Compute::kBF16:
      return "linear bf16: own kernel, mma.sync m16n8k16, f32 sums, no split-K";
    case Compute::kInt8:
      return "linear int8: own kernel, mma.sync m16n8k32, exact 32-bit sums";
  }
  return "";
}

template <class Segment>
void FrozenLinear::Run(View left, WeightId weight, Orientation orientation,
                       const EpilogueArguments& epilogue, const std::vector<Segment>& segments) {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  const bool forward = orientation == Orientation::kForward;
  const int64_t rows = left.rows(), depth = forward ? m.cols : m.rows,
                columns = forward ? m.rows : m.cols;
  LACOS_CHECK(rows < (int64_t{1} << 30), "rows fit in 32 bit");
  const CublasLtProducts::Shape shape = {columns, depth, !forward};
  const bool by_library = library_ != nullptr && library_->Supports(shape);
  const ReadyWeight ready = weights_.Use(weight, by_library);
  const gpu::Stream stream = context_.stream();
  const DeviceFloats x = DeviceFloatsOf(left);

  EpilogueArguments e = epilogue;
  const float* column_scale = forward ? nullptr : ready.row_scale;
  if (forward) e.right_scale = ready.row_scale;
  const bool aligned = reinterpret_cast<uintptr_t>(x.data) % 16 == 0;
  const LeftPlan plan = PlanLeft(rows, depth, left.dtype, aligned, column_scale != nullptr);
  RowBytes left_rows = {.data = x.data, .pitch = plan.pitch};
  if (!plan.in_place) {
    const size_t scale_at = plan.ScaleOffset();
    auto* const out = reinterpret_cast<unsigned char*>(
        context_.Scratch(ScratchSlot::kOperands, scale_at + plan.scale_bytes));
    const LeftRows arguments = {.x = x,
                                .column_scale = column_scale,
                                .rows = static_cast<int32_t>(rows),
                                .depth = static_cast<int32_t>(depth),
                                .out = out,
                                .pitch = plan.pitch};
    if (compute_ == Compute::kInt8) {
      auto* const scale = reinterpret_cast<float*>(out + scale_at);
      QuantizeRows(stream, arguments, scale);
      e.left_scale = scale;
    } else {
      RoundRows(stream, arguments);
    }
    left_rows.data = out;
  }

  ForRowRanges(segments, rows, [&](int64_t begin, int64_t end, int64_t first, int64_t last) {
    EpilogueArguments part = FromRow(e, begin, columns);
    for (int64_t s = first; s < last; ++s) {
      UpdateSegment update = UpdateOf(segments[s]);
      update.begin -= static_cast<int32_t>(begin);
      update.end -= static_cast<int32_t>(begin);
      part.segment[part.segments++] = update;
    }
    const auto count = static_cast<int32_t>(end - begin);
    if (by_library) {
      auto* const sums =
          context_.ScratchOf<float>(ScratchSlot::kSums, std::min(rows, kLibraryRows) * columns);
      for (int64_t at = 0; at < count; at += kLibraryRows) {
        const int64_t some = std::min<int64_t>(kLibraryRows, count - at);
        library_->Multiply(shape, some, left_rows.data + (begin + at) * plan.pitch, ready.data,
                           sums);
        RunEpilogue(stream, sums, static_cast<int>(some), static_cast<int>(columns),
                    FromRow(part, at, columns));
      }
      return;
    }
    if (compute_ == Compute::kF32) {
      const StridedMatrix weights = {
          {const_cast<unsigned char*>(ready.data), false},
          forward ? 1 : ready.pitch / 4,
          forward ? ready.pitch / 4 : 1,
      };
      RunF32Product(stream,
                    {.left = {RowsFrom(x, begin, depth), depth, 1},
                     .right = weights,
                     .rows = count,
                     .columns = static_cast<int32_t>(columns),
                     .depth = static_cast<int32_t>(depth)},
                    part);
      return;
    }
    const bool integers = compute_ == Compute::kInt8;
    const bool codes = ready.form == ReadyWeight::Form::kCodes;
    const Right right = codes ? (forward ? Right::kCodesAlong : Right::kCodesAcross)
                              : (forward ? Right::kBF16Along : Right::kBF16Across);
    const int64_t right_rows = forward ? columns : depth, right_values = forward ? depth : columns;
    ProductArguments p = {.left = left_rows,
                          .right = {.data = ready.data,
                                    .pitch = ready.pitch,
                                    .rows = static_cast<int32_t>(right_rows),
                                    .bytes = static_cast<int32_t>(right_values * (codes ? 1 : 2))},
                          .rows = count,
                          .columns = static_cast<int32_t>(columns),
                          .steps = static_cast<int32_t>(CeilDivide(depth, integers ? 64 : 32)),
                          .epilogue = part};
    p.left.data += begin * plan.pitch;
    p.left.rows = count;
    p.left.bytes = static_cast<int32_t>(depth * (integers ? 1 : 2));
    const TileChoice tile =
        tile_.value_or(ChooseTile(p.rows, p.columns, context_.facts().multiprocessors));
    if (integers) {
      RunInt8Product(stream, !forward, tile, p);
    } else {
      RunBF16Product(stream, right, tile, p);
    }
  });
}

void FrozenLinear::Forward(View x, WeightId weight, const Epilogue& epilogue, View y) {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  LACOS_CHECK(x.cols() == m.cols && y.cols() == m.rows && x.rows() == y.rows(),
              "y [T, out] = x [T, in] W^T");
  LACOS_CHECK(compute_ != Compute::kInt8 || m.cols <= kMostInt8Depth, "integer sums fit in 32 bit");
  CheckSegments(epilogue.lora, x.rows());
  for (const LoraSegment& lora : epilogue.lora) {
    LACOS_CHECK(lora.b.rows() == m.rows && lora.b.cols() == lora.z.cols(), "LoRA's B is [out, R]");
  }
  if (x.rows() == 0) return;
  EpilogueArguments e{.bias = F32Of(epilogue.bias),
                      .gelu = epilogue.gelu,
                      .saved_out = DeviceFloatsOf(epilogue.saved_gelu),
                      .added = DeviceFloatsOf(epilogue.residual),
                      .y = DeviceFloatsOf(y)};
  e.round_gelu = e.saved_out.data != nullptr ? e.saved_out.bf16 : e.y.bf16;
  e.aligned = RowsAligned(m.rows, {e.saved_out, e.added, e.y});
  Run(x, weight, Orientation::kForward, e, epilogue.lora);
}

void FrozenLinear::Backward(View dy, WeightId weight, const BackwardEpilogue& epilogue, View dx) {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  LACOS_CHECK(dy.cols() == m.rows && dx.cols() == m.cols && dx.rows() == dy.rows(),
              "dx [T, in] = dy [T, out] W");
  LACOS_CHECK(compute_ != Compute::kInt8 || m.rows <= kMostInt8Depth, "integer sums fit in 32 bit");
  CheckSegments(epilogue.lora, dy.rows());
  for (const LoraBackwardSegment& lora : epilogue.lora) {
    LACOS_CHECK(lora.a.rows() == lora.dz.cols() && lora.a.cols() == m.cols, "LoRA's A is [R, in]");
  }
  if (dy.rows() == 0) return;
  EpilogueArguments e{.saved_in = DeviceFloatsOf(epilogue.saved_gelu), .y = DeviceFloatsOf(dx)};
  if (epilogue.accumulate) e.added = e.y;
  e.aligned = RowsAligned(m.cols, {e.saved_in, e.y});
  Run(dy, weight, Orientation::kBackward, e, epilogue.lora);
}

}  // namespace lacos::cuda
