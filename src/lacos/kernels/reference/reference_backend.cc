// The ops of the reference backend. Each op checks shapes and types and passes typed pointers to
// the function templates of this folder. The ops that work on the vectors of texts are in
// vector_ops.h.
#include "lacos/kernels/reference/reference_backend.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "lacos/base/check.h"
#include "lacos/kernels/alibi.h"
#include "lacos/kernels/lora_segments.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/reference/attention.h"
#include "lacos/kernels/reference/dropout.h"
#include "lacos/kernels/reference/linear.h"
#include "lacos/kernels/reference/norm.h"
#include "lacos/kernels/reference/typed_view.h"
#include "lacos/kernels/reference/vector_ops.h"
#include "lacos/quant/code.h"

namespace lacos::ref {

// --- memory and order

template <class S>
TypeSet ReferenceBackend<S>::Types() const {
  constexpr DType kType = TypeOf<S>();
  return {.activation = kType,
          .residual = kType,
          .residual_gradient = kType,
          .gradient = kType,
          .parameter = kType,
          .statistic = kType,
          .gradient_sum = kType};
}

template <class S>
KernelInfo ReferenceBackend<S>::Describe() const {
  return {.backend = "reference",
          .facts = {{"isa", "portable"}},
          .kernels = {std::string(Name(TypeOf<S>()))}};
}

template <class S>
Buffer ReferenceBackend<S>::Allocate(size_t bytes) {
  constexpr std::align_val_t kAlignment{64};
  auto* data = static_cast<std::byte*>(::operator new(bytes, kAlignment));
  std::memset(data, 0, bytes);
  return Buffer(data, bytes, [](std::byte* p, size_t) { ::operator delete(p, kAlignment); });
}

template <class S>
void ReferenceBackend<S>::Upload(std::span<const std::byte> host, View y) {
  LACOS_CHECK(host.size() == y.Bytes(), "as many bytes as the tensor has");
  if (!host.empty()) std::memcpy(y.data, host.data(), host.size());
}

template <class S>
void ReferenceBackend<S>::Download(View x, std::span<std::byte> host) {
  LACOS_CHECK(host.size() == x.Bytes(), "as many bytes as the tensor has");
  if (!host.empty()) std::memcpy(host.data(), x.data, host.size());
}

template <class S>
void ReferenceBackend<S>::Copy(View x, View y) {
  CheckSame(x, y);
  if (x.dtype == y.dtype) {
    std::memmove(y.data, x.data, x.Bytes());
  } else {
    for (int64_t i = 0; i < x.Elements(); ++i) Store(Load(x, i), y, i);
  }
}

template <class S>
void ReferenceBackend<S>::Fill(View y, double value) {
  if (y.dtype == DType::kU8 || y.dtype == DType::kI8 || y.dtype == DType::kI32 ||
      y.dtype == DType::kI64) {
    LACOS_CHECK(value == 0, "integer tensors are only filled with zeros");
    std::memset(y.data, 0, y.Bytes());
    return;
  }
  for (int64_t i = 0; i < y.Elements(); ++i) Store(value, y, i);
}

// --- frozen weights

template <class S>
WeightId ReferenceBackend<S>::AddWeight(const QuantizedMatrix& matrix) {
  Weight weight{.out = matrix.rows, .in = matrix.cols, .values = {}};
  weight.values.resize(static_cast<size_t>(matrix.rows * matrix.cols));
  if (matrix.scheme == QuantScheme::kNone && matrix.dtype == DType::kF64) {
    std::memcpy(weight.values.data(), matrix.codes, weight.values.size() * sizeof(double));
  } else {
    std::vector<float> row(static_cast<size_t>(matrix.cols));
    for (int64_t r = 0; r < matrix.rows; ++r) {
      Decode(matrix, r * matrix.cols, matrix.cols, row.data());
      std::copy(row.begin(), row.end(), weight.values.begin() + r * matrix.cols);
    }
  }
  weights_.push_back(std::move(weight));
  return static_cast<WeightId>(weights_.size() - 1);
}

template <class S>
TableId ReferenceBackend<S>::AddTable(const EmbeddingSource& source) {
  tables_.push_back(&source);
  return static_cast<TableId>(tables_.size() - 1);
}

// --- products

template <class S>
void ReferenceBackend<S>::Linear(View x, WeightId weight, const Epilogue& e, View y) {
  const Weight& w = weights_.at(static_cast<size_t>(weight));
  LACOS_CHECK(x.cols() == w.in && y.cols() == w.out && x.rows() == y.rows(),
              "x [T, in], y [T, out]");
  CheckSegments(e.lora, x.rows());
  ForEachSegment(e.lora, 0, x.rows(), [&](int64_t begin, int64_t end, const LoraSegment* lora) {
    LinearEpilogue<S> typed{
        .bias = Data<S>(e.bias),
        .gelu = e.gelu,
        .saved_gelu = RowsOf<S>(e.saved_gelu, begin, end),
        .residual = RowsOf<S>(e.residual, begin, end),
    };
    if (lora != nullptr) {
      typed.lora_z = RowsOf<S>(lora->z, begin - lora->begin, end - lora->begin);
      typed.lora_b = Data<S>(lora->b);
      typed.rank = lora->z.cols();
      typed.lora_scale = lora->scale;
    }
    ref::Linear(RowsOf<S>(x, begin, end), w.values.data(), typed, end - begin, w.in, w.out,
                RowsOf<S>(y, begin, end));
  });
}

template <class S>
void ReferenceBackend<S>::LinearBackward(View dy, WeightId weight, const BackwardEpilogue& e,
                                         View dx) {
  const Weight& w = weights_.at(static_cast<size_t>(weight));
  LACOS_CHECK(dy.cols() == w.out && dx.cols() == w.in && dy.rows() == dx.rows(),
              "dy [T, out], dx [T, in]");
  CheckSegments(e.lora, dy.rows());
  ForEachSegment(e.lora, 0, dy.rows(),
                 [&](int64_t begin, int64_t end, const LoraBackwardSegment* lora) {
                   LinearBackwardEpilogue<S> typed{
                       .saved_gelu = RowsOf<S>(e.saved_gelu, begin, end),
                       .accumulate = e.accumulate,
                   };
                   if (lora != nullptr) {
                     typed.lora_dz = RowsOf<S>(lora->dz, begin - lora->begin, end - lora->begin);
                     typed.lora_a = Data<S>(lora->a);
                     typed.rank = lora->dz.cols();
                     typed.lora_scale = lora->scale;
                   }
                   ref::LinearBackward(RowsOf<S>(dy, begin, end), w.values.data(), typed,
                                       end - begin, w.in, w.out, RowsOf<S>(dx, begin, end));
                 });
}

template <class S>
void ReferenceBackend<S>::MatMul(View a, Transpose ta, View b, Transpose tb, double alpha,
                                 double beta, View y) {
  const bool a_transposed = ta == Transpose::kYes, b_transposed = tb == Transpose::kYes;
  const int64_t k = a_transposed ? a.rows() : a.cols();
  LACOS_CHECK((a_transposed ? a.cols() : a.rows()) == y.rows() &&
                  (b_transposed ? b.rows() : b.cols()) == y.cols() &&
                  (b_transposed ? b.cols() : b.rows()) == k,
              "op(a) [m, k], op(b) [k, n], y [m, n]");
  ref::MatMul(Data<S>(a), a_transposed, Data<S>(b), b_transposed, alpha, beta, y.rows(), y.cols(),
              k, Data<S>(y));
}

// --- gradients of parameters

namespace {

// Adds the sum of a leaf to element i of y: as integers if y holds integers, else in S.
template <class S>
auto LeafAdder(const GradientSum& y, const TokenLeaves& leaves) {
  const bool integers = y.fine.dtype == DType::kI64;
  S* own = integers ? nullptr : Data<S>(y.fine);
  auto* fine = reinterpret_cast<int64_t*>(y.fine.data);
  auto* coarse = reinterpret_cast<int64_t*>(y.coarse.data);
  const LeafLimits limits(leaves.StepLeaves());
  return [=](int64_t i, const S& value) {
    if (integers) {
      AddLeaf(static_cast<float>(Real(value)), limits, fine[i], coarse[i]);
    } else {
      own[i] += value;
    }
  };
}

}  // namespace

template <class S>
void ReferenceBackend<S>::TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha,
                                     const GradientSum& y) {
  CheckLeaves(leaves, a.rows());
  LACOS_CHECK(a.rows() == b.rows() && a.cols() == y.fine.rows() && b.cols() == y.fine.cols(),
              "a [T, p], b [T, q], y [p, q]");
  ref::TokenOuter(Data<S>(a), Data<S>(b), leaves.begin, alpha, a.cols(), b.cols(),
                  LeafAdder<S>(y, leaves));
}

