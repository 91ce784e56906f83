// The seam between the model and the machine: some forty coarse ops over opaque tensors.
//
// Rules that keep an accelerator possible: a TensorView is never dereferenced outside kernels/; ops
// enqueue work and return nothing; only Download and Synchronize wait. What an op must know on the
// host, such as the lengths of the texts, comes as a span beside the view; it is read before the op
// returns. `reference` computes in double or complex double and is written for reading; `cpu` is
// oneDNN and Highway. Both are tested by one parameterised suite (tests/unit/kernels).
// make_backend.h makes them, transfer.h moves numbers between them and host vectors.
//
// Letters: N texts, T tokens (all texts laid end to end), D model width, H heads, K = D / H, R LoRA
// rank, L layers. Shapes, types and aliasing are the caller's duty (LACOS_CHECK); an empty view
// means "absent".
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

// Forward products use W [out, in] as it is, backward ones its transpose.
enum class Orientation : uint8_t { kForward, kBackward };

// Whether a product takes a matrix as it is stored or its transpose.
enum class Transpose : uint8_t { kNo, kYes };

// What the ops of a stretch of a pass work on: token states, or one vector a text (pooling,
// similarities, the loss and their backward).
enum class StepPhase : uint8_t { kTokens, kVectors };

// The element types in which a backend wants tensors of each role.
struct TypeSet {
  // inputs of linear layers and what is saved for backward: f32, or bf16 under Compute::kBF16
  DType activation;
  DType residual;           // the hidden state between blocks
  DType residual_gradient;  // gradient of the hidden state: every block adds its part to it
  DType gradient;           // gradients of activations within a block
  DType parameter;          // LoRA matrices, biases, LayerNorm parameters, their gradients
  DType statistic;          // rstd, norms, losses
  DType gradient_sum;       // GradientSum: I64, or the backend's own type where it sums in floats
};

// What a backend's bytes depend on beside its inputs. Run records, the check before a resume and
// the key of the layer cache take all of it.
struct KernelInfo {
  struct Fact {
    std::string name;  // a key of JSON objects
    std::string value;
  };
  std::string backend;      // "cpu", "reference"
  std::vector<Fact> facts;  // {"isa", "oneDNN avx2, Highway AVX2"}; of a GPU its architecture, ...
  std::vector<std::string> kernels;  // "linear f32: gemm:jit, 96-row tiles", ...

  // The values of all facts, separated by commas: for people.
  std::string FactsText() const;
};

// The pool that a backend's tensors lie in, in bytes: a device's own memory, or on the CPU that of
// this process, program and mapped files included.
struct BackendMemory {
  int64_t total = 0;      // of the machine or the device; 0 = unknown
  int64_t free = 0;       // that this process can still take; 0 = unknown
  int64_t held = 0;       // by this process now
  int64_t peak_held = 0;  // the most that it has held so far
};

using WeightId = int32_t;
using TableId = int32_t;
using View = const TensorView&;  // outputs are named y, d*, out

// The low-rank update of some rows of a product: rows [begin, end) get scale * z b^T more. A batch
// may hold texts of several adapters, of any ranks; segments of one product ascend and do not
// overlap, and rows in none of them have no update.
struct LoraSegment {
  int64_t begin = 0, end = 0;
  TensorView z;  // [end - begin, R], statistic type
  TensorView b;  // [out, R], parameter type
  double scale = 1;
};
// Its part of the input's gradient: rows [begin, end) get scale * dz a more.
struct LoraBackwardSegment {
  int64_t begin = 0, end = 0;
  TensorView dz;  // [end - begin, R], statistic type
  TensorView a;   // [R, in], parameter type
  double scale = 1;
};

// y = x W^T [+ bias] [+ LoRA] [-> gelu] [+ residual].
struct Epilogue {
  TensorView bias;                // [out], parameter type
  std::vector<LoraSegment> lora;  // by rows of y
  // y = gelu(u), u first rounded to the activation type (whether or not it is kept)
  bool gelu = false;
  TensorView saved_gelu;  // [T, out] activation type: keeps u
  TensorView residual;    // [T, out] residual or activation type; may be y itself
};

// dx = dy W [+ LoRA], then [* gelu'(saved_gelu)], then added to dx when `accumulate`.
struct BackwardEpilogue {
  TensorView saved_gelu;                  // [T, in]
  std::vector<LoraBackwardSegment> lora;  // by rows of dx
  bool accumulate = false;
};

// Where the texts of a batch lie: text n has the tokens offsets[n] to offsets[n+1], and may be
// empty. Made once a batch (MakeTextLayout in transfer.h).
struct TextLayout {
  TensorView offsets;                     // I32 [N+1] in the backend's memory
  std::span<const int32_t> host_offsets;  // the same numbers
  int64_t texts = 0;                      // N
  int64_t tokens = 0;                     // T
  int64_t longest = 0;                    // tokens of the longest text
};

