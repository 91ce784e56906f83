#include "gpu/cublaslt_candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/kernels/cuda/context.h"
#include "lacos/kernels/cuda/linear/cublaslt_api.h"
#include "lacos/kernels/measuring.h"

namespace lacos::bench {
namespace {

using namespace cuda;

constexpr size_t kWorkspaceBytes = size_t{32} << 20;
constexpr int kMostCandidates = 8;

// d [rows, columns] = left [rows, depth] times the right matrix [columns, depth], or [depth, columns] if
// it lies across the depth, as CublasLtProducts computes them.
struct Shape {
  bool integers = false;
  int64_t columns = 0, depth = 0;
  bool across = false;
  int64_t ValueBytes() const { return integers ? 1 : 2; }
};

void Require(int status, const char* function) {
  if (status != 0)
    throw UserError(
        fmt::format("[cuBLASLt] {} failed with cublasStatus_t {}; expected 0; install another "
                    "version of the library",
                    function, status));
}

// An object of the library, which it destroys by a function of its own.
using Object = std::unique_ptr<void, int (*)(void*)>;

class Library {
 public:
  Library(Context& context, const CublasLtFunctions& functions)
      : context_(context), f_(functions), workspace_(context.Allocate(kWorkspaceBytes)) {
    void* handle = nullptr;
    Require(f_.Create(&handle), "cublasLtCreate");
    handle_ = {handle, f_.Destroy};
  }

  const CublasLtFunctions& functions() const { return f_; }
  Context& context() { return context_; }

  Object NewDescription(const Shape& shape) {
    void* made = nullptr;
    Require(
        f_.DescriptionCreate(&made, shape.integers ? cublaslt::kComputeI32 : cublaslt::kComputeF32,
                             shape.integers ? cublaslt::kI32 : cublaslt::kF32),
        "cublasLtMatmulDescCreate");
    Object description(made, f_.DescriptionDestroy);
    const int32_t transpose = shape.across ? 0 : 1;
    Require(f_.DescriptionSet(made, cublaslt::kTransposeA, &transpose, sizeof(transpose)),
            "cublasLtMatmulDescSetAttribute");
    return description;
  }
  Object NewLayout(int type, int64_t rows, int64_t columns) {
    void* made = nullptr;
    Require(f_.LayoutCreate(&made, type, static_cast<uint64_t>(rows),
                            static_cast<uint64_t>(columns), rows),
            "cublasLtMatrixLayoutCreate");
    return {made, f_.LayoutDestroy};
  }

  // The layouts of the right matrix, the left one and the result. The library stores by columns.
  std::array<Object, 3> Layouts(const Shape& s, int64_t rows) {
    const int input = s.integers ? cublaslt::kI8 : cublaslt::kBF16;
    return {s.across ? NewLayout(input, s.columns, s.depth) : NewLayout(input, s.depth, s.columns),
            NewLayout(input, s.depth, rows),
            NewLayout(s.integers ? cublaslt::kI32 : cublaslt::kF32, s.columns, rows)};
  }

  // The algorithms for this number of rows that add each sum in one block.
  std::vector<CublasLtAlgorithm> Candidates(const Shape& shape, int64_t rows) {
    void* made = nullptr;
    Require(f_.PreferenceCreate(&made), "cublasLtMatmulPreferenceCreate");
    const Object preference(made, f_.PreferenceDestroy);
    const uint32_t no_reductions = 0;
    Require(f_.PreferenceSet(made, cublaslt::kPreferWorkspace, &kWorkspaceBytes,
                             sizeof(kWorkspaceBytes)),
            "cublasLtMatmulPreferenceSetAttribute");
    Require(
        f_.PreferenceSet(made, cublaslt::kPreferReductions, &no_reductions, sizeof(no_reductions)),
        "cublasLtMatmulPreferenceSetAttribute");
    const Object description = NewDescription(shape);
    const auto layouts = Layouts(shape, rows);
    std::array<CublasLtCandidate, kMostCandidates> found = {};
    int count = 0;
    if (f_.Candidates(handle_.get(), description.get(), layouts[0].get(), layouts[1].get(),
                      layouts[2].get(), layouts[2].get(), made, kMostCandidates, found.data(),
                      &count) != 0)
      return {};
    std::vector<CublasLtAlgorithm> usable;
    for (int i = 0; i < count; ++i) {
      const int split = AlgorithmFact(f_, found[i].algorithm, cublaslt::kSplitK);
      if (found[i].status == 0 && found[i].workspace <= kWorkspaceBytes &&
          (split == 0 || split == 1))
        usable.push_back(found[i].algorithm);
    }
    return usable;
  }

