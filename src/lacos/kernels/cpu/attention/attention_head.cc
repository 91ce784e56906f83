#include "lacos/kernels/cpu/attention/attention_head.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "lacos/base/checked_math.h"
#include "lacos/kernels/cpu/hwy_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/attention/attention_head.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "hwy/contrib/math/math-inl.h"
#include "lacos/kernels/cpu/linear/small_gemm-inl.h"
#include "lacos/kernels/cpu/rows/philox-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

// Number of queries in a block: 8 groups of kGemmRows share each panel of keys in cache.
constexpr int64_t kQueries = 48;
static_assert(kQueries % kGemmRows == 0);

// The padded sizes make every row of scratch a whole number of vectors. A row of keys has an odd
// number of 64-byte lines, because rows that lie a power of two apart fall into the same few sets
// of the cache.
HWY_INLINE int64_t PaddedDim(int64_t head_dim) { return RoundUp(head_dim, kGemmColumns); }
HWY_INLINE int64_t PaddedKeys(int64_t length) {
  const int64_t keys = RoundUp(length, std::max<int64_t>(kGemmColumns, 16));
  return keys / 16 % 2 == 0 ? keys + 16 : keys;
}

// Copies `dim` columns of x, from column `first` on, times `scale`, to floats [length, PaddedDim],
// padded with zeros. Returns whether all values are finite.
bool GatherRows(ConstFloats x, int64_t length, int64_t stride, int64_t first, int64_t dim,
                float scale, float* out) {
  const DF d;
  const int64_t padded = PaddedDim(dim);
  const VF s = hn::Set(d, scale);
  VF zeros = hn::Zero(d);  // stays 0 while all values are finite, because 0 * x is NaN otherwise
  for (int64_t t = 0; t < length; ++t) {
    const ConstFloats from = x.At(t * stride + first);
    float* to = out + t * padded;
    ForVectors(dim, [&](size_t i, auto count) HWY_ATTR {
      const VF v = hn::Mul(Load(from, i, count), s);
      zeros = hn::MulAdd(v, hn::Zero(d), zeros);
      hn::StoreU(v, d, to + i);
    });
    for (int64_t i = RoundUp(dim, kLanes); i < padded; i += kLanes)
      hn::StoreU(hn::Zero(d), d, to + i);
  }
  return Sum(zeros) == 0.0f;
}

// out [dim, keys] = x^T with x [length, PaddedDim]; columns from `length` on are zero.
void Transpose(const float* x, int64_t length, int64_t dim, int64_t keys, float* out) {
  const int64_t padded = PaddedDim(dim);
  int64_t t = 0;
#if HWY_TARGET != HWY_SCALAR
  const DF d;
  const hn::CappedTag<float, 4> d4;
  HWY_ALIGN float lanes[4 * kLanes];
  for (; t + 4 <= length; t += 4) {  // four rows are transposed into pieces of four columns
    const float* rows = x + t * padded;
    for (int64_t i = 0; i < dim; i += kLanes) {
      hn::StoreInterleaved4(hn::LoadU(d, rows + i), hn::LoadU(d, rows + padded + i),
                            hn::LoadU(d, rows + 2 * padded + i),
                            hn::LoadU(d, rows + 3 * padded + i), d, lanes);
      const int64_t count = std::min<int64_t>(kLanes, dim - i);
      for (int64_t l = 0; l < count; ++l)
        hn::StoreU(hn::Load(d4, lanes + 4 * l), d4, out + (i + l) * keys + t);
    }
  }
#endif
  for (int64_t i = 0; i < dim; ++i) {
    for (int64_t rest = t; rest < keys; ++rest)
      out[i * keys + rest] = rest < length ? x[rest * padded + i] : 0.0f;
  }
}

