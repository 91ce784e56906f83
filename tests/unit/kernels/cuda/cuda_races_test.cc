// ThreadSanitizer sees the threads of the emulator's kernels as threads: it reports accesses that no
// barrier orders, and nothing else. The kernels of this file have such faults. In builds without
// ThreadSanitizer the test is skipped.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "integration/sanitizer.h"
#include "lacos/kernels/cuda/emulator/emulator.h"

namespace lacos::testing {
namespace {

// Reports of races while a test expects them; -1 at all other times.
int expected_reports = -1;

}  // namespace
}  // namespace lacos::testing

// ThreadSanitizer calls these functions. NOLINTBEGIN(bugprone-reserved-identifier): the names are its.
// Shared memory of launches has the same addresses again and again, so a race must be reported even
// where another one was.
extern "C" const char* __tsan_default_options() { return "suppress_equal_addresses=0"; }
// Called with each report; true drops the report.
namespace __tsan {
class ReportDesc;
bool OnReport(const ReportDesc*, bool suppressed) {
  if (lacos::testing::expected_reports < 0) return suppressed;
  ++lacos::testing::expected_reports;
  return true;
}
}  // namespace __tsan
// NOLINTEND(bugprone-reserved-identifier)

namespace lacos::testing {
namespace {

using cuda::emulator::Configure;
using cuda::emulator::Order;
namespace gpu = cuda::gpu;

constexpr int kThreads = 128;
struct Values {
  std::array<float, kThreads> value;
};

// What a kernel of this file leaves out.
enum class Fault : uint8_t { kNone, kBlockBarrier, kSecondBarrier, kWarpBarrier, kAtomic };

// Reads in shared memory what a thread of another warp wrote.
GPU_KERNEL Reverse(Fault fault, const float* x, float* y) {
  auto& shared = gpu::Shared<Values>();
  const int i = gpu::Thread();
  shared.value[i] = x[i];
  if (fault != Fault::kBlockBarrier) gpu::Barrier();
  y[i] = shared.value[kThreads - 1 - i];
}

// Writes anew what threads of other warps read in the round before: each round needs two barriers.
GPU_KERNEL Rotate(Fault fault, float* y) {
  auto& shared = gpu::Shared<Values>();
  const int i = gpu::Thread();
  for (int round = 0; round < 3; ++round) {
    shared.value[i] = y[i];
    gpu::Barrier();
    y[i] = shared.value[(i + gpu::kWarp) % kThreads];
    if (fault != Fault::kSecondBarrier) gpu::Barrier();
  }
}

// Lanes read what other lanes of their warp wrote. The shuffle between orders no memory.
GPU_KERNEL Neighbors(Fault fault, const float* x, float* y) {
  auto& shared = gpu::Shared<Values>();
  const int i = gpu::Thread();
  shared.value[i] = x[i];
  const float other = gpu::ShuffleXor(x[i], 1);
  if (fault != Fault::kWarpBarrier) gpu::WarpBarrier();
  y[i] = shared.value[i ^ 1] - other;
}

// All threads of two blocks add to one number.
GPU_KERNEL Count(Fault fault, int64_t* n) {
  if (fault == Fault::kAtomic) {
    ++*n;
  } else {
    gpu::AtomicAdd(n, 1);
  }
}

class CudaRaces : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kThreadSanitizer) GTEST_SKIP() << "this build has no ThreadSanitizer";
  }
  void TearDown() override { Configure({}); }

  // The number of races that ThreadSanitizer sees in `launches`, in some order of the threads. It
  // reports a pair of places once, so each call can find the races of one kernel only.
  static int RacesOf(const std::function<void()>& launches) {
    expected_reports = 0;
    for (const Order order : {Order::kForward, Order::kReverse, Order::kRandom}) {
      Configure({.order = order, .seed = 3});
      launches();
    }
    return std::exchange(expected_reports, -1);
  }

  std::vector<float> x_ = std::vector<float>(kThreads, 1), y_ = x_;
  int64_t n_ = 0;
  const gpu::Grid block_{.blocks = 1, .threads = kThreads},
      blocks_{.blocks = 2, .threads = kThreads};
};

TEST_F(CudaRaces, AMissingBarrierOfTheBlockIsSeen) {
  const auto launch = [&](Fault fault) {
    return [this, fault] { gpu::Launch(nullptr, block_, Reverse, fault, x_.data(), y_.data()); };
  };
  EXPECT_EQ(RacesOf(launch(Fault::kNone)), 0);
  EXPECT_GT(RacesOf(launch(Fault::kBlockBarrier)), 0);
}

TEST_F(CudaRaces, ABarrierDoesNotReplaceTheNextOne) {
  const auto launch = [&](Fault fault) {
    return [this, fault] { gpu::Launch(nullptr, block_, Rotate, fault, y_.data()); };
  };
  EXPECT_EQ(RacesOf(launch(Fault::kNone)), 0);
  EXPECT_GT(RacesOf(launch(Fault::kSecondBarrier)), 0);
}

TEST_F(CudaRaces, AShuffleDoesNotReplaceABarrierOfTheWarp) {
  const auto launch = [&](Fault fault) {
    return [this, fault] { gpu::Launch(nullptr, block_, Neighbors, fault, x_.data(), y_.data()); };
  };
  EXPECT_EQ(RacesOf(launch(Fault::kNone)), 0);
  EXPECT_GT(RacesOf(launch(Fault::kWarpBarrier)), 0);
}

TEST_F(CudaRaces, BlocksThatWriteToOneNumberAreSeen) {
  const auto launch = [&](Fault fault) {
    return [this, fault] { gpu::Launch(nullptr, blocks_, Count, fault, &n_); };
  };
  EXPECT_EQ(RacesOf(launch(Fault::kNone)), 0);
  EXPECT_GT(RacesOf(launch(Fault::kAtomic)), 0);
}

TEST_F(CudaRaces, TheNextLaunchSeesWhatTheLastOneWrote) {
  EXPECT_EQ(RacesOf([this] {
              for (int i = 0; i < 3; ++i) {
                gpu::Launch(nullptr, block_, Reverse, Fault::kNone, x_.data(), y_.data());
                gpu::Launch(nullptr, block_, Reverse, Fault::kNone, y_.data(), x_.data());
                x_[5] = y_[6];
              }
            }),
            0);
}

}  // namespace
}  // namespace lacos::testing