template <class S>
void ReferenceBackend<S>::TokenSum(View x, const TokenLeaves& leaves, const GradientSum& y) {
  CheckLeaves(leaves, x.rows());
  LACOS_CHECK(x.cols() == y.fine.Elements(), "x [T, c], y [c]");
  ref::TokenSum<S>(Data<S>(x), nullptr, leaves.begin, x.cols(), LeafAdder<S>(y, leaves));
}

template <class S>
void ReferenceBackend<S>::TokenDotSum(View a, View b, const TokenLeaves& leaves,
                                      const GradientSum& y) {
  CheckLeaves(leaves, a.rows());
  CheckSame(a, b);
  LACOS_CHECK(a.cols() == y.fine.Elements(), "a, b [T, c], y [c]");
  ref::TokenSum<S>(Data<S>(a), Data<S>(b), leaves.begin, a.cols(), LeafAdder<S>(y, leaves));
}

template <class S>
void ReferenceBackend<S>::ReadGradient(const GradientSum& sum, View y) {
  CheckSame(sum.fine, y);
  if (sum.fine.dtype != DType::kI64) return Copy(sum.fine, y);
  const auto* fine = reinterpret_cast<const int64_t*>(sum.fine.data);
  const auto* coarse = reinterpret_cast<const int64_t*>(sum.coarse.data);
  for (int64_t i = 0; i < y.Elements(); ++i) Data<S>(y)[i] = ReadSum(fine[i], coarse[i]);
}

