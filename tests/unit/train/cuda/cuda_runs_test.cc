// Runs on the GPU that end early: killed, out of memory, or because the GPU fails. The last checkpoint
// is intact, and the run goes on from it on either device. Runs that do not fit are refused.
#include <gmock/gmock.h>
#include <signal.h>

#include <cstdlib>
#include <functional>
#include <map>

#include "lacos/base/error.h"
#include "message_of.h"
#include "unit/train/cuda/emulated_training.h"
#include "unit/train/training_bench.h"

namespace lacos::testing {
namespace {

using cuda::Status;
using cuda::emulator::EmulatedRuntime;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class CudaRuns : public EmulatedTraining {
 protected:
  // Four steps of a tiny model with a checkpoint after each.
  TrainOptions FourSteps(const Device& device, const std::string& output) {
    TrainOptions options = Options(Compute::kF32, device, output);
    options.model = TinyModel("a");
    options.settings.max_steps = 4;
    options.run.save_every = 1;
    return options;
  }
  static TrainOptions Resumed(TrainOptions options, const Device& device) {
    options.device = device;
    options.run.resume = true;
    options.run.writing.overwrite = false;
    return options;
  }
  // Runs once a device and keeps the losses.
  std::vector<double> LossesOfAWholeRun(const Device& device) {
    static std::map<DeviceKind, std::vector<double>> losses;
    std::vector<double>& of_device = losses[device.kind];
    if (of_device.empty()) {
      Losses whole;
      Train(FourSteps(device, "whole"), {&whole}, {});
      EXPECT_EQ(whole.values.size(), 4u);
      of_device = whole.values;
    }
    return of_device;
  }
};

// Calls a function after a checkpoint.
struct AfterCheckpoint : TrainObserver {
  AfterCheckpoint(int64_t step, std::function<void()> f) : at(step), action(std::move(f)) {}
  void OnCheckpoint(int64_t step, const std::string&) override {
    if (step == at) action();
  }
  int64_t at;
  std::function<void()> action;
};

void ExpectRestOf(const std::vector<double>& whole, const std::vector<double>& rest,
                  double tolerance) {
  ASSERT_LE(rest.size(), whole.size());
  const size_t skipped = whole.size() - rest.size();
  for (size_t i = 0; i < rest.size(); ++i)
    EXPECT_NEAR(rest[i], whole[skipped + i], tolerance * whole[skipped + i]) << "step " << i;
}

TEST_F(CudaRuns, GoOnOnTheOtherDeviceAndSaySo) {
  for (const bool from_cuda : {true, false}) {
    const Device first = from_cuda ? kCuda : Device{}, second = from_cuda ? Device{} : kCuda;
    const TrainOptions options = FourSteps(first, "run");
    int calls = 0;
    EXPECT_TRUE(Train(options, {}, [&] { return ++calls == 2; }).interrupted);
    Losses rest;
    Train(Resumed(options, second), {&rest}, {});
    EXPECT_THAT(rest.messages,
                Contains(AllOf(HasSubstr(from_cuda ? "began on cuda" : "began on cpu"),
                               HasSubstr(from_cuda ? "goes on on cpu" : "goes on on cuda"),
                               HasSubstr("kernels round differently"))));
    EXPECT_EQ(rest.values.size(), 2u);
    ExpectRestOf(LossesOfAWholeRun(second), rest.values, 1e-4);
  }
}

// The child process runs this test again up to its death, in the parent's folder.
TEST_F(CudaRuns, ThatAreKilledGoOnOnTheOtherDevice) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  setenv("LACOS_CUDA_TEST_FOLDER", folder_.c_str(), /*overwrite=*/0);
  const TrainOptions options = FourSteps(kCuda, "killed");
  EXPECT_EXIT(
      {
        AfterCheckpoint kill(3, [] { raise(SIGKILL); });
        Train(options, {&kill}, {});
      },
      ::testing::KilledBySignal(SIGKILL), "");
  unsetenv("LACOS_CUDA_TEST_FOLDER");
  Losses rest;
  Train(Resumed(options, {}), {&rest}, {});
  EXPECT_EQ(rest.values.size(), 1u);
  ExpectRestOf(LossesOfAWholeRun({}), rest.values, 1e-4);
}

TEST_F(CudaRuns, ThatRunOutOfMemoryNameTheOpAndTheBytesAndGoOnFromTheirCheckpoint) {
  const TrainOptions options = FourSteps(kCuda, "memory");
  // Another process takes what is free; the second step needs the optimizer's tables.
  AfterCheckpoint fill(
      1, [] { TheGpu()->others_bytes = TheGpu()->total_bytes - TheGpu()->used_bytes(); });
  const std::string message = MessageOf([&] { Train(options, {&fill}, {}); });
  EXPECT_THAT(message, ::testing::ContainsRegex(
                           R"(\[cuda\] [A-Z][A-Za-z0-9]+: GPU 0 has no [0-9.]+ [kMG]?B left)"));
  TheGpu()->others_bytes = 0;
  Losses rest;
  Train(Resumed(options, kCuda), {&rest}, {});
  EXPECT_EQ(rest.values.size(), 3u);
  ExpectRestOf(LossesOfAWholeRun(kCuda), rest.values, 0);
}

// A GPU that reports the same error from some time on.
class FailingGpu : public EmulatedRuntime {
 public:
  Status LastStatus() override { return sticky; }
  Status Synchronize(cuda::gpu::Stream stream) override {
    return sticky == Status::kOk ? EmulatedRuntime::Synchronize(stream) : sticky;
  }
  Status sticky = Status::kOk;
};

TEST_F(CudaRuns, WhoseGpuFailsNameTheOpAndGoOnFromTheirCheckpoint) {
  const auto gpu = std::make_shared<FailingGpu>();
  TheGpu() = gpu;
  const TrainOptions options = FourSteps(kCuda, "failing");
  AfterCheckpoint fail(2, [&] { gpu->sticky = Status::kIllegalAddress; });
  const std::string message = MessageOf([&] { Train(options, {&fail}, {}); });
  EXPECT_THAT(message, AllOf(::testing::ContainsRegex(R"(\[cuda\] [A-Z][A-Za-z0-9]+ on GPU 0)"),
                             HasSubstr("700"), HasSubstr("goes on from its last checkpoint")));
  TheGpu() = std::make_shared<EmulatedRuntime>();
  Losses rest;
  Train(Resumed(options, kCuda), {&rest}, {});
  EXPECT_EQ(rest.values.size(), 2u);
  ExpectRestOf(LossesOfAWholeRun(kCuda), rest.values, 0);
}

TEST_F(CudaRuns, ThatCannotFitAreRefusedBeforeTheirFirstStep) {
  TrainOptions options = Options(Compute::kBF16, kCuda, "large");
  options.settings.batch_size = 16;
  options.settings.gradient_strategy = StrategyChoice::kDirect;
  const int64_t peak = PlanRun(options).chosen.peak_bytes;
  const auto refusal =
      AllOf(HasSubstr("[memory] this run needs"), HasSubstr("95 % of the free memory"),
            HasSubstr("lower `batch_size`"), HasSubstr("use `stream_layers`"));
  Losses losses;
  const int64_t total = TheGpu()->total_bytes;
  TheGpu()->total_bytes = peak * 4 / 5;
  EXPECT_THAT(MessageOf([&] { Train(options, {&losses}, {}); }), refusal);
  // On a larger card, another process holds most of the memory.
  TheGpu()->total_bytes = total;
  TheGpu()->others_bytes = total - peak * 4 / 5;
  EXPECT_THAT(MessageOf([&] { Train(options, {&losses}, {}); }), refusal);
  EXPECT_TRUE(losses.values.empty());
}

}  // namespace
}  // namespace lacos::testing
