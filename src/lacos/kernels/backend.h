// The seam between the model and the machine: some forty coarse ops over opaque tensors.
//
// These rules keep an accelerator possible: A TensorView is never dereferenced outside kernels/.
// Ops enqueue work and return nothing; only Download and Synchronize wait. What an op must know on
// the host, such as the lengths of the texts, is passed as a span beside the view and is read
// before the op returns.
//
// The backend `reference` computes in double or complex double and is written for reading; `cpu`
// uses oneDNN and Highway. One parameterized suite tests both (tests/unit/kernels). make_backend.h
// creates backends, and transfer.h moves numbers between them and host vectors.
//
// Letters: N texts, T tokens (all texts laid end to end), D model width, H heads, K = D / H, R LoRA
// rank, L layers. Callers are responsible for shapes, types and aliasing (LACOS_CHECK). An empty
// view means "absent".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/base/compute.h"
#include "lacos/base/pooling.h"
#include "lacos/kernels/gradient_sum.h"
#include "lacos/quant/embedding_source.h"
#include "lacos/quant/quantized_matrix.h"
#include "lacos/tensor/buffer.h"
#include "lacos/tensor/tensor_view.h"

namespace lacos {

// Whether a product uses W [out, in] as it is (forward) or its transpose (backward).
enum class Orientation : uint8_t { kForward, kBackward };

// Whether a product takes a matrix as it is stored or its transpose.
enum class Transpose : uint8_t { kNo, kYes };

// The data that ops work on during one phase of a pass: token states, or one vector for each text
// (pooling, similarities, the loss and the backward pass of each).
enum class StepPhase : uint8_t { kTokens, kVectors };

// The element types that a backend wants for tensors of each role.
struct TypeSet {
  // inputs of linear layers and values saved for backward: f32, or bf16 under Compute::kBF16
  DType activation;
  DType residual;           // the hidden state between blocks
  DType residual_gradient;  // gradient of the hidden state, to which every block adds its part
  DType gradient;           // gradients of activations within a block
  DType parameter;          // LoRA matrices, biases, LayerNorm parameters, their gradients
  DType statistic;          // rstd, norms and losses
  DType gradient_sum;       // GradientSum: I64, or a floating type in a backend that sums in floats
};

// Everything besides the inputs that the bytes of a backend's results depend on. Run records, the
// check before a resume and the key of the layer cache include all of it.
struct KernelInfo {
  struct Fact {
    std::string name;  // a key for JSON objects
    std::string value;
  };
  std::string backend;  // "cpu", "reference"
  // {"isa", "oneDNN avx2, Highway AVX2"}; for a GPU its architecture and more
  std::vector<Fact> facts;
  std::vector<std::string> kernels;  // "linear f32: own kernels, ...", ...