// Token ids [T] of a batch.
struct TokenIds {
  TensorView ids;                     // I32 [T] in the backend's memory
  std::span<const int32_t> host_ids;  // the same numbers, for tables that are read on the host
};

// Cut points of sums over tokens: leaf i is the rows begin[i] to begin[i+1]. Every leaf is summed
// by one thread in row order, and the sums of leaves are added as integers (GradientSum), so that
// gradients depend neither on the number of threads nor on how a batch is cut into chunks (as long
// as chunks are whole leaves) nor on the order of the chunks.
struct TokenLeaves {
  std::vector<int64_t> begin;  // count + 1 entries, first 0, last T
  int64_t step_leaves = 0;     // leaves of the whole step, when these are only some of them; else 0
  int64_t Count() const { return static_cast<int64_t>(begin.size()) - 1; }
  int64_t StepLeaves() const { return std::max<int64_t>(1, std::max(step_leaves, Count())); }
};

// Which elements a dropout drops is a pure function of (seed, step, sample, view, position; site;
// channel): `token_keys` holds one mixed 64-bit key of the first five for each row, `site` names
// layer and place. Element (row, channel) takes word channel % 4 of Philox({channel / 4, site,
// low(key), high(key)}, {0, 0}) and is dropped when word < rate * 2^32; kept elements are scaled by
// 1 / (1 - rate).
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
  double gradient_scale = 1;  // clipping: the gradient is multiplied by this first
};
struct Adam8State {
  TensorView m_codes, v_codes;    // U8 [n], indexes into the signed and the unsigned dynamic map
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
  virtual Buffer Allocate(size_t bytes) = 0;                         // 64-byte aligned, zeroed
  virtual void Upload(std::span<const std::byte> host, View y) = 0;  // same element type
  virtual void Download(View x, std::span<std::byte> host) = 0;      // waits
  virtual void Copy(View x, View y) = 0;  // converts between floating types, nearest even
  virtual void Fill(View y, double value) = 0;
  virtual void Synchronize() = 0;
  // A backend of the same types that computes nothing and allocates addresses that are never
  // touched. The real model code run on it, with the same weights added in the same order, tells
  // what memory a step would take: its arena's high-water mark and the WorkspaceBytes of this copy.
  // This backend must outlive it.
  virtual std::unique_ptr<DryBackend> MakeDry() = 0;
  // Bytes beside tensors that the ops so far made this backend hold (a dry copy: would have made it
  // hold).
  virtual size_t WorkspaceBytes() const = 0;
  virtual BackendMemory Memory() const = 0;
  // Tokens that a chunk of a batch should have at least where memory forces it to be small: fewer
  // rows leave this machine's units without work.
  virtual int64_t SmallestChunkTokens() const = 0;
  // Says what the ops that follow work on, and returns what the ops before worked on. Only backends
  // that keep account of time care; see PhaseScope.
  virtual StepPhase ChangePhase(StepPhase) { return StepPhase::kTokens; }

  // --- frozen weights
  // The host memory behind `matrix` must outlive the weight. Plain types and every 8-bit scheme are
  // accepted.
  virtual WeightId AddWeight(const QuantizedMatrix& matrix) = 0;
  // The same matrix, bit for bit, from now on lies where `matrix` says: its codes and its scales.
  virtual void MoveWeight(WeightId weight, const QuantizedMatrix& matrix) = 0;
  // A hint that the weight is used soon in this orientation, while other work is still queued: the
  // time to copy it to an accelerator. Linear and LinearBackward do it themselves otherwise. It
  // changes no result.
  virtual void PrepareWeight(WeightId weight, Orientation orientation) = 0;
  // Waits until no queued work reads the host memory behind the weight: it may then be overwritten,
  // or its pages given back.
  virtual void AwaitWeightMemory(WeightId weight) = 0;
  virtual TableId AddTable(const EmbeddingSource& source) = 0;  // the source must outlive the table

  // --- products
  virtual void Linear(View x, WeightId weight, const Epilogue& epilogue,
                      View y) = 0;  // x [T, in] activation; y activation or residual
  virtual void LinearBackward(View dy, WeightId weight, const BackwardEpilogue& epilogue,
                              View dx) = 0;  // gradient or residual gradient types
  // y = alpha * op(a) op(b) + beta * y over matrices of any floating types; op transposes where
  // ta/tb say so. A row of y depends only on its own row of op(a), on all of b and on old y: not on
  // how many rows there are.
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
  // y = the sum, in the parameter type and of the same shape
  virtual void ReadGradient(const GradientSum& sum, View y) = 0;

