// Products by cuBLASLt, whose functions are played by the test: which algorithm is pinned, that the
// results are those of our own kernel, and what happens when calls fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lacos/base/error.h"
#include "lacos/kernels/cuda/cuda_backend.h"
#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "lacos/kernels/cuda/linear/frozen_linear.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

using cuda::CublasLtAlgorithm;
using cuda::CublasLtCandidate;
using cuda::CublasLtFunctions;

// What the played library was asked, and how it shall behave.
struct Library {
  int objects = 0;  // descriptions, layouts, preferences and handles that exist
  int products = 0;
  int candidates = 3;  // how many algorithms are offered
  int failing_product = -1;
  bool no_heuristic = false;
} library;

struct Description {
  int32_t transpose = 0;
};
struct Layout {
  int type = 0;
  int64_t rows = 0, cols = 0, step = 0;
};

int Create(void** handle) {
  ++library.objects;
  *handle = &library;
  return 0;
}
int DestroyHandle(void*) {
  --library.objects;
  return 0;
}
template <class T>
int Destroy(void* object) {
  --library.objects;
  delete static_cast<T*>(object);
  return 0;
}
int CreateDescription(void** description, int compute, int scale_type) {
  EXPECT_EQ(compute, 68);
  EXPECT_EQ(scale_type, 0);
  ++library.objects;
  *description = new Description;
  return 0;
}
int SetDescription(void* description, int key, const void* value, size_t bytes) {
  EXPECT_EQ(key, 3);
  EXPECT_EQ(bytes, sizeof(int32_t));
  std::memcpy(&static_cast<Description*>(description)->transpose, value, bytes);
  return 0;
}
int CreateLayout(void** layout, int type, uint64_t rows, uint64_t cols, int64_t step) {
  ++library.objects;
  *layout = new Layout{type, static_cast<int64_t>(rows), static_cast<int64_t>(cols), step};
  return 0;
}
int CreatePreference(void** preference) {
  ++library.objects;
  *preference = new int(0);
  return 0;
}
int SetPreference(void* preference, int key, const void* value, size_t) {
  if (key == 3) {
    EXPECT_EQ(*static_cast<const uint32_t*>(value), 0u) << "no reductions";
  }
  *static_cast<int*>(preference) |= 1 << key;
  return 0;
}

// Algorithm 0 splits the depth, algorithm 1 adds in another order from 100 rows on, algorithm 2 is
// fit.
int Candidates(void*, void*, void*, void*, void*, void*, void* preference, int most,
               CublasLtCandidate* found, int* count) {
  EXPECT_EQ(*static_cast<int*>(preference), 1 << 1 | 1 << 3);
  if (library.no_heuristic) return 15;
  *count = std::min(most, library.candidates);
  for (int i = 0; i < *count; ++i) found[i] = {.algorithm = {{static_cast<uint64_t>(i)}}};
  return 0;
}
int AlgorithmFact(const CublasLtAlgorithm* algorithm, int key, void* value, size_t bytes,
                  size_t* written) {
  const int32_t fact = key == 0   ? 60 + static_cast<int32_t>(algorithm->data[0])
                       : key == 2 ? (algorithm->data[0] == 0 ? 4 : 1)
                       : key == 3 ? 0
                                  : 7;
  std::memcpy(value, &fact, bytes);
  *written = bytes;
  return 0;
}

float BF16At(const void* data, int64_t i) {
  float value = 0;
  EXPECT_TRUE(DecodeToFloat(DType::kBF16, static_cast<const std::byte*>(data) + 2 * i, 1, &value));
  return value;
}

// d = a b with everything stored by columns, as the library's manual says.
int Multiply(void*, void* description, const void* alpha, const void* a, void* a_layout,
             const void* b, void* b_layout, const void* beta, const void*, void*, void* d,
             void* d_layout, const CublasLtAlgorithm* algorithm, void*, size_t,
             cuda::gpu::Stream stream) {
  EXPECT_NE(algorithm->data[0], 0u) << "a product by the algorithm that splits the depth";
  if (library.products++ == library.failing_product) return 13;
  EXPECT_EQ(*static_cast<const float*>(alpha), 1.0f);
  EXPECT_EQ(*static_cast<const float*>(beta), 0.0f);
  const bool transpose = static_cast<Description*>(description)->transpose != 0;
  const Layout la = *static_cast<Layout*>(a_layout), lb = *static_cast<Layout*>(b_layout),
               ld = *static_cast<Layout*>(d_layout);
  EXPECT_EQ(la.type, 14);
  EXPECT_EQ(lb.type, 14);
  EXPECT_EQ(ld.type, 0);
  const int64_t depth = lb.rows;
  EXPECT_EQ(transpose ? la.rows : la.cols, depth);
  EXPECT_EQ(transpose ? la.cols : la.rows, ld.rows);
  EXPECT_EQ(lb.cols, ld.cols);
  const bool backwards = algorithm->data[0] == 1 && ld.cols > 100;
  stream->Enqueue([=] {
    for (int64_t row = 0; row < ld.rows; ++row) {
      for (int64_t col = 0; col < ld.cols; ++col) {
        float sum = 0;
        for (int64_t i = 0; i < depth; ++i) {
          const int64_t k = backwards ? depth - 1 - i : i;
          sum = std::fma(BF16At(a, transpose ? row * la.step + k : k * la.step + row),
                         BF16At(b, col * lb.step + k), sum);
        }
        static_cast<float*>(d)[col * ld.step + row] = sum;
      }
    }
  });
  return 0;
}