  // The values of all facts, separated by commas, for people to read.
  std::string FactsText() const;
};

// The memory that holds a backend's tensors, in bytes: the memory of a device, or on the CPU the
// memory of this process, including the program and mapped files.
struct BackendMemory {
  int64_t total = 0;                    // all memory of the machine or the device; 0 = unknown
  int64_t free = 0;                     // memory that this process can still take; 0 = unknown
  int64_t held = 0;                     // memory that this process holds now
  int64_t peak_held = 0;                // the most memory that this process has held so far
  MemoryKind kind = MemoryKind::kHost;  // whether this is memory of a device
};

using WeightId = int32_t;
using TableId = int32_t;
using View = const TensorView&;  // outputs are named y, out, or d* for gradients

// The low-rank update of some rows of a product: scale * z b^T is added to rows [begin, end). A
// batch may hold texts of several adapters, of any ranks. The segments of one product ascend and do
// not overlap; rows outside all segments have no update.
struct LoraSegment {
  int64_t begin = 0, end = 0;
  TensorView z;  // [end - begin, R], statistic type
  TensorView b;  // [out, R], parameter type
  double scale = 1;
};
// The update's part of the input's gradient: scale * dz a is added to rows [begin, end).
struct LoraBackwardSegment {
  int64_t begin = 0, end = 0;
  TensorView dz;  // [end - begin, R], statistic type
  TensorView a;   // [R, in], parameter type
  double scale = 1;
};

// The steps after a product: y = x W^T [+ bias] [+ LoRA] [-> gelu] [+ residual].
struct Epilogue {
  TensorView bias;                // [out], parameter type
  std::vector<LoraSegment> lora;  // segments of the rows of y
  // y = gelu(u); u is rounded to the activation type first, whether or not it is kept
  bool gelu = false;
  TensorView saved_gelu;  // [T, out] activation type: receives u
  TensorView residual;    // [T, out] residual or activation type; may be y itself
};

// The steps after a backward product: dx = dy W [+ LoRA], then [* gelu'(saved_gelu)], then added to
// the old dx if `accumulate` is true.
struct BackwardEpilogue {
  TensorView saved_gelu;                  // [T, in]
  std::vector<LoraBackwardSegment> lora;  // segments of the rows of dx
  bool accumulate = false;
};

// The places of the texts in a batch. Text n consists of the tokens offsets[n] to offsets[n+1] - 1
// and may be empty. MakeTextLayout (transfer.h) makes one layout for each batch.
struct TextLayout {
  TensorView offsets;                     // I32 [N+1] in the backend's memory
  std::span<const int32_t> host_offsets;  // the same numbers on the host
  int64_t texts = 0;                      // N
  int64_t tokens = 0;                     // T
  int64_t longest = 0;                    // number of tokens in the longest text
};

// The token ids [T] of a batch.
struct TokenIds {
  TensorView ids;  // I32 [T] in the backend's memory
  // the same numbers on the host, for tables that are read there
  std::span<const int32_t> host_ids;
};

// The cut points of sums over tokens. A leaf is the run of rows begin[i] to begin[i+1] - 1. One
// thread sums a leaf in row order, and the sums of leaves are added as integers (GradientSum). So
// gradients depend neither on the number of threads, nor on how a batch is cut into chunks (as long
// as chunks are whole leaves), nor on the order of the chunks.
struct TokenLeaves {
  std::vector<int64_t> begin;  // count + 1 entries; the first is 0, the last is T
  int64_t step_leaves = 0;     // leaves in the whole step if these are only some of them, else 0
  int64_t Count() const { return static_cast<int64_t>(begin.size()) - 1; }
  int64_t StepLeaves() const { return std::max<int64_t>(1, std::max(step_leaves, Count())); }
};

// The dropout of one op. Which elements are dropped is a pure function of (seed, step, sample,
// view, position; site; channel). `token_keys` holds for each row one 64-bit key mixed from the
// first five; `site` names the layer and the place in it. Element (row, channel) uses
//   word channel % 4 of Philox({channel / 4, site, low(key), high(key)}, {0, 0})
// and is dropped if word < rate * 2^32. Kept elements are scaled by 1 / (1 - rate).
struct DropoutSpec {
  TensorView token_keys;  // I64 [T]; absent = no dropout
  uint32_t site = 0;
  double rate = 0;
  bool Active() const { return rate > 0 && static_cast<bool>(token_keys); }
};

struct AdamStep {
  int64_t step = 1;  // counts from 1
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;    // decoupled: p *= 1 - lr * wd before the step
  double gradient_scale = 1;  // the gradient is first multiplied by this factor (clipping)
};
struct Adam8State {
  TensorView m_codes, v_codes;    // U8 [n], indices into the signed and the unsigned dynamic map
  TensorView m_absmax, v_absmax;  // F32 [ceil(n / 256)]
};
struct AdamState {
  TensorView m, v;  // parameter type [n]
};

class DryBackend;  // kernels/dry_backend.h

class Backend {
 public:
  virtual ~Backend() = default;

  // --- memory and order
  virtual TypeSet Types() const = 0;
  virtual KernelInfo Describe() const = 0;
  virtual Buffer Allocate(size_t bytes) = 0;  // 64-byte aligned, zeroed
  // `host` has the element type of y
  virtual void Upload(std::span<const std::byte> host, View y) = 0;
  virtual void Download(View x, std::span<std::byte> host) = 0;  // waits for the result
  // converts between floating types and rounds to nearest even
  virtual void Copy(View x, View y) = 0;
  virtual void Fill(View y, double value) = 0;
  virtual void Synchronize() = 0;
  // Returns a backend with the same types that computes nothing and allocates addresses that are
  // never touched. Run on it, with the same weights added in the same order, the model's own code
  // shows what memory a step would take: the high-water mark of its arena and the WorkspaceBytes of
  // the dry copy. This backend must outlive the copy.
  virtual std::unique_ptr<DryBackend> MakeDry() = 0;
  // Bytes that this backend holds besides tensors because of the ops so far. A dry copy returns
  // what the real backend would hold.
  virtual size_t WorkspaceBytes() const = 0;
  // Bytes of the frozen weights that this backend holds in memory of its own, which it counts apart
  // from WorkspaceBytes. On the CPU weights stay where they are mapped.
  virtual size_t WeightBytes() const { return 0; }
  // Bounds WeightBytes. Weights beyond it are copied from the host's memory each time they are used,
  // which changes no result. The host's memory of a weight is then read at every use. Called when all
  // weights have been added; throws UserError below LeastWeightBytes.
  virtual void LimitWeights(size_t) {}
  virtual size_t LeastWeightBytes() const { return 0; }
  virtual BackendMemory Memory() const = 0;
  // The number of tokens that a chunk of a batch should have at least if memory forces chunks to be
  // small. With fewer rows some of the machine's units would have no work.
  virtual int64_t SmallestChunkTokens() const = 0;
  // Sets the phase of the ops that follow and returns the phase of the ops before. Only backends
  // that measure time use it; see PhaseScope.
  virtual StepPhase ChangePhase(StepPhase) { return StepPhase::kTokens; }

