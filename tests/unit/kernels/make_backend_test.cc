// Devices and their words, the backend that MakeBackend returns for each of them, and the CPU
// backend's description of itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/make_backend.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;

TEST(Device, IsReadFromAndWrittenAsTheSameWord) {
  EXPECT_EQ(ParseDevice("cpu"), (Device{.kind = DeviceKind::kCpu}));
  EXPECT_EQ(ParseDevice("auto"), (Device{.kind = DeviceKind::kAuto}));
  EXPECT_EQ(ParseDevice("cuda"), (Device{.kind = DeviceKind::kCuda}));
  EXPECT_EQ(ParseDevice("cuda:1"), (Device{.kind = DeviceKind::kCuda, .index = 1}));
  EXPECT_EQ(ParseDevice("cuda+check"), (Device{.kind = DeviceKind::kCuda, .check_each_op = true}));
  for (const char* word :
       {"cpu", "auto", "cuda", "cuda:1", "cuda:12", "cuda+check", "cuda:1+check"}) {
    ASSERT_TRUE(ParseDevice(word)) << word;
    EXPECT_EQ(NameOf(*ParseDevice(word)), word);
  }
}

TEST(Device, AnUnknownWordIsNoDevice) {
  for (const char* word :
       {"+check", "cpu+check", "auto+check", "cuda+", "cuda+check:1", "", "gpu", "CPU", "cpu:0",
        "auto:1", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:99999999999", ":1", "cuda 1"}) {
    EXPECT_FALSE(ParseDevice(word)) << word;
  }
}

TEST(MakeBackend, GivesTheCpuUnlessAskedForAnotherDevice) {
  EXPECT_EQ(MakeBackend({})->Describe().backend, "cpu");
  const auto f32 = MakeBackend({.device = {.kind = DeviceKind::kCpu}, .compute = Compute::kF32});
  EXPECT_EQ(f32->Types().activation, DType::kF32);
}

TEST(MakeBackend, ADeviceThatThisBuildLacksIsAnErrorOfTheUser) {
  try {
    MakeBackend({.device = {.kind = DeviceKind::kCuda}});
    FAIL() << "a build without CUDA made a CUDA backend";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("[device] this program was built without CUDA"));
  }
}

TEST(MakeBackend, AutoTakesTheCpuAndSaysWhyOnce) {
  std::vector<std::string> told;
  const auto backend = MakeBackend({.device = {.kind = DeviceKind::kAuto},
                                    .compute = Compute::kF32,
                                    .tell = [&](const std::string& why) { told.push_back(why); }});
  EXPECT_EQ(backend->Describe().backend, "cpu");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0], HasSubstr("built without CUDA"));
  EXPECT_EQ(MakeBackend({.device = {.kind = DeviceKind::kAuto}})->Describe().backend, "cpu");
}

TEST(CpuBackendDescription, ItsPoolIsTheMemoryOfTheProcess) {
  const auto backend = MakeBackend({.compute = Compute::kF32});
  const BackendMemory before = backend->Memory();
  EXPECT_EQ(before.total, MachineMemoryBytes());
  EXPECT_GT(before.free, 0);
  EXPECT_LE(before.free, before.total);
  EXPECT_GT(before.held, 0);
  EXPECT_LE(before.held, before.peak_held);
  constexpr int64_t kBytes = int64_t{64} << 20;
  const Buffer buffer = backend->Allocate(kBytes);
  const TensorView ones{buffer.data(), DType::kF32, {kBytes / 4}};
  backend->Fill(ones, 1);
  // Memory that other parts of the process release meanwhile is far less than half of the buffer.
  EXPECT_GT(backend->Memory().held, before.held + kBytes / 2);
  EXPECT_GE(backend->Memory().peak_held, backend->Memory().held - kBytes / 2);
}

// Existing run records, resume checks and keys of the layer cache contain these words.
TEST(CpuBackendDescription, TellsItsInstructionSetAsTheOneFact) {
  const KernelInfo info = MakeBackend({.compute = Compute::kF32})->Describe();
  ASSERT_EQ(info.facts.size(), 1u);
  EXPECT_EQ(info.facts[0].name, "isa");
  EXPECT_THAT(info.facts[0].value, HasSubstr("oneDNN "));
  EXPECT_EQ(info.FactsText(), info.facts[0].value);
}

TEST(KernelInfo, FactsAreReadAsAListSeparatedByCommas) {
  const KernelInfo info{.backend = "cuda", .facts = {{"sm", "9.0"}, {"cublaslt", "13.1.0"}}};
  EXPECT_EQ(info.FactsText(), "9.0, 13.1.0");
}

TEST(CpuBackendDescription, ItsSmallestChunkIsOneLeafOfTheSumsOverTokens) {
  EXPECT_EQ(MakeBackend({})->SmallestChunkTokens(), 512);
}

}  // namespace
}  // namespace lacos
