// Every call of the CUDA runtime and of cuBLASLt is checked. The tests make each call of some work
// fail, one at a time: the work ends in an error, or gives the right result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "lacos/kernels/cuda/cuda_backend.h"
#include "lacos/kernels/cuda/emulator/emulated_cublaslt.h"
#include "message_of.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

using cuda::CopyKind;
using cuda::DeviceFacts;
using cuda::Event;
using cuda::Status;
using cuda::emulator::CublasLt;
using cuda::emulator::EmulatedRuntime;
using cuda::emulator::HopperRuntime;
namespace gpu = cuda::gpu;

// Counts the calls and does not do the one with the number `failing`. As with NVIDIA's runtime, the next
// LastStatus returns the error of any call.
class FailingRuntime final : public EmulatedRuntime {
 public:
  Status DriverVersion(int* version) override {
    return Do("DriverVersion", [&] { return EmulatedRuntime::DriverVersion(version); });
  }
  Status DeviceCount(int* count) override {
    return Do("DeviceCount", [&] { return EmulatedRuntime::DeviceCount(count); });
  }
  Status Facts(int device, DeviceFacts* facts) override {
    return Do("Facts", [&] { return EmulatedRuntime::Facts(device, facts); });
  }
  Status SetDevice(int device) override {
    return Do("SetDevice", [&] { return EmulatedRuntime::SetDevice(device); });
  }
  Status MemoryInfo(size_t* free, size_t* total) override {
    return Do("MemoryInfo", [&] { return EmulatedRuntime::MemoryInfo(free, total); });
  }
  Status Allocate(size_t bytes, void** device) override {
    return Do("Allocate", [&] { return EmulatedRuntime::Allocate(bytes, device); });
  }
  Status Free(void* device) override {
    return Do("Free", [&] { return EmulatedRuntime::Free(device); });
  }
  Status AllocateHost(size_t bytes, void** host) override {
    return Do("AllocateHost", [&] { return EmulatedRuntime::AllocateHost(bytes, host); });
  }
  Status CreateStream(gpu::Stream* stream) override {
    return Do("CreateStream", [&] { return EmulatedRuntime::CreateStream(stream); });
  }
  Status Synchronize(gpu::Stream stream) override {
    return Do("Synchronize", [&] { return EmulatedRuntime::Synchronize(stream); });
  }
  Status CreateEvent(Event* event) override {
    return Do("CreateEvent", [&] { return EmulatedRuntime::CreateEvent(event); });
  }
  Status Record(Event event, gpu::Stream stream) override {
    return Do("Record", [&] { return EmulatedRuntime::Record(event, stream); });
  }
  Status Wait(gpu::Stream stream, Event event) override {
    return Do("Wait", [&] { return EmulatedRuntime::Wait(stream, event); });
  }
  Status Await(Event event) override {
    return Do("Await", [&] { return EmulatedRuntime::Await(event); });
  }
  Status Copy(void* to, const void* from, size_t bytes, CopyKind kind,
              gpu::Stream stream) override {
    return Do("Copy", [&] { return EmulatedRuntime::Copy(to, from, bytes, kind, stream); });
  }
  Status SetBytes(void* device, int value, size_t bytes, gpu::Stream stream) override {
    return Do("SetBytes", [&] { return EmulatedRuntime::SetBytes(device, value, bytes, stream); });
  }
  Status LastStatus() override {
    const Status status = Do("LastStatus", [] { return Status::kOk; });
    return std::exchange(last_, Status::kOk) == Status::kOk ? status : Status::kInvalidValue;
  }

  int calls = 0, failing = -1;
  std::string failed;  // the function whose call failed

 private:
  template <class F>
  Status Do(const char* function, F&& f) {
    if (calls++ != failing) return f();
    failed = function;
    return last_ = Status::kInvalidValue;
  }
  Status last_ = Status::kOk;
};

// Ops that reach every use of the runtime: scratch that grows, tables, uploads that fill the staging
// memory, a base that streams, the table of words, the optimizer. What is freed at the end is no longer
// a part of the work.
struct Work {
  explicit Work(std::shared_ptr<cuda::Runtime> runtime)
      : wb(cuda::MakeCudaBackendOn(std::move(runtime), {.compute = Compute::kBF16})) {}