// rows [count, keys] = a b for queries [first, first + count), where a is [count, PaddedDim] and b
// [dim, keys]. Blocks of scores that lie wholly after the key of each query are left out.
void CausalProduct(const float* a, const float* b, int64_t first, int64_t count, int64_t dim,
                   int64_t keys, float* rows) {
  const int64_t padded = PaddedDim(dim);
  constexpr int64_t kGroup = kGemmRows;
  for (int64_t n = 0; n < first + count; n += kGemmColumns) {
    // A group needs nothing from this panel if even its last query comes before key n.
    const int64_t skip = n > first ? (n - first) / kGroup * kGroup : 0;
    for (int64_t i = skip; i < count; i += kGroup) {
      const int64_t height = std::min(kGroup, count - i);
      GemmRows<2>(height, dim, {a + i * padded, static_cast<size_t>(padded), 1}, b + n, keys, false,
                  rows + i * keys + n, keys);
    }
  }
}

// Turns the scores [0, query] of one row into probabilities and zeroes [query + 1, end). If a score
// is NaN, all probabilities are NaN.
void SoftmaxRow(float* row, int64_t query, int64_t end, float slope) {
  const DF d;
  const int64_t count = query + 1;
  const VF vslope = hn::Set(d, slope);
  const VF lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  const auto masked = [&](VF v, int64_t j) HWY_ATTR {
    return j + static_cast<int64_t>(kLanes) <= count
               ? v
               : hn::IfThenElse(hn::FirstN(d, count - j), v, lowest);
  };
  VF largest = lowest;
  for (int64_t j = 0; j < count; j += kLanes) {
    // The bias is shifted so that it is 0 for the query's own key.
    const VF distance = hn::Iota(d, static_cast<float>(j - query));
    const VF score = masked(hn::MulAdd(distance, vslope, hn::LoadU(d, row + j)), j);
    hn::StoreU(score, d, row + j);
    largest = hn::Max(largest, score);
  }
  const VF shift = hn::Set(d, hn::GetLane(hn::MaxOfLanes(d, largest)));
  VF sum = hn::Zero(d);
  for (int64_t j = 0; j < count; j += kLanes) {
    const VF x = hn::Sub(hn::LoadU(d, row + j), shift);
    // Exp(NaN) of Highway is 0, so NaN is kept explicitly.
    const VF e = hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, x));
    hn::StoreU(e, d, row + j);
    sum = hn::Add(sum, e);
  }
  const VF inverse = hn::Set(d, 1.0f / Sum(sum));
  int64_t j = 0;
  for (; j < count; j += kLanes) {
    const VF p = hn::Mul(hn::LoadU(d, row + j), inverse);
    hn::StoreU(j + static_cast<int64_t>(kLanes) <= count
                   ? p
                   : hn::IfThenElseZero(hn::FirstN(d, count - j), p),
               d, row + j);
  }
  for (; j < end; j += kLanes) hn::StoreU(hn::Zero(d), d, row + j);
}

// The dropout factors[j] of keys [0, end) for one query. Those after the query are never used.
void KeyFactors(const AttentionHead& h, int64_t query, int64_t end, float* factors) {
  DropoutFactors(static_cast<uint64_t>(h.mask.token_keys[query]), h.mask.site,
                 static_cast<uint64_t>(h.head) * 65536, end, h.mask.threshold, h.mask.scale,
                 factors);
}

void MultiplyRow(const float* factors, int64_t end, float* row) {
  const DF d;
  for (int64_t j = 0; j < end; j += kLanes) {
    hn::StoreU(hn::Mul(hn::LoadU(d, row + j), hn::LoadU(d, factors + j)), d, row + j);
  }
}

// Hands out the floats of a scratch block in order.
class Parts {
 public:
  explicit Parts(float* begin) : next_(begin) {}
  float* Take(int64_t count) {
    float* part = next_;
    next_ += RoundUp(count, 16);
    return part;
  }

 private:
  float* next_;
};

// The number of floats that Parts hands out below, with each part rounded up to a cache line.
int64_t ScratchFloatsImpl(int64_t n, int64_t dim, bool backward) {
  const int64_t padded = PaddedDim(dim), keys = PaddedKeys(n);
  if (backward)
    return 5 * n * padded + 2 * dim * keys + 2 * kQueries * keys + kQueries * padded + keys + 256;
  return 2 * n * padded + dim * keys + kQueries * (keys + padded) + keys + 128;
}

