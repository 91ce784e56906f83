// What the CUDA backend says and does if the driver, the GPU, its memory or a call fails. A stub of the
// runtime makes the calls fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <memory>

#include "lacos/base/error.h"
#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "message_of.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

using cuda::DeviceFacts;
using cuda::Status;
using cuda::emulator::EmulatedRuntime;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A machine with other drivers and GPUs.
class Machine : public EmulatedRuntime {
 public:
  Status DriverVersion(int* version) override {
    *version = driver;
    return driver_status;
  }
  Status DeviceCount(int* count) override {
    *count = devices;
    return count_status;
  }
  Status Facts(int device, DeviceFacts* facts) override {
    const Status status = EmulatedRuntime::Facts(0, facts);
    facts->name = name.empty() ? "test GPU " + std::to_string(device) : name;
    facts->major = major;
    facts->minor = minor;
    return status;
  }
  Status SetDevice(int device) override {
    chosen = device;
    return Status::kOk;
  }
  Status LastStatus() override {
    ++launches_checked;
    return launches_checked > healthy_launches && !fails_late ? sticky : Status::kOk;
  }
  Status Synchronize(cuda::gpu::Stream stream) override {
    if (launches_checked > healthy_launches) return sticky;
    return EmulatedRuntime::Synchronize(stream);
  }

  std::string name;
  int driver = 13000, devices = 1, major = 9, minor = 0, chosen = -1;
  Status driver_status = Status::kOk, count_status = Status::kOk, sticky = Status::kOk;
  int launches_checked = 0, healthy_launches = 1 << 30;
  bool fails_late = false;  // launches succeed, and the error of a kernel shows at the next wait
};

std::string MessageOfOpening(const std::shared_ptr<Machine>& machine, int index = 0) {
  return MessageOf([&] { MakeEmulatedCudaBackend({.runtime = machine, .index = index}); });
}

// Every message says what was found, what was expected and what to do.
void ExpectFourParts(const std::string& message, const std::string& where) {
  EXPECT_THAT(message, ::testing::StartsWith("[" + where + "] "));
  EXPECT_EQ(std::count(message.begin(), message.end(), ';'), 2) << message;
  EXPECT_THAT(message, HasSubstr("; expected "));
}

TEST(CudaDevice, WithoutADriverTheMessageNamesTheDriver) {
  const auto machine = std::make_shared<Machine>();
  machine->driver = 0;
  const std::string message = MessageOfOpening(machine);
  ExpectFourParts(message, "device");
  EXPECT_THAT(message, AllOf(HasSubstr("no NVIDIA driver"), HasSubstr("580 or newer")));
}

TEST(CudaDevice, AnOldDriverIsNamedWithTheVersionItHasAndNeeds) {
  const auto machine = std::make_shared<Machine>();
  machine->driver = 12080;
  std::string message = MessageOfOpening(machine);
  ExpectFourParts(message, "device");
  EXPECT_THAT(message, AllOf(HasSubstr("supports CUDA 12.8"), HasSubstr("CUDA 13.0"),
                             HasSubstr("driver 580")));
  machine->driver = 13000;
  machine->count_status = Status::kOldDriver;
  message = MessageOfOpening(machine);
  ExpectFourParts(message, "device");
}

TEST(CudaDevice, NoGpuIsAnErrorThatNamesTheVariableWhichHidesGpus) {
  const auto machine = std::make_shared<Machine>();
  machine->devices = 0;
  for (const Status status : {Status::kOk, Status::kNoDevice}) {
    machine->count_status = status;
    const std::string message = MessageOfOpening(machine);
    ExpectFourParts(message, "device");
    EXPECT_THAT(message, HasSubstr("CUDA_VISIBLE_DEVICES"));
  }
}

TEST(CudaDevice, AGpuThatDoesNotExistIsNamedWithTheRange) {
  const auto machine = std::make_shared<Machine>();
  machine->devices = 2;
  const std::string message = MessageOfOpening(machine, 2);
  ExpectFourParts(message, "device");
  EXPECT_THAT(message, AllOf(HasSubstr("GPU 2"), HasSubstr("0 to 1")));
}

TEST(CudaDevice, OfSeveralGpusTheOneWithTheNumberIsTaken) {
  const auto machine = std::make_shared<Machine>();
  machine->devices = 3;
  const auto backend = MakeEmulatedCudaBackend({.runtime = machine, .index = 2});
  EXPECT_EQ(machine->chosen, 2);
  EXPECT_EQ(backend->Describe().facts.at(0).value, "test GPU 2");
}