const CublasLtFunctions kPlayed = {.GetVersion = [] { return size_t{130100}; },
                                   .Create = Create,
                                   .Destroy = DestroyHandle,
                                   .DescriptionCreate = CreateDescription,
                                   .DescriptionSet = SetDescription,
                                   .DescriptionDestroy = Destroy<Description>,
                                   .LayoutCreate = CreateLayout,
                                   .LayoutDestroy = Destroy<Layout>,
                                   .PreferenceCreate = CreatePreference,
                                   .PreferenceSet = SetPreference,
                                   .PreferenceDestroy = Destroy<int>,
                                   .Candidates = Candidates,
                                   .AlgorithmGet = AlgorithmFact,
                                   .Multiply = Multiply};

// A Hopper card, with or without the library.
class HopperRuntime : public cuda::emulator::EmulatedRuntime {
 public:
  explicit HopperRuntime(bool has_library) : has_library_(has_library) {}
  cuda::Status Facts(int device, cuda::DeviceFacts* facts) override {
    const cuda::Status status = EmulatedRuntime::Facts(device, facts);
    facts->major = 9;
    return status;
  }
  const CublasLtFunctions* CublasLt() override { return has_library_ ? &kPlayed : nullptr; }

 private:
  bool has_library_;
};

struct Outcome {
  std::vector<double> y, dx;
  std::string description;
};

// A product and its backward pass, with everything that epilogues do.
Outcome RunProducts(bool has_library, int64_t rows, int64_t out, int64_t in, QuantScheme scheme) {
  Workbench wb(cuda::MakeCudaBackendOn(std::make_shared<HopperRuntime>(has_library),
                                       {.compute = Compute::kBF16}));
  const HostMatrix host(out, in, scheme, HostMatrix::kRow, 3);
  Backend& backend = wb.backend();
  const WeightId weight = backend.AddWeight(host.matrix());
  const TensorView x = wb.Normal(Role::kActivation, {rows, in}, 1);
  const TensorView dy = wb.Normal(Role::kGradient, {rows, out}, 2);
  const TensorView y = wb.Make(DType::kF32, {rows, out}), dx = wb.Make(DType::kF32, {rows, in});
  const TensorView z = wb.Normal(Role::kStatistic, {rows - 1, 5}, 3);
  backend.Linear(x, weight,
                 {.bias = wb.Normal(Role::kParameter, {out}, 4),
                  .lora = {{.begin = 1,
                            .end = rows,
                            .z = z,
                            .b = wb.Normal(Role::kParameter, {out, 5}, 5),
                            .scale = 2}}},
                 y);
  backend.LinearBackward(dy, weight,
                         {.lora = {{.begin = 1,
                                    .end = rows,
                                    .dz = z,
                                    .a = wb.Normal(Role::kParameter, {5, in}, 6),
                                    .scale = 2}}},
                         dx);
  return {wb.Read(y), wb.Read(dx), backend.Describe().kernels.front()};
}

TEST(CublasLt, ComputesWhatOurKernelComputes) {
  for (const QuantScheme scheme :
       {QuantScheme::kLinear, QuantScheme::kDynamic, QuantScheme::kNone}) {
    library = {};
    const Outcome by_library = RunProducts(true, 37, 64, 96, scheme),
                  own = RunProducts(false, 37, 64, 96, scheme);
    EXPECT_EQ(library.objects, 0) << "everything is destroyed";
    EXPECT_THAT(by_library.description, ::testing::HasSubstr("cuBLASLt 13.1.0"));
    // algorithms 0 and 1 are unfit
    EXPECT_THAT(by_library.description, ::testing::HasSubstr("64x96: algorithm 62"));
    EXPECT_THAT(by_library.description, ::testing::HasSubstr("96x64 backward: algorithm 62"));
    EXPECT_THAT(own.description, ::testing::HasSubstr("mma.sync"));
    // Both sum in f32, in their own orders: 96 terms, each at most some 5.
    for (size_t i = 0; i < own.y.size(); ++i) EXPECT_NEAR(by_library.y[i], own.y[i], 1e-4);
    for (size_t i = 0; i < own.dx.size(); ++i) EXPECT_NEAR(by_library.dx[i], own.dx[i], 1e-4);
  }
}

TEST(CublasLt, OurKernelIsUsedWhereNoAlgorithmIsFit) {
  const Outcome own = RunProducts(false, 9, 64, 96, QuantScheme::kLinear);
  for (const int candidates : {0, 1, 2}) {
    library = {.candidates = candidates};
    const Outcome outcome = RunProducts(true, 9, 64, 96, QuantScheme::kLinear);
    EXPECT_THAT(outcome.description, ::testing::HasSubstr("64x96: own kernel"));
    EXPECT_EQ(outcome.y, own.y);
    EXPECT_EQ(outcome.dx, own.dx);
  }
  library = {.no_heuristic = true};
  EXPECT_EQ(RunProducts(true, 9, 64, 96, QuantScheme::kLinear).y, own.y);
  library = {};
  const Outcome odd = RunProducts(true, 9, 50, 33, QuantScheme::kLinear);
  EXPECT_EQ(library.products, 0) << "widths that are no multiples of 32";
  EXPECT_EQ(odd.y, RunProducts(false, 9, 50, 33, QuantScheme::kLinear).y);
}

TEST(CublasLt, AFailingCallIsNamed) {
  library = {.failing_product = 9};  // after the checks of the two candidates
  try {
    RunProducts(true, 9, 64, 96, QuantScheme::kLinear);
    FAIL() << "no error";
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("cublasLtMatmul failed with cublasStatus_t 13"));
  }
  EXPECT_EQ(library.objects, 0);
}

}  // namespace
}  // namespace lacos::testing