  // --- frozen weights
  // Adds a frozen matrix: plain types and every 8-bit scheme are accepted. The host memory of
  // `matrix` must outlive the weight.
  virtual WeightId AddWeight(const QuantizedMatrix& matrix) = 0;
  // Tells the backend that the weight's codes and scales, bit for bit the same, are now at the
  // addresses in `matrix`.
  virtual void MoveWeight(WeightId weight, const QuantizedMatrix& matrix) = 0;
  // A hint that the weight will soon be used in this orientation, while other work is still queued:
  // the time to copy it to an accelerator. Without the hint Linear and LinearBackward do this
  // themselves. It changes no result.
  virtual void PrepareWeight(WeightId weight, Orientation orientation) = 0;
  // Waits until no queued work reads the host memory of the weight. Afterwards this memory may be
  // overwritten, or its pages released.
  virtual void AwaitWeightMemory(WeightId weight) = 0;
  virtual TableId AddTable(const EmbeddingSource& source) = 0;  // the source must outlive the table

  // --- products
  virtual void Linear(View x, WeightId weight, const Epilogue& epilogue,
                      View y) = 0;  // x [T, in] activation type; y activation or residual type
  virtual void LinearBackward(View dy, WeightId weight, const BackwardEpilogue& epilogue,
                              View dx) = 0;  // dy and dx: gradient or residual gradient type
  // y = alpha * op(a) op(b) + beta * y over matrices of any floating types; op transposes its
  // matrix if `ta` or `tb` says so. A row of y depends only on its own row of op(a), on all of b
  // and on the old y, not on the number of rows.
  virtual void MatMul(View a, Transpose ta, View b, Transpose tb, double alpha, double beta,
                      View y) = 0;

  // --- gradients of parameters, summed over tokens (or over other rows)
  // y[p, q] += alpha a^T b; a [T, p], b [T, q]
  virtual void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha,
                          const GradientSum& y) = 0;
  // y[c] += sum over rows of x[., c]
  virtual void TokenSum(View x, const TokenLeaves& leaves, const GradientSum& y) = 0;
  // y[c] += sum over rows of a[., c] b[., c]
  virtual void TokenDotSum(View a, View b, const TokenLeaves& leaves, const GradientSum& y) = 0;
  // y = the value of the sum, in the parameter type and with the same shape
  virtual void ReadGradient(const GradientSum& sum, View y) = 0;