// A part of a GPU (MIG) that CUDA_VISIBLE_DEVICES names is GPU 0 for CUDA, with a name and memory of
// its own.
TEST(CudaDevice, APartOfAGpuIsAGpuWithItsOwnNameAndMemory) {
  const auto machine = std::make_shared<Machine>();
  machine->name = "NVIDIA H100 80GB HBM3 MIG 1g.10gb";
  machine->total_bytes = int64_t{10} << 30;
  const auto backend = MakeEmulatedCudaBackend({.runtime = machine});
  EXPECT_EQ(machine->chosen, 0);
  EXPECT_EQ(backend->Describe().facts.at(0).value, machine->name);
  EXPECT_EQ(backend->Memory().total, int64_t{10} << 30);
  const std::string message = MessageOfOpening(machine, 1);
  ExpectFourParts(message, "device");
  EXPECT_THAT(message, AllOf(HasSubstr("GPU 1"), HasSubstr("CUDA_VISIBLE_DEVICES leaves 1")));
}

// Each process plans with what the others leave.
TEST(CudaDevice, MemoryOfOtherProcessesIsNotFree) {
  const auto machine = std::make_shared<Machine>();
  machine->total_bytes = int64_t{10} << 30;
  machine->others_bytes = int64_t{6} << 30;
  const auto backend = MakeEmulatedCudaBackend({.runtime = machine});
  const BackendMemory memory = backend->Memory();
  EXPECT_EQ(memory.total, int64_t{10} << 30);
  EXPECT_LE(memory.free, int64_t{4} << 30);
  EXPECT_LT(memory.held, int64_t{1} << 30);
}

TEST(CudaDevice, AGpuBeforeAmpereIsRefused) {
  const auto machine = std::make_shared<Machine>();
  machine->major = 7;
  machine->minor = 5;
  const std::string message = MessageOfOpening(machine);
  ExpectFourParts(message, "device");
  EXPECT_THAT(message, AllOf(HasSubstr("compute capability 7.5"), HasSubstr("8.0 or newer")));
}

TEST(CudaDevice, OutOfMemoryNamesTheOpAndTheBytesAndLeavesTheBackendUsable) {
  const auto runtime = std::make_shared<EmulatedRuntime>();
  runtime->total_bytes = 200 << 20;
  const auto backend = MakeEmulatedCudaBackend({.runtime = runtime});
  const std::string message = MessageOf([&] { backend->Allocate(300 << 20); });
  ExpectFourParts(message, "cuda");
  EXPECT_THAT(message, AllOf(HasSubstr("Allocate"), HasSubstr("0.31 GB"), HasSubstr("of 0.21 GB")));
  Workbench wb(MakeEmulatedCudaBackend({.compute = Compute::kF32, .runtime = runtime}));
  const TensorView x = wb.From(Role::kStatistic, {2}, std::vector<float>{1, 2});
  wb.backend().Add(x, x, x);
  EXPECT_EQ(wb.Read(x), (std::vector<double>{2, 4}));
}

// A GPU that has failed reports the same error at every later call.
TEST(CudaDevice, AGpuThatDisappearsInMidRunIsAnErrorThatNamesTheOp) {
  for (const Status status : {Status::kIllegalAddress, Status::kLaunchFailure}) {
    const auto machine = std::make_shared<Machine>();
    machine->sticky = status;
    Workbench wb(MakeEmulatedCudaBackend({.compute = Compute::kF32, .runtime = machine}));
    const TensorView x = wb.From(Role::kStatistic, {2}, std::vector<float>{1, 2});
    wb.backend().Add(x, x, x);
    machine->healthy_launches = machine->launches_checked;
    const std::string message = MessageOf([&] { wb.backend().Gelu(x, x); });
    ExpectFourParts(message, "cuda");
    EXPECT_THAT(message, AllOf(HasSubstr("Gelu on GPU 0"), HasSubstr("checkpoint"),
                               HasSubstr(std::to_string(static_cast<int>(status)))));
    EXPECT_THAT(MessageOf([&] { wb.Read(x); }), HasSubstr("Download on GPU 0"));
  }
}