// --- block

template <class S>
void ReferenceBackend<S>::Embed(TableId table, const TokenIds& ids, View y) {
  const EmbeddingSource& source = *tables_.at(static_cast<size_t>(table));
  LACOS_CHECK(static_cast<int64_t>(ids.host_ids.size()) == y.rows() && source.cols() == y.cols(),
              "ids [T], y [T, D]");
  std::vector<float> row(static_cast<size_t>(y.cols()));
  for (int64_t t = 0; t < y.rows(); ++t) {
    const int32_t id = ids.host_ids[t];
    LACOS_CHECK(id >= 0 && id < source.rows(), "an id of the table");
    source.ReadRow(id, row);
    std::copy(row.begin(), row.end(), Data<S>(y) + t * y.cols());
  }
}

template <class S>
void ReferenceBackend<S>::LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd,
                                    View y) {
  const int64_t cols = x.cols();
  CheckSame(x, y);
  LACOS_CHECK(gamma.Elements() == cols && beta.Elements() == cols, "gamma, beta [D]");
  std::vector<S> row(static_cast<size_t>(cols));
  for (int64_t t = 0; t < x.rows(); ++t) {
    const S r = Standardize(Data<S>(x) + t * cols, eps, cols, row.data());
    if (rstd) Data<S>(rstd)[t] = r;
    if (xhat) std::copy(row.begin(), row.end(), Data<S>(xhat) + t * cols);
    for (int64_t c = 0; c < cols; ++c)
      Data<S>(y)[t * cols + c] = Data<S>(gamma)[c] * row[c] + Data<S>(beta)[c];
  }
}

template <class S>
void ReferenceBackend<S>::LayerNormBackward(View dy, View xhat, View rstd, View gamma,
                                            bool accumulate, View dx) {
  CheckSame(dy, xhat);
  CheckSame(dy, dx);
  const int64_t cols = dy.cols();
  for (int64_t t = 0; t < dy.rows(); ++t) {
    LayerNormRowBackward(Data<S>(dy) + t * cols, Data<S>(xhat) + t * cols, Data<S>(rstd)[t],
                         Data<S>(gamma), accumulate, cols, Data<S>(dx) + t * cols);
  }
}

template <class S>
void ReferenceBackend<S>::ScaleShift(View xhat, View gamma, View beta, View y) {
  CheckSame(xhat, y);
  const int64_t cols = xhat.cols();
  for (int64_t i = 0; i < xhat.Elements(); ++i) {
    Data<S>(y)[i] = Data<S>(gamma)[i % cols] * Data<S>(xhat)[i] + Data<S>(beta)[i % cols];
  }
}