  // --- block
  // y [T, D], residual type: the row of the table for each id.
  virtual void Embed(TableId table, const TokenIds& ids, View y) = 0;
  // xhat = (x - mean) * rstd, rounded to the type of xhat (or of y if xhat is absent);
  // y = gamma * xhat + beta. xhat and rstd may be absent. y has the activation or the residual
  // type; ln_f keeps xhat and y in the residual type. y may be x.
  virtual void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd,
                         View y) = 0;
  // dx may be dy if `accumulate` is false.
  virtual void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate,
                                 View dx) = 0;
  virtual void ScaleShift(View xhat, View gamma, View beta,
                          View y) = 0;    // y = gamma * xhat + beta, as LayerNorm computed it
  virtual void Gelu(View u, View y) = 0;  // tanh form
  virtual void GeluBackward(View dy, View u, View du) = 0;
  // Causal self-attention with ALiBi within each text. qkv [T, H*3*K] has BLOOM's interleaving:
  // column (h*3 + p)*K + d holds q, k or v for p = 0, 1, 2. Dropout is applied to the
  // probabilities. It uses the key of the query's row and channel h * 65536 + p, where p is the
  // key's position in its text.
  virtual void AlibiAttention(View qkv, const TextLayout& layout, int heads,
                              const DropoutSpec& dropout, View y) = 0;
  virtual void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                                      const DropoutSpec& dropout, View dy, View dqkv) = 0;
  virtual void Dropout(View x, const DropoutSpec& dropout,
                       View y) = 0;  // y may be x; the backward pass is the same op on dy
  virtual void Add(View a, View b, View y) = 0;  // y may be a or b

  // --- pooling and similarity
  // y [N, D] from x [T, D]. argmax I32 [N, D] holds absolute token rows; it is used for kMax only
  // and may be absent. A text without tokens gives zeros.
  virtual void Pool(View x, const TextLayout& layout, Pooling pooling, View argmax, View y) = 0;
  // Overwrites every row of dx.
  virtual void PoolBackward(View dy, const TextLayout& layout, Pooling pooling, View argmax,
                            View dx) = 0;
  virtual void L2Normalize(
      View x, View norm,
      View y) = 0;  // row by row y = x / max(norm, 1e-12); norm [N] may be absent; y may be x
  virtual void L2NormalizeBackward(View dy, View y, View norm, bool accumulate, View dx) = 0;
  // y[r, c] (+)= x[r, c] for c < min(columns of x, columns of y): the truncation to leading
  // dimensions, and its backward pass.
  virtual void CopyColumns(View x, bool accumulate, View y) = 0;
  // y[r] = x[index[r]] with x [U, D], index I32 [N] with values 0 to U-1, and y [N, D]. The
  // backward pass adds each row of dy to its row of dx, in row order.
  virtual void GatherRows(View x, View index, View y) = 0;
  virtual void GatherRowsBackward(View dy, View index, View dx) = 0;  // dx[index[r]] += dy[r]
  virtual void RowDot(View a, View b, View y) = 0;  // y[n] = sum over d of a[n, d] b[n, d]
  // y[n, d] (+)= scale[n] x[n, d]
  virtual void RowScale(View x, View scale, bool accumulate, View y) = 0;
  virtual void AbsDifference(View a, View b, View y) = 0;  // |a - b|
  virtual void AbsDifferenceBackward(View dy, View a, View b, View da,
                                     View db) = 0;  // da += dy sign(a - b), db -= dy sign(a - b)
  // AnglE's similarity of rows of length one, y [N] from a and b [N, D]: the absolute value of the
  // sum of the real and imaginary parts of a conj(b), where the first half of a row holds real
  // parts and the second half imaginary parts. The backward pass overwrites da and db. Source: Li &
  // Li (arXiv 2309.12871, 2023).
  virtual void AngleSimilarity(View a, View b, View y) = 0;
  virtual void AngleSimilarityBackward(View dy, View a, View b, View da, View db) = 0;

  // --- losses: mean over rows; each writes loss [1] and the gradient of its first argument
  // targets I32 [N]. mask U8 [N, M]: a 0 takes the column out of the row's sum, except at the row's
  // target, which always stays in. An absent mask leaves all columns in.
  virtual void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss,
                                   View dscores) = 0;
  virtual void MeanSquaredError(View x, View target, View loss, View dx) = 0;  // x, target [N]
  // log(1 + sum over pairs with label[i] < label[j] of exp(scale * (x[i] - x[j]))), where x holds
  // the cosines [N]. Source: CoSENT (Su, 2022).
  virtual void CosentLoss(View x, View labels, double scale, View loss, View dx) = 0;
  // The mean of max(0, |a - p| - |a - n| + margin) with Euclidean distances (pairwise_distance of
  // torch with eps 1e-6).
  virtual void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp,
                           View dn) = 0;

  // --- optimizer
  // out[0] = the sum of squares over all tensors (f64 in fixed blocks); nonfinite[0] = the number
  // of values that are not finite.
  virtual void SumSquares(std::span<const TensorView> x, View out,
                          View nonfinite) = 0;  // out and nonfinite: statistic type [1]
  virtual void Adam8(const AdamStep& step, View gradient, const Adam8State& state,
                     View parameter) = 0;
  virtual void Adam(const AdamStep& step, View gradient, const AdamState& state,
                    View parameter) = 0;
};

// Sets the phase of all ops that are called during the lifetime of this object.
class PhaseScope {
 public:
  PhaseScope(Backend& backend, StepPhase phase)
      : backend_(backend), before_(backend.ChangePhase(phase)) {}
  ~PhaseScope() { backend_.ChangePhase(before_); }
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  Backend& backend_;
  StepPhase before_;
};

}  // namespace lacos