  // Queues a product. Returns false if the library refuses the algorithm for this number of rows.
  bool Multiply(const Shape& shape, const CublasLtAlgorithm& algorithm, int64_t rows,
                const std::byte* left, const std::byte* right, std::byte* sums) {
    const Object description = NewDescription(shape);
    const auto layouts = Layouts(shape, rows);
    const float one = 1, zero = 0;
    const int32_t integer_one = 1, integer_zero = 0;
    return f_.Multiply(handle_.get(), description.get(),
                       shape.integers ? static_cast<const void*>(&integer_one) : &one, right,
                       layouts[0].get(), left, layouts[1].get(),
                       shape.integers ? static_cast<const void*>(&integer_zero) : &zero, sums,
                       layouts[2].get(), sums, layouts[2].get(), &algorithm, workspace_.data(),
                       kWorkspaceBytes, context_.stream()) == 0;
  }

  Buffer Numbers(int64_t bytes) {
    Buffer buffer = context_.Allocate(static_cast<size_t>(bytes));
    context_.Upload(NormalNumbers(static_cast<size_t>(bytes)), buffer.data());
    return buffer;
  }

 private:
  Context& context_;
  const CublasLtFunctions& f_;
  Buffer workspace_;
  Object handle_{nullptr, nullptr};
};

// The operands of a shape. Products go through several copies of the right matrix in turn, as a step
// goes through the blocks of a base, whose matrices are not in the cache.
class Operands {
 public:
  Operands(Library& library, const Shape& shape, int64_t most_rows)
      : library_(library),
        shape_(shape),
        left_(library.Numbers(most_rows * shape.depth * shape.ValueBytes())),
        sums_(library.context().Allocate(static_cast<size_t>(most_rows * shape.columns) * 4)) {
    const int64_t bytes = shape.columns * shape.depth * shape.ValueBytes();
    do {
      right_.push_back(library.Numbers(bytes));
    } while (right_.size() * static_cast<size_t>(bytes) < TheSizes().rotated_bytes);
  }

  // Seconds of a product, or nothing if the algorithm does not work with this number of rows.
  std::optional<double> Seconds(const CublasLtAlgorithm& algorithm, int64_t rows) {
    if (!Multiply(algorithm, rows, 0)) return std::nullopt;
    size_t turn = 0;
    return MedianSeconds([&] { Multiply(algorithm, rows, turn++ % right_.size()); },
                         [&] { library_.context().Synchronize(); });
  }

  // The first number of rows with which row 0 has other bytes than alone.
  std::optional<int64_t> RowDiffersAt(const CublasLtAlgorithm& algorithm,
                                      const std::vector<int64_t>& more) {
    std::vector<int64_t> counts = more;
    for (int64_t rows = 1; rows <= TheSizes().most_checked_rows; ++rows) counts.push_back(rows);
    std::sort(counts.begin(), counts.end());
    std::vector<std::byte> alone, row(static_cast<size_t>(shape_.columns) * 4);
    for (const int64_t rows : counts) {
      if (!Multiply(algorithm, rows, 0)) return rows;
      library_.context().Download(sums_.data(), row);
      if (alone.empty()) alone = row;
      if (row != alone) return rows;
    }
    return std::nullopt;
  }

 private:
  bool Multiply(const CublasLtAlgorithm& algorithm, int64_t rows, size_t copy) {
    return library_.Multiply(shape_, algorithm, rows, left_.data(), right_[copy].data(),
                             sums_.data());
  }