void AttendHeadImpl(const AttentionHead& h, Scratch& scratch) {
  const int64_t n = h.length, dim = h.head_dim, padded = PaddedDim(dim), keys = PaddedKeys(n);
  const int64_t stride = h.heads * 3 * dim, first_column = h.head * 3 * dim;
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim)));
  Parts parts(scratch.F32(ScratchFloatsImpl(n, dim, false)));
  float* q = parts.Take(n * padded);
  float* v = parts.Take(n * padded);
  float* kt = parts.Take(dim * keys);
  float* p = parts.Take(kQueries * keys);
  float* out = parts.Take(kQueries * padded);
  float* factors = parts.Take(keys);

  // `q` holds k until that is transposed
  GatherRows(h.qkv, n, stride, first_column + dim, dim, 1.0f, q);
  Transpose(q, n, dim, keys, kt);
  GatherRows(h.qkv, n, stride, first_column, dim, scale, q);
  const bool finite = GatherRows(h.qkv, n, stride, first_column + 2 * dim, dim, 1.0f, v);
  // For a group of queries, keys after a query have probability 0. That is harmless unless v is not
  // finite there, because 0 times infinity or NaN is NaN.
  const int64_t group = finite ? kGemmRows : 1;

  for (int64_t first = 0; first < n; first += kQueries) {
    const int64_t count = std::min(kQueries, n - first);
    CausalProduct(q + first * padded, kt, first, count, dim, keys, p);
    for (int64_t i = 0; i < count; ++i) {
      SoftmaxRow(p + i * keys, first + i, first + count, h.slope);
      if (!h.mask) continue;
      KeyFactors(h, first + i, RoundUp(first + i + 1, kLanes), factors);
      MultiplyRow(factors, RoundUp(first + i + 1, kLanes), p + i * keys);
    }
    for (int64_t i = 0; i < count; i += group) {
      const int64_t height = std::min(group, count - i);
      SmallGemm(height, padded, first + i + height, {p + i * keys, static_cast<size_t>(keys), 1}, v,
                padded, false, out + i * padded, padded);
    }
    for (int64_t i = 0; i < count; ++i) {
      const ConstFloats from = FloatsOf(out + i * padded);
      const Floats to = h.y.At((first + i) * h.heads * dim + h.head * dim);
      ForVectors(dim,
                 [&](size_t c, auto lanes) HWY_ATTR { Store(Load(from, c, lanes), to, c, lanes); });
    }
  }
}

// ds = p (dp - sum over keys of p dp), stored in place of dp. After the query both rows are already
// zero, and so ds is zero there.
void SoftmaxBackwardRow(const float* p, int64_t count, float* dp) {
  const DF d;
  VF dot = hn::Zero(d);
  for (int64_t j = 0; j < count; j += kLanes)
    dot = hn::MulAdd(hn::LoadU(d, p + j), hn::LoadU(d, dp + j), dot);
  const VF mean = hn::Set(d, Sum(dot));
  for (int64_t j = 0; j < count; j += kLanes) {
    hn::StoreU(hn::Mul(hn::LoadU(d, p + j), hn::Sub(hn::LoadU(d, dp + j), mean)), d, dp + j);
  }
}

// Keeps [0, count) of a row and zeroes [count, end).
void ZeroAfter(float* row, int64_t count, int64_t end) {
  std::fill(row + count, row + RoundUp(end, kLanes), 0.0f);
}

void ScatterRows(const float* x, int64_t length, int64_t stride, int64_t first, int64_t dim,
                 float scale, Floats out) {
  const VF s = hn::Set(DF(), scale);
  for (int64_t t = 0; t < length; ++t) {
    const ConstFloats from = FloatsOf(x + t * PaddedDim(dim));
    const Floats to = out.At(t * stride + first);
    ForVectors(dim, [&](size_t i, auto count)
                        HWY_ATTR { Store(hn::Mul(Load(from, i, count), s), to, i, count); });
  }
}