  // --- block
  // y [T, D], residual type: the table's row of each id.
  virtual void Embed(TableId table, const TokenIds& ids, View y) = 0;
  // xhat = (x - mean) * rstd, rounded to xhat's type (to y's when xhat is absent); y = gamma * xhat
  // + beta. xhat and rstd may be absent; y has the activation or the residual type (ln_f keeps both
  // in the residual type); y may be x.
  virtual void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd,
                         View y) = 0;
  virtual void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate,
                                 View dx) = 0;
  virtual void ScaleShift(View xhat, View gamma, View beta,
                          View y) = 0;    // y = gamma * xhat + beta, as LayerNorm made it
  virtual void Gelu(View u, View y) = 0;  // tanh form
  virtual void GeluBackward(View dy, View u, View du) = 0;
  // Causal self-attention with ALiBi within each text. qkv [T, H*3*K] with BLOOM's interleaving:
  // column (h*3 + p)*K + d holds q, k or v for p = 0, 1, 2. Dropout is on the probabilities, the
  // query's key and channel h * 65536 + (key's position in its text).
  virtual void AlibiAttention(View qkv, const TextLayout& layout, int heads,
                              const DropoutSpec& dropout, View y) = 0;
  virtual void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                                      const DropoutSpec& dropout, View dy, View dqkv) = 0;
  virtual void Dropout(View x, const DropoutSpec& dropout,
                       View y) = 0;              // x may be y; backward is the same op on dy
  virtual void Add(View a, View b, View y) = 0;  // y may be a or b

  // --- pooling and similarity
  // y [N, D] from x [T, D]; argmax I32 [N, D] (absolute token rows) only for kMax, may be absent. A
  // text without tokens gives zeros.
  virtual void Pool(View x, const TextLayout& layout, Pooling pooling, View argmax, View y) = 0;
  // Writes every row of dx.
  virtual void PoolBackward(View dy, const TextLayout& layout, Pooling pooling, View argmax,
                            View dx) = 0;
  virtual void L2Normalize(
      View x, View norm,
      View y) = 0;  // y = x / max(norm, 1e-12) by rows; norm [N] may be absent; y may be x
  virtual void L2NormalizeBackward(View dy, View y, View norm, bool accumulate, View dx) = 0;
  // y[r, c] (+)= x[r, c] for c < min(columns of x, columns of y): truncation to leading dimensions,
  // and its backward.
  virtual void CopyColumns(View x, bool accumulate, View y) = 0;
  // y[r] = x[index[r]]: x [U, D], index I32 [N] with values in 0..U-1, y [N, D]. Its backward adds
  // each row of dy to its place in dx, rows in order.
  virtual void GatherRows(View x, View index, View y) = 0;
  virtual void GatherRowsBackward(View dy, View index, View dx) = 0;  // dx[index[r]] += dy[r]
  virtual void RowDot(View a, View b, View y) = 0;  // y[n] = sum over d of a[n, d] b[n, d]
  // y[n, d] (+)= scale[n] x[n, d]
  virtual void RowScale(View x, View scale, bool accumulate, View y) = 0;
  virtual void AbsDifference(View a, View b, View y) = 0;  // |a - b|
  virtual void AbsDifferenceBackward(View dy, View a, View b, View da,
                                     View db) = 0;  // da += dy sign(a - b), db -= the same
  // AnglE's similarity of rows of length one, y [N] of a, b [N, D]: the absolute value of the sum of
  // real and imaginary parts of a conj(b), where halves of a row are real and imaginary parts. Its
  // backward overwrites da and db. Source: Li & Li (arXiv 2309.12871, 2023).
  virtual void AngleSimilarity(View a, View b, View y) = 0;
  virtual void AngleSimilarityBackward(View dy, View a, View b, View da, View db) = 0;

  // --- losses: mean over rows; each writes loss [1] and the gradient of its first argument
  // targets I32 [N]; mask U8 [N, M], 0 takes a column out of that row's sum (never its target);
  // absent = all in.
  virtual void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss,
                                   View dscores) = 0;
  virtual void MeanSquaredError(View x, View target, View loss, View dx) = 0;  // x, target [N]
  // log(1 + sum over pairs with label[i] < label[j] of exp(scale * (x[i] - x[j]))), x the cosines
  // [N]. CoSENT (Su, 2022).
  virtual void CosentLoss(View x, View labels, double scale, View loss, View dx) = 0;
  // mean of max(0, |a - p| - |a - n| + margin) with Euclidean distances (torch's pairwise_distance,
  // eps 1e-6).
  virtual void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp,
                           View dn) = 0;

  // --- optimizer
  // out[0] = sum of squares over all tensors (f64 in fixed blocks), nonfinite[0] = how many values
  // are not finite.
  virtual void SumSquares(std::span<const TensorView> x, View out,
                          View nonfinite) = 0;  // both statistic type [1]
  virtual void Adam8(const AdamStep& step, View gradient, const Adam8State& state,
                     View parameter) = 0;
  virtual void Adam(const AdamStep& step, View gradient, const AdamState& state,
                    View parameter) = 0;
};

// The ops called during its lifetime work on one phase's data.
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