template <class S>
void ReferenceBackend<S>::Gelu(View u, View y) {
  CheckSame(u, y);
  for (int64_t i = 0; i < u.Elements(); ++i) Data<S>(y)[i] = ref::Gelu(Data<S>(u)[i]);
}

template <class S>
void ReferenceBackend<S>::GeluBackward(View dy, View u, View du) {
  CheckSame(dy, u);
  CheckSame(dy, du);
  for (int64_t i = 0; i < u.Elements(); ++i)
    Data<S>(du)[i] = Data<S>(dy)[i] * GeluDerivative(Data<S>(u)[i]);
}

namespace {

// Calls visit(head, first token) for each text and head of qkv [T, H*3*K].
template <class F>
void ForEachHead(View qkv, const TextLayout& layout, int heads, F&& visit) {
  LACOS_CHECK(heads > 0 && qkv.cols() % (3 * heads) == 0, "qkv [T, H*3*K]");
  const std::vector<double> slopes = AlibiSlopes(heads);
  const std::span<const int32_t> begin = layout.host_offsets;
  LACOS_CHECK(layout.tokens == qkv.rows(), "the texts cover all tokens");
  for (int64_t n = 0; n < layout.texts; ++n) {
    for (int h = 0; h < heads; ++h) {
      const HeadLayout head{.length = begin[n + 1] - begin[n],
                            .head_dim = qkv.cols() / (3 * heads),
                            .stride = qkv.cols(),
                            .head = h,
                            .slope = slopes[h]};
      visit(head, int64_t{begin[n]});
    }
  }
}

}  // namespace

template <class S>
void ReferenceBackend<S>::AlibiAttention(View qkv, const TextLayout& layout, int heads,
                                         const DropoutSpec& dropout, View y) {
  LACOS_CHECK(y.cols() * 3 == qkv.cols() && y.rows() == qkv.rows(), "y [T, H*K]");
  ForEachHead(qkv, layout, heads, [&](const HeadLayout& head, int64_t first) {
    AlibiAttentionHead(Data<S>(qkv) + first * qkv.cols(), head, DropoutOfText(dropout, first),
                       Data<S>(y) + first * y.cols());
  });
}

template <class S>
void ReferenceBackend<S>::AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                                                 const DropoutSpec& dropout, View dy, View dqkv) {
  CheckSame(qkv, dqkv);
  LACOS_CHECK(dy.cols() * 3 == qkv.cols() && dy.rows() == qkv.rows(), "dy [T, H*K]");
  ForEachHead(qkv, layout, heads, [&](const HeadLayout& head, int64_t first) {
    AlibiAttentionHeadBackward(Data<S>(qkv) + first * qkv.cols(), head,
                               DropoutOfText(dropout, first), Data<S>(dy) + first * dy.cols(),
                               Data<S>(dqkv) + first * qkv.cols());
  });
}

template <class S>
void ReferenceBackend<S>::Dropout(View x, const DropoutSpec& dropout, View y) {
  CheckSame(x, y);
  const int64_t cols = x.cols();
  for (int64_t t = 0; t < x.rows(); ++t) {
    const AttentionDropout keys = DropoutOfText(dropout, t);
    for (int64_t c = 0; c < cols; ++c) {
      const double factor = keys.token_keys == nullptr
                                ? 1.0
                                : DropoutFactor(*keys.token_keys, keys.site, c, keys.rate);
      Data<S>(y)[t * cols + c] = Data<S>(x)[t * cols + c] * factor;
    }
  }
}

template <class S>
void ReferenceBackend<S>::Add(View a, View b, View y) {
  CheckSame(a, b);
  CheckSame(a, y);
  for (int64_t i = 0; i < a.Elements(); ++i) Data<S>(y)[i] = Data<S>(a)[i] + Data<S>(b)[i];
}

template class ReferenceBackend<double>;
template class ReferenceBackend<Complex>;

}  // namespace lacos::ref

namespace lacos {

std::unique_ptr<Backend> MakeReferenceBackend(DType dtype) {
  LACOS_CHECK(dtype == DType::kF64 || dtype == DType::kC128,
              "the reference backend is F64 or C128");
  if (dtype == DType::kF64) return std::make_unique<ref::ReferenceBackend<double>>();
  return std::make_unique<ref::ReferenceBackend<ref::Complex>>();
}

}  // namespace lacos