  void Run() {
    Backend& gpu = wb.backend();
    std::vector<WeightId> weights;
    for (const HostMatrix& matrix : matrices) weights.push_back(gpu.AddWeight(matrix.matrix()));
    const TensorView x = wb.Normal(Role::kActivation, {kRows, kWidth}, 1);
    const TensorView y = wb.Make(Role::kActivation, {kRows, kWidth});
    const auto multiply = [&] {
      for (const WeightId weight : weights) gpu.Linear(x, weight, {}, y);
    };
    multiply();
    gpu.LinearBackward(y, weights[0], {}, x);
    gpu.LimitWeights(gpu.LeastWeightBytes());
    multiply();
    gpu.PrepareWeight(weights[0], Orientation::kForward);
    const TensorView qkv = wb.Normal(Role::kActivation, {kRows, 3 * kWidth}, 2),
                     dqkv = wb.Make(Role::kGradient, {kRows, 3 * kWidth});
    const TextLayout layout = wb.Layout({0, 1, kRows});
    gpu.AlibiAttention(qkv, layout, 1, {}, y);
    gpu.AlibiAttentionBackward(qkv, layout, 1, {}, y, dqkv);
    gpu.Embed(gpu.AddTable(words), wb.Ids({0, 3, 1}), wb.Make(Role::kResidual, {3, kWidth}));
    const TensorView parameter = wb.Normal(Role::kParameter, {300}, 3),
                     gradient = wb.Normal(Role::kParameter, {300}, 4),
                     squares = wb.Make(Role::kStatistic, {1}), bad = wb.Make(Role::kStatistic, {1});
    gpu.SumSquares(std::vector<TensorView>{gradient}, squares, bad);
    gpu.Adam8({.step = 1, .learning_rate = 1e-2}, gradient,
              {.m_codes = wb.Make(DType::kU8, {300}),
               .v_codes = wb.Make(DType::kU8, {300}),
               .m_absmax = wb.Make(DType::kF32, {2}),
               .v_absmax = wb.Make(DType::kF32, {2})},
              parameter);
    gpu.Fill(x, 1);
    gpu.Copy(x, y);
    const std::vector<std::byte> many(size_t{17} << 20);
    gpu.Upload(many, wb.Make(DType::kU8, {static_cast<int64_t>(many.size())}));
    EXPECT_GT(gpu.Memory().total, 0);
    wb.Read(y);
    gpu.Synchronize();
  }

  class Words final : public EmbeddingSource {
   public:
    int64_t rows() const override { return 5; }
    int64_t cols() const override { return kWidth; }
    void ReadRow(int64_t row, std::span<float> out) const override {
      std::fill(out.begin(), out.end(), static_cast<float>(row));
    }
  };

  static constexpr int64_t kRows = 5, kWidth = 32;
  Words words;
  std::deque<HostMatrix> matrices = [] {
    std::deque<HostMatrix> some;
    for (uint64_t i = 0; i < 14; ++i)
      some.emplace_back(kWidth, kWidth, QuantScheme::kLinear, HostMatrix::kRow, i);
    return some;
  }();
  Workbench wb;
};

TEST(CudaFailingCalls, NoneOfTheRuntimesIsIgnored) {
  std::set<std::string> failed;
  int calls = 1;
  for (int failing = -1; failing < calls; ++failing) {
    const auto runtime = std::make_shared<FailingRuntime>();
    runtime->failing = failing;
    int calls_of_work = 0;
    const std::string message = MessageOf([&] {
      Work work(runtime);
      work.Run();
      calls_of_work = runtime->calls;
    });
    if (failing < 0) {
      ASSERT_EQ(message, "no error");
      calls = calls_of_work;
      continue;
    }
    failed.insert(runtime->failed);
    EXPECT_THAT(message, ::testing::MatchesRegex("\\[[a-z]+\\] .*; expected .*; .*"))
        << runtime->failed << ", call " << failing << " of " << calls;
    if (runtime->failed != "Free") {
      EXPECT_EQ(runtime->used_bytes(), 0) << runtime->failed << ", call " << failing;
    }
  }
  EXPECT_EQ(failed.size(), 17u) << "the work calls every function: "
                                << ::testing::PrintToString(failed);
}

// A library that knows no algorithm, or nothing about one, is replaced by our own kernel.
TEST(CudaFailingCalls, NoneOfCublasLtIsIgnored) {
  const auto multiply = [] {
    Workbench wb(
        cuda::MakeCudaBackendOn(std::make_shared<HopperRuntime>(), {.compute = Compute::kBF16}));
    const HostMatrix host(32, 64, QuantScheme::kLinear, HostMatrix::kRow, 3);
    const WeightId weight = wb.backend().AddWeight(host.matrix());
    const TensorView y = wb.Make(DType::kF32, {9, 32}), dx = wb.Make(DType::kF32, {9, 64});
    wb.backend().Linear(wb.Normal(Role::kActivation, {9, 64}, 1), weight, {}, y);
    wb.backend().LinearBackward(wb.Normal(Role::kGradient, {9, 32}, 2), weight, {}, dx);
    std::vector<double> results = wb.Read(y);
    for (const double v : wb.Read(dx)) results.push_back(v);
    return results;
  };
  CublasLt() = {.first_candidate = 2, .candidates = 1};
  const std::vector<double> right = multiply();
  const int calls = CublasLt().calls;
  int errors = 0;
  for (int failing = 0; failing < calls; ++failing) {
    CublasLt() = {.first_candidate = 2, .candidates = 1, .failing_call = failing};
    std::vector<double> results = right;
    const std::string message = MessageOf([&] { results = multiply(); });
    if (message == "no error") {
      EXPECT_THAT(CublasLt().failed, ::testing::AnyOf("cublasLtMatmulAlgoGetHeuristic",
                                                      "cublasLtMatmulAlgoConfigGetAttribute"))
          << failing;
      for (size_t i = 0; i < right.size(); ++i) EXPECT_NEAR(results[i], right[i], 1e-4);
    } else {
      ++errors;
      EXPECT_THAT(message, ::testing::HasSubstr("[cuda] " + CublasLt().failed +
                                                " failed with cublasStatus_t 13"))
          << failing;
    }
    EXPECT_EQ(CublasLt().objects, 0) << message;
  }
  EXPECT_GT(errors, 20);
  CublasLt() = {};
}

}  // namespace
}  // namespace lacos::testing