  Library& library_;
  Shape shape_;
  Buffer left_, sums_;
  std::vector<Buffer> right_;
};

Json CandidateJson(Library& library, Operands& operands, const CublasLtAlgorithm& algorithm) {
  const auto fact = [&](int key) { return AlgorithmFact(library.functions(), algorithm, key); };
  Json json = Json::Object(), times = Json::Object();
  json.Set("id", fact(cublaslt::kId));
  json.Set("tile", fact(cublaslt::kTile));
  json.Set("stages", fact(cublaslt::kStages));
  json.Set("reduction", fact(cublaslt::kReduction));
  for (const int64_t rows : TheSizes().rows) {
    const std::optional<double> seconds = operands.Seconds(algorithm, rows);
    times.Set(fmt::format("{}", rows), seconds ? Json(*seconds * 1e6) : Json());
  }
  json.Set("microseconds", times);
  const std::optional<int64_t> differs = operands.RowDiffersAt(algorithm, TheSizes().rows);
  json.Set("row_differs_at", differs ? Json(*differs) : Json());
  return json;
}

std::optional<double> BestRate(Library& library, const Shape& shape, int64_t rows) {
  Operands operands(library, shape, rows);
  std::optional<double> best;
  for (const CublasLtAlgorithm& algorithm : library.Candidates(shape, rows)) {
    const std::optional<double> seconds = operands.Seconds(algorithm, rows);
    if (seconds && (!best || *seconds < *best)) best = seconds;
  }
  if (!best) return std::nullopt;
  return 2.0 * static_cast<double>(rows) * static_cast<double>(shape.columns) *
         static_cast<double>(shape.depth) / *best;
}

// What `f` returns for the library on the first GPU, or an empty result without cuBLASLt.
template <class F>
std::invoke_result_t<F, Library&> WithLibrary(F&& f) {
  Context context(TheRuntime(), 0);
  context.BeginOp("cuBLASLt");
  const CublasLtFunctions* functions = context.CublasLt();
  if (functions == nullptr) return {};
  Library library(context, *functions);
  return f(library);
}

Json CandidatesOf(Library& library) {
  const int64_t most_rows =
      std::max(*std::max_element(TheSizes().rows.begin(), TheSizes().rows.end()),
               TheSizes().most_checked_rows);
  Json products = Json::Array();
  for (const Sizes::Model& model : TheSizes().models) {
    const int64_t d = model.width;
    const std::pair<int64_t, int64_t> matrices[] = {{3 * d, d}, {d, d}, {4 * d, d}, {d, 4 * d}};
    for (const auto& [out, in] : matrices) {
      // Forward products, bf16 and int8; backward products over a matrix as it lies (bf16), and over a
      // transposed copy of its codes, which is another product along the depth.
      const Shape shapes[] = {{false, out, in, false},
                              {false, in, out, true},
                              {true, out, in, false},
                              {true, in, out, false}};
      for (const Shape& shape : shapes) {
        Operands operands(library, shape, most_rows);
        Json candidates = Json::Array(), product = Json::Object();
        // The rows for which CublasLtProducts asks.
        for (const CublasLtAlgorithm& algorithm : library.Candidates(shape, 2048))
          candidates.Append(CandidateJson(library, operands, algorithm));
        product.Set("model", model.name);
        product.Set("type", shape.integers ? "int8" : "bf16");
        product.Set("columns", shape.columns);
        product.Set("depth", shape.depth);
        product.Set("across", shape.across);
        product.Set("candidates", candidates);
        products.Append(product);
      }
    }
  }
  const size_t version = library.functions().GetVersion();
  Json json = Json::Object();
  json.Set("version", fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100));
  json.Set("products", products);
  return json;
}

}  // namespace

Json CublasLtCandidates() { return WithLibrary(CandidatesOf); }

CublasLtCeiling MeasureCublasLtCeiling(int64_t width) {
  return WithLibrary([&](Library& library) -> CublasLtCeiling {
    return {.bf16 = BestRate(library, {false, width, width, false}, width),
            .int8 = BestRate(library, {true, width, width, false}, width)};
  });
}

}  // namespace lacos::bench
