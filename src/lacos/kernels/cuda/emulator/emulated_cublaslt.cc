#include "lacos/kernels/cuda/emulator/emulated_cublaslt.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace lacos::cuda::emulator {
namespace {

using namespace cublaslt;  // NOLINT: the numbers of the library

constexpr int kSuccess = 0, kInvalidValue = 7, kExecutionFailed = 13, kNotSupported = 15;

CublasLtState state;

// Counts a call. Returns whether it is the one that fails.
bool Fails(const char* function) {
  if (state.calls++ != state.failing_call) return false;
  state.failed = function;
  return true;
}

struct Description {
  int compute = 0;
  int32_t transpose = 0;
};
struct Layout {
  int type = 0;
  int64_t rows = 0, cols = 0, step = 0;
};
struct Preference {
  bool workspace = false, no_reductions = false;
};

template <class T>
int Make(void** object, const T& value) {
  ++state.objects;
  *object = new T(value);
  return kSuccess;
}
template <class T>
int Destroy(void* object) {
  --state.objects;
  delete static_cast<T*>(object);
  return kSuccess;
}

int CreateHandle(void** handle) {
  if (Fails("cublasLtCreate")) return kExecutionFailed;
  return Make(handle, 0);
}
int CreatePreference(void** preference) {
  if (Fails("cublasLtMatmulPreferenceCreate")) return kExecutionFailed;
  return Make(preference, Preference{});
}
int CreateDescription(void** description, int compute, int scale_type) {
  if (Fails("cublasLtMatmulDescCreate")) return kExecutionFailed;
  const bool known = (compute == kComputeF32 && scale_type == kF32) ||
                     (compute == kComputeI32 && scale_type == kI32);
  return known ? Make(description, Description{.compute = compute}) : kInvalidValue;
}
int SetDescription(void* description, int key, const void* value, size_t bytes) {
  if (Fails("cublasLtMatmulDescSetAttribute")) return kExecutionFailed;
  if (key != kTransposeA || bytes != sizeof(int32_t)) return kInvalidValue;
  std::memcpy(&static_cast<Description*>(description)->transpose, value, bytes);
  return kSuccess;
}
int CreateLayout(void** layout, int type, uint64_t rows, uint64_t cols, int64_t step) {
  if (Fails("cublasLtMatrixLayoutCreate")) return kExecutionFailed;
  return Make(layout, Layout{type, static_cast<int64_t>(rows), static_cast<int64_t>(cols), step});
}
int SetPreference(void* object, int key, const void* value, size_t bytes) {
  if (Fails("cublasLtMatmulPreferenceSetAttribute")) return kExecutionFailed;
  auto& preference = *static_cast<Preference*>(object);
  if (key == kPreferWorkspace && bytes == sizeof(uint64_t)) {
    preference.workspace = true;
  } else if (key == kPreferReductions && bytes == sizeof(uint32_t)) {
    preference.no_reductions = *static_cast<const uint32_t*>(value) == 0;
  } else {
    return kInvalidValue;
  }
  return kSuccess;
}

int Candidates(void*, void*, void*, void*, void*, void*, void* preference, int most,
               CublasLtCandidate* found, int* count) {
  if (Fails("cublasLtMatmulAlgoGetHeuristic")) return kExecutionFailed;
  const auto& wanted = *static_cast<Preference*>(preference);
  if (!wanted.workspace || !wanted.no_reductions) return kInvalidValue;
  if (state.no_heuristic) return kNotSupported;
  *count = std::min(most, state.candidates);
  for (int i = 0; i < *count; ++i)
    found[i] = {.algorithm = {{static_cast<uint64_t>(state.first_candidate + i)}}};
  return kSuccess;
}
int AlgorithmGet(const CublasLtAlgorithm* algorithm, int key, void* value, size_t bytes,
                 size_t* written) {
  if (Fails("cublasLtMatmulAlgoConfigGetAttribute")) return kExecutionFailed;
  if (bytes != sizeof(int32_t)) return kInvalidValue;
  const auto number = static_cast<int32_t>(algorithm->data[0]);
  const int32_t fact = key == kId          ? 60 + number
                       : key == kSplitK    ? (number == 0 ? 4 : 1)
                       : key == kReduction ? 0
                                           : 7;
  std::memcpy(value, &fact, bytes);
  *written = bytes;
  return kSuccess;
}

// d [rows, cols] = a b over `depth`; everything is stored by columns.
struct Product {
  const void *a, *b;
  void* d;
  Layout la, lb, ld;
  bool transpose, backwards;