void AttendHeadBackwardImpl(const AttentionHead& h, Scratch& scratch) {
  const int64_t n = h.length, dim = h.head_dim, padded = PaddedDim(dim), keys = PaddedKeys(n);
  const int64_t stride = h.heads * 3 * dim, first_column = h.head * 3 * dim;
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim)));
  Parts parts(scratch.F32(ScratchFloatsImpl(n, dim, true)));
  float* q = parts.Take(n * padded);
  float* k = parts.Take(n * padded);
  float* dy = parts.Take(n * padded);  // `dy` holds v until that is transposed
  float* dk = parts.Take(n * padded);
  float* dv = parts.Take(n * padded);
  float* kt = parts.Take(dim * keys);
  float* vt = parts.Take(dim * keys);
  float* p = parts.Take(kQueries * keys);
  float* dp = parts.Take(kQueries * keys);
  float* dq = parts.Take(kQueries * padded);
  float* factors = parts.Take(keys);

  GatherRows(h.qkv, n, stride, first_column, dim, scale, q);
  GatherRows(h.qkv, n, stride, first_column + dim, dim, 1.0f, k);
  Transpose(k, n, dim, keys, kt);
  GatherRows(h.qkv, n, stride, first_column + 2 * dim, dim, 1.0f, dy);
  Transpose(dy, n, dim, keys, vt);
  GatherRows(h.dy, n, h.heads * dim, h.head * dim, dim, 1.0f, dy);
  std::fill(dk, dk + n * padded, 0.0f);
  std::fill(dv, dv + n * padded, 0.0f);

  for (int64_t first = 0; first < n; first += kQueries) {
    const int64_t count = std::min(kQueries, n - first), end = first + count;
    CausalProduct(q + first * padded, kt, first, count, dim, keys, p);
    CausalProduct(dy + first * padded, vt, first, count, dim, keys, dp);
    for (int64_t i = 0; i < count; ++i) {
      float* p_row = p + i * keys;
      float* dp_row = dp + i * keys;
      const int64_t own = first + i + 1;
      SoftmaxRow(p_row, first + i, end, h.slope);
      ZeroAfter(dp_row, own, end);
      if (h.mask) {
        KeyFactors(h, first + i, RoundUp(own, kLanes), factors);
        MultiplyRow(factors, RoundUp(own, kLanes), dp_row);
      }
      SoftmaxBackwardRow(p_row, own, dp_row);
      // from here on, p holds the probabilities that v was multiplied by
      if (h.mask) MultiplyRow(factors, RoundUp(own, kLanes), p_row);
    }
    for (int64_t i = 0; i < count; i += kGemmRows) {
      const int64_t height = std::min<int64_t>(kGemmRows, count - i);
      SmallGemm(height, padded, first + i + height, {dp + i * keys, static_cast<size_t>(keys), 1},
                k, padded, false, dq + i * padded, padded);
    }
    ScatterRows(dq, count, stride, first_column, dim, scale, h.dqkv.At(first * stride));
    // The rows of dk and dv are keys, so their left factors are the transposes of ds and p. Queries
    // before a group's first key are left out.
    for (int64_t j = 0; j < end; j += kGemmRows) {
      const int64_t height = std::min<int64_t>(kGemmRows, end - j);
      const int64_t skip = std::max<int64_t>(0, j - first);
      const float* queries = q + (first + skip) * padded;
      SmallGemm(height, padded, count - skip, {dp + skip * keys + j, 1, static_cast<size_t>(keys)},
                queries, padded, true, dk + j * padded, padded);
      SmallGemm(height, padded, count - skip, {p + skip * keys + j, 1, static_cast<size_t>(keys)},
                dy + (first + skip) * padded, padded, true, dv + j * padded, padded);
    }
  }
  ScatterRows(dk, n, stride, first_column + dim, dim, 1.0f, h.dqkv);
  ScatterRows(dv, n, stride, first_column + 2 * dim, dim, 1.0f, h.dqkv);
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(AttendHeadImpl);
HWY_EXPORT(AttendHeadBackwardImpl);
HWY_EXPORT(ScratchFloatsImpl);

void AttendHead(const AttentionHead& head, Scratch& scratch) {
  HWY_DYNAMIC_DISPATCH(AttendHeadImpl)(head, scratch);
}
int64_t AttendHeadFloats(int64_t length, int64_t head_dim, bool backward) {
  return HWY_DYNAMIC_DISPATCH(ScratchFloatsImpl)(length, head_dim, backward);
}
void AttendHeadBackward(const AttentionHead& head, Scratch& scratch) {
  HWY_DYNAMIC_DISPATCH(AttendHeadBackwardImpl)(head, scratch);
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
