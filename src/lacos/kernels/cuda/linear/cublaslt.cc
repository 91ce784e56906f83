#include "lacos/kernels/cuda/linear/cublaslt.h"

#include <dlfcn.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "lacos/base/device_error.h"
#include "lacos/kernels/measuring.h"

namespace lacos::cuda {
namespace {

constexpr size_t kWorkspaceBytes = size_t{32} << 20;
constexpr int kCandidates = 8;
constexpr int64_t kUsualRows = 2048;  // the number of rows that algorithms are ranked for
constexpr int64_t kCheckedRows[] = {300, 1, 16, 129};

// Whether each sum is added up by one block. Kernels without split-K report 0 or 1.
bool SumsInOneBlock(const CublasLtFunctions& f, const CublasLtAlgorithm& algorithm) {
  const int split = AlgorithmFact(f, algorithm, cublaslt::kSplitK);
  return (split == 0 || split == 1) && AlgorithmFact(f, algorithm, cublaslt::kReduction) == 0;
}

std::string FolderOfThisCode() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&LoadCublasLt), &info) == 0 || info.dli_fname == nullptr)
    return ".";
  const std::string path = info.dli_fname;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

template <class F>
bool Find(void* library, const char* name, F*& function) {
  function = reinterpret_cast<F*>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

int AlgorithmFact(const CublasLtFunctions& f, const CublasLtAlgorithm& algorithm, int key) {
  int32_t value = -1;
  size_t written = 0;
  const int status = f.AlgorithmGet(&algorithm, key, &value, sizeof(value), &written);
  return status == 0 ? value : -1;
}

const CublasLtFunctions* LoadCublasLt() {
  struct Library {
    CublasLtFunctions f;
    bool complete = false;
  };
  static const Library library = [] {
    Library l;
    // The folder of NVIDIA's Python package beside ours comes second.
    void* handle = dlopen("libcublasLt.so.13", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      handle = dlopen((FolderOfThisCode() + "/../nvidia/cu13/lib/libcublasLt.so.13").c_str(),
                      RTLD_NOW | RTLD_LOCAL);
    }
    if (handle == nullptr) return l;
    CublasLtFunctions& f = l.f;
    l.complete = Find(handle, "cublasLtGetVersion", f.GetVersion) &&
                 Find(handle, "cublasLtCreate", f.Create) &&
                 Find(handle, "cublasLtDestroy", f.Destroy) &&
                 Find(handle, "cublasLtMatmulDescCreate", f.DescriptionCreate) &&
                 Find(handle, "cublasLtMatmulDescSetAttribute", f.DescriptionSet) &&
                 Find(handle, "cublasLtMatmulDescDestroy", f.DescriptionDestroy) &&
                 Find(handle, "cublasLtMatrixLayoutCreate", f.LayoutCreate) &&
                 Find(handle, "cublasLtMatrixLayoutDestroy", f.LayoutDestroy) &&
                 Find(handle, "cublasLtMatmulPreferenceCreate", f.PreferenceCreate) &&
                 Find(handle, "cublasLtMatmulPreferenceSetAttribute", f.PreferenceSet) &&
                 Find(handle, "cublasLtMatmulPreferenceDestroy", f.PreferenceDestroy) &&
                 Find(handle, "cublasLtMatmulAlgoGetHeuristic", f.Candidates) &&
                 Find(handle, "cublasLtMatmulAlgoConfigGetAttribute", f.AlgorithmGet) &&
                 Find(handle, "cublasLtMatmul", f.Multiply);
    return l;
  }();
  return library.complete ? &library.f : nullptr;
}

// The layouts of one product. The library stores by columns, so it computes the transposes: d
// [columns, rows] = a b with a our right matrix and b our left one.
struct CublasLtProducts::Layouts {
  Layouts(const CublasLtProducts& products, const Shape& shape, int64_t rows)
      : a(Make(products, cublaslt::kBF16, shape.across ? shape.columns : shape.depth,
               shape.across ? shape.depth : shape.columns)),
        b(Make(products, cublaslt::kBF16, shape.depth, rows)),
        d(Make(products, cublaslt::kF32, shape.columns, rows)) {}

  static Object Make(const CublasLtProducts& products, int type, int64_t rows, int64_t columns) {
    void* layout = nullptr;
    products.Require(products.functions_.LayoutCreate(&layout, type, static_cast<uint64_t>(rows),
                                                      static_cast<uint64_t>(columns), rows),
                     "cublasLtMatrixLayoutCreate");
    return {layout, products.functions_.LayoutDestroy};
  }

  Object a, b, d;
};

CublasLtProducts::CublasLtProducts(Context& context, const CublasLtFunctions& functions)
    : context_(context), functions_(functions) {
  if (!context.dry()) {
    void* handle = nullptr;
    Require(functions.Create(&handle), "cublasLtCreate");
    handle_ = {handle, functions.Destroy};
  }
  workspace_ = context.Allocate(kWorkspaceBytes);
}

void CublasLtProducts::Require(int status, const char* function) const {
  if (status == 0) return;
  throw DeviceError(
      DeviceError::Cause::kFailed,
      fmt::format("[cuda] {} failed with cublasStatus_t {} (cuBLASLt version {})", function, status,
                  functions_.GetVersion()),
      "expected 0; run with --compute f32 or int8, or without cuBLASLt on the library path");
}

bool CublasLtProducts::Supports(const Shape& shape) {
  auto found = pinned_.find(shape);
  if (found == pinned_.end()) found = pinned_.emplace(shape, Choose(shape)).first;
  return found->second.usable;
}

CublasLtProducts::Pinned CublasLtProducts::Choose(const Shape& shape) {
  Pinned pinned;
  // Rows of both matrices begin at multiples of kWeightAlignment and have no gaps.
  if (shape.depth % 32 != 0 || shape.columns % 32 != 0) return pinned;
  if (context_.dry()) {  // as much memory as with an algorithm
    pinned.usable = true;
    return pinned;
  }
  void* description = nullptr;
  Require(functions_.DescriptionCreate(&description, cublaslt::kComputeF32, cublaslt::kF32),
          "cublasLtMatmulDescCreate");
  pinned.description = {description, functions_.DescriptionDestroy};
  const int32_t transpose = shape.across ? 0 : 1;
  Require(
      functions_.DescriptionSet(description, cublaslt::kTransposeA, &transpose, sizeof(transpose)),
      "cublasLtMatmulDescSetAttribute");

  void* preference = nullptr;
  Require(functions_.PreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
  const Object owner(preference, functions_.PreferenceDestroy);
  const uint32_t no_reductions = 0;
  Require(functions_.PreferenceSet(preference, cublaslt::kPreferWorkspace, &kWorkspaceBytes,
                                   sizeof(kWorkspaceBytes)),
          "cublasLtMatmulPreferenceSetAttribute");
  Require(functions_.PreferenceSet(preference, cublaslt::kPreferReductions, &no_reductions,
                                   sizeof(no_reductions)),
          "cublasLtMatmulPreferenceSetAttribute");

  const Layouts layouts(*this, shape, kUsualRows);
  std::array<CublasLtCandidate, kCandidates> candidates = {};
  int count = 0;
  // A status other than success means that no algorithm is known.
  if (functions_.Candidates(handle_.get(), description, layouts.a.get(), layouts.b.get(),
                            layouts.d.get(), layouts.d.get(), preference, kCandidates,
                            candidates.data(), &count) != 0) {
    return pinned;
  }
  for (int i = 0; i < count && !pinned.usable; ++i) {
    const CublasLtCandidate& c = candidates[i];
    if (c.status != 0 || c.workspace > kWorkspaceBytes) continue;
    if (!SumsInOneBlock(functions_, c.algorithm)) continue;
    pinned.algorithm = c.algorithm;
    pinned.workspace = c.workspace;
    pinned.usable = PassesCheck(shape, pinned);
  }
  return pinned;
}

bool CublasLtProducts::PassesCheck(const Shape& shape, const Pinned& pinned) {
  const int64_t most = kCheckedRows[0];
  constexpr int64_t kPieceValues = int64_t{1} << 22;
  const int64_t needed = std::max(most, shape.columns) * shape.depth;
  const std::vector<std::byte> piece =
      NormalNumbers(2 * static_cast<size_t>(std::min(needed, kPieceValues)));
  const auto numbers = [&](int64_t n) {
    Buffer buffer = context_.Allocate(static_cast<size_t>(n) * 2);
    for (size_t at = 0; at < buffer.size(); at += piece.size()) {
      const size_t bytes = std::min(piece.size(), buffer.size() - at);
      context_.Upload(std::span<const std::byte>(piece).first(bytes), buffer.data() + at);
    }
    return buffer;
  };
  const Buffer left = numbers(most * shape.depth), right = numbers(shape.columns * shape.depth);
  const Buffer sums = context_.Allocate(static_cast<size_t>(most * shape.columns) * sizeof(float));
  auto* const out = reinterpret_cast<float*>(sums.data());
  std::vector<std::byte> first, row(static_cast<size_t>(shape.columns) * sizeof(float));
  for (const int64_t rows : kCheckedRows) {
    Run(shape, pinned, rows, left.data(), right.data(), out);
    context_.Download(out, row);
    if (first.empty()) first = row;
    if (row != first) return false;
  }
  return true;
}

void CublasLtProducts::Run(const Shape& shape, const Pinned& pinned, int64_t rows, const void* left,
                           const void* right, float* sums) {
  if (context_.dry()) return;
  const Layouts layouts(*this, shape, rows);
  const float one = 1, zero = 0;
  Require(functions_.Multiply(handle_.get(), pinned.description.get(), &one, right, layouts.a.get(),
                              left, layouts.b.get(), &zero, sums, layouts.d.get(), sums,
                              layouts.d.get(), &pinned.algorithm, workspace_.data(),
                              kWorkspaceBytes, context_.stream()),
          "cublasLtMatmul");
}

void CublasLtProducts::Multiply(const Shape& shape, int64_t rows, const void* left,
                                const void* right, float* sums) {
  LACOS_CHECK(Supports(shape), "a shape with an algorithm");
  Run(shape, pinned_.at(shape), rows, left, right, sums);
}

std::string CublasLtProducts::Version() const {
  const size_t version = functions_.GetVersion();  // 130100 is 13.1.0
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

std::string CublasLtProducts::Algorithms() const {
  std::string text;
  for (const auto& [shape, pinned] : pinned_) {
    text += fmt::format("{}{}x{}{}: ", text.empty() ? "" : "; ", shape.columns, shape.depth,
                        shape.across ? " backward" : "");
    if (!pinned.usable) {
      text += "own kernel";
      continue;
    }
    text += fmt::format("algorithm {} tile {} stages {}",
                        AlgorithmFact(functions_, pinned.algorithm, cublaslt::kId),
                        AlgorithmFact(functions_, pinned.algorithm, cublaslt::kTile),
                        AlgorithmFact(functions_, pinned.algorithm, cublaslt::kStages));
  }
  return text;
}

}  // namespace lacos::cuda