TEST(CudaDevice, WithCheckEachOpAKernelThatFailsLateIsNamedAndNotTheOpThatWaits) {
  for (const bool check : {false, true}) {
    const auto machine = std::make_shared<Machine>();
    machine->sticky = Status::kIllegalAddress;
    machine->fails_late = true;
    Workbench wb(MakeEmulatedCudaBackend(
        {.compute = Compute::kF32, .runtime = machine, .check_each_op = check}));
    const TensorView x = wb.From(Role::kStatistic, {2}, std::vector<float>{1, 2});
    wb.backend().Add(x, x, x);
    machine->healthy_launches = machine->launches_checked;
    const std::string message = MessageOf([&] {
      wb.backend().Gelu(x, x);
      wb.backend().Add(x, x, x);
      wb.Read(x);
    });
    ExpectFourParts(message, "cuda");
    EXPECT_THAT(message, HasSubstr(check ? "Gelu on GPU 0" : "Download on GPU 0"));
    EXPECT_EQ(message.find("cuda+check") == std::string::npos, check) << message;
  }
}

TEST(CudaDevice, MemoryIsTheCardsAndFollowsAllocations) {
  const auto runtime = std::make_shared<EmulatedRuntime>();
  runtime->total_bytes = int64_t{1} << 30;
  const auto backend = MakeEmulatedCudaBackend({.runtime = runtime});
  const BackendMemory before = backend->Memory();
  EXPECT_EQ(before.total, int64_t{1} << 30);
  {
    const Buffer buffer = backend->Allocate(100 << 20);
    EXPECT_EQ(buffer.kind(), MemoryKind::kDevice);
    EXPECT_EQ(backend->Memory().held - before.held, 100 << 20);
    EXPECT_EQ(before.free - backend->Memory().free, 100 << 20);
  }
  EXPECT_EQ(backend->Memory().held, before.held);
  EXPECT_EQ(backend->Memory().peak_held - before.held, 100 << 20);
  EXPECT_EQ(runtime->used_bytes(), 0);
}

// The child has the exit status 0 if `f` did what it should.
int StatusOfChild(const std::function<bool()>& f) {
  const pid_t child = fork();
  if (child == 0) _exit(f() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(CudaDevice, AChildOfAProcessThatUsesTheGpuGetsAMessage) {
  const auto backend = MakeEmulatedCudaBackend({});
  const Buffer buffer = backend->Allocate(1024);
  EXPECT_EQ(StatusOfChild([] {
              return MessageOf([] {
                       MakeEmulatedCudaBackend({});
                     }).find("child of one that uses") != std::string::npos;
            }),
            0);
  EXPECT_EQ(StatusOfChild([&] {
              return MessageOf([&] { backend->Allocate(16); }).find("parent of this process") !=
                     std::string::npos;
            }),
            0);
  EXPECT_EQ(StatusOfChild([] {
              Workbench wb(MakeCpuBackend({.compute = Compute::kF32}));
              const TensorView x = wb.From(Role::kStatistic, {2}, std::vector<float>{1, 2});
              wb.backend().Add(x, x, x);
              return wb.Read(x) == std::vector<double>{2, 4};
            }),
            0)
      << "the CPU's backend works in the child";
  backend->Fill({buffer.data(), DType::kF32, {4}}, 1);  // the parent goes on
}

// With deferred work a copy that read the caller's memory too late would read what came after.
TEST(CudaContext, AnUploadHasReadTheHostsMemoryWhenItReturns) {
  Workbench wb(MakeEmulatedCudaBackend(
      {.compute = Compute::kF32, .runtime = std::make_shared<EmulatedRuntime>(/*deferred=*/true)}));
  constexpr int64_t kValues = 3'000'000;  // more than the staging memory holds at a time
  const TensorView x = wb.Make(Role::kStatistic, {kValues});
  std::vector<float> values(kValues);
  for (int round = 0; round < 3; ++round) {
    for (int64_t i = 0; i < kValues; ++i) values[i] = static_cast<float>(i % 1000 + round);
    wb.backend().Upload(std::as_bytes(std::span<const float>(values)), x);
    std::fill(values.begin(), values.end(), -1.0f);
    wb.backend().Add(x, x, x);
  }
  const std::vector<double> y = wb.Read(x);
  for (int64_t i = 0; i < kValues; i += 997) ASSERT_EQ(y[i], 2.0 * (i % 1000 + 2)) << i;
}

}  // namespace
}  // namespace lacos::testing