  // Each sum is added up in the order of the depth. The rows of a column are added side by side, which
  // a compiler does faster.
  template <class Stored, class Sum, class Value>
  void Compute(const Value& value) const {
    const int64_t rows = ld.rows, depth = lb.rows;
    const auto *from_a = static_cast<const Stored*>(a), *from_b = static_cast<const Stored*>(b);
    std::vector<Sum> values(static_cast<size_t>(rows * depth)), sums(static_cast<size_t>(rows));
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t row = 0; row < rows; ++row)
        values[k * rows + row] = value(from_a[transpose ? row * la.step + k : k * la.step + row]);
    }
    for (int64_t col = 0; col < ld.cols; ++col) {
      std::fill(sums.begin(), sums.end(), Sum{0});
      for (int64_t i = 0; i < depth; ++i) {
        const int64_t k = backwards ? depth - 1 - i : i;
        const Sum factor = value(from_b[col * lb.step + k]);
        const Sum* const column = values.data() + k * rows;
        for (int64_t row = 0; row < rows; ++row) sums[row] += column[row] * factor;
      }
      std::copy(sums.begin(), sums.end(), static_cast<Sum*>(d) + col * ld.step);
    }
  }
  void Run() const {
    if (ld.type == kI32) {
      Compute<int8_t, int32_t>([](int8_t code) { return int32_t{code}; });
    } else {
      Compute<uint16_t, float>(
          [](uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); });
    }
  }
};

int Multiply(void*, void* description, const void* alpha, const void* a, void* a_layout,
             const void* b, void* b_layout, const void* beta, const void*, void*, void* d,
             void* d_layout, const CublasLtAlgorithm* algorithm, void*, size_t,
             gpu::Stream stream) {
  if (Fails("cublasLtMatmul")) return kExecutionFailed;
  if (state.products++ == state.failing_product) return kExecutionFailed;
  if (algorithm->data[0] == 0)
    return kInvalidValue;  // nobody may use the one that splits the depth
  const auto& wanted = *static_cast<Description*>(description);
  const Product p{
      .a = a,
      .b = b,
      .d = d,
      .la = *static_cast<Layout*>(a_layout),
      .lb = *static_cast<Layout*>(b_layout),
      .ld = *static_cast<Layout*>(d_layout),
      .transpose = wanted.transpose != 0,
      .backwards = algorithm->data[0] == 1 && static_cast<Layout*>(d_layout)->cols > 100};
  const bool integers = wanted.compute == kComputeI32;
  const int input = integers ? kI8 : kBF16, output = integers ? kI32 : kF32;
  if (p.la.type != input || p.lb.type != input || p.ld.type != output) return kInvalidValue;
  const int64_t depth = p.transpose ? p.la.rows : p.la.cols,
                rows = p.transpose ? p.la.cols : p.la.rows;
  if (depth != p.lb.rows || rows != p.ld.rows || p.lb.cols != p.ld.cols) return kInvalidValue;
  if (integers && !p.transpose)
    return kNotSupported;  // as the library, which has "tn" kernels only
  const bool scales =
      integers
          ? *static_cast<const int32_t*>(alpha) == 1 && *static_cast<const int32_t*>(beta) == 0
          : *static_cast<const float*>(alpha) == 1.0f && *static_cast<const float*>(beta) == 0.0f;
  if (!scales) return kInvalidValue;
  stream->Enqueue([p] { p.Run(); });
  return kSuccess;
}

}  // namespace

CublasLtState& CublasLt() { return state; }

const CublasLtFunctions& EmulatedCublasLt() {
  static const CublasLtFunctions functions = {.GetVersion = [] { return size_t{130100}; },
                                              .Create = CreateHandle,
                                              .Destroy = Destroy<int>,
                                              .DescriptionCreate = CreateDescription,
                                              .DescriptionSet = SetDescription,
                                              .DescriptionDestroy = Destroy<Description>,
                                              .LayoutCreate = CreateLayout,
                                              .LayoutDestroy = Destroy<Layout>,
                                              .PreferenceCreate = CreatePreference,
                                              .PreferenceSet = SetPreference,
                                              .PreferenceDestroy = Destroy<Preference>,
                                              .Candidates = Candidates,
                                              .AlgorithmGet = AlgorithmGet,
                                              .Multiply = Multiply};
  return functions;
}

Status HopperRuntime::Facts(int device, DeviceFacts* facts) {
  const Status status = EmulatedRuntime::Facts(device, facts);
  facts->major = 9;
  return status;
}

const CublasLtFunctions* HopperRuntime::CublasLt() {
  return has_library_ ? &EmulatedCublasLt() : nullptr;
}

}  // namespace lacos::cuda::emulator
