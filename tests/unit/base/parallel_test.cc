// Loops on the pool of threads: every index once, exceptions, nested loops, several callers, fork,
// threads that do not get to run, and systems that refuse threads.
#include "lacos/base/parallel.h"

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "integration/sanitizer.h"
#include "unit/io/failing_calls.h"

namespace lacos {
namespace {

class Parallel : public ::testing::Test {
 protected:
  void TearDown() override { SetThreadCount(0); }
};

// The number of visits of each index of a loop over n indices.
std::vector<int> Visits(int64_t n) {
  std::vector<int> visits(static_cast<size_t>(n), 0);
  ParallelFor(n, [&](int64_t i) { ++visits[static_cast<size_t>(i)]; });
  return visits;
}
std::vector<int> Once(int64_t n) { return std::vector<int>(static_cast<size_t>(n), 1); }

TEST_F(Parallel, VisitsEveryIndexOnceWithAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 8}) {
    SetThreadCount(threads);
    EXPECT_EQ(ThreadCount(), threads);
    for (const int64_t n : {0, 1, 2, 7, 1000}) EXPECT_EQ(Visits(n), Once(n));
  }
}

TEST_F(Parallel, ManyShortLoopsFollowEachOther) {
  SetThreadCount(4);
  int64_t sum = 0;
  for (int loop = 0; loop < 20000; ++loop) {
    std::array<int64_t, 5> parts{};
    ParallelFor(5, [&](int64_t i) { parts[static_cast<size_t>(i)] = i + loop; });
    for (const int64_t part : parts) sum += part;
    if (loop % 5000 == 0) SetThreadCount(2 + loop / 5000);  // between loops the number may change
  }
  EXPECT_EQ(sum, int64_t{5} * (19999 * 20000 / 2) + 20000 * 10);
}

TEST_F(Parallel, SleepingThreadsAreWoken) {
  SetThreadCount(3);
  for (int loop = 0; loop < 20; ++loop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // longer than threads poll
    EXPECT_EQ(Visits(64), Once(64));
  }
}

TEST_F(Parallel, RethrowsAnExceptionAfterAllCallsEnded) {
  SetThreadCount(3);
  std::vector<int> visits(100, 0);
  const auto run = [&] {
    ParallelFor(100, [&](int64_t i) {
      ++visits[static_cast<size_t>(i)];
      if (i % 7 == 3) throw std::runtime_error("call failed");
    });
  };
  EXPECT_THROW(run(), std::runtime_error);
  EXPECT_EQ(visits, Once(100));
  EXPECT_EQ(Visits(100), Once(100)) << "the pool works after an exception";
}

TEST_F(Parallel, ALoopInsideACallRunsOnTheCallsThread) {
  SetThreadCount(3);
  std::atomic<int> wrong{0}, calls{0};
  ParallelFor(8, [&](int64_t) {
    const int outer = ThreadIndex();
    ParallelFor(8, [&](int64_t) {
      ++calls;
      if (ThreadIndex() != outer) ++wrong;
    });
  });
  EXPECT_EQ(calls, 64);
  EXPECT_EQ(wrong, 0);
}

TEST_F(Parallel, ThreadsHaveDifferentIndicesBelowTheThreadCount) {
  SetThreadCount(4);
  std::array<std::atomic<int>, 4> inside{};
  std::atomic<int> wrong{0};
  for (int loop = 0; loop < 200; ++loop) {
    ParallelFor(16, [&](int64_t) {
      const int index = ThreadIndex();
      if (index < 0 || index >= 4 || ++inside[static_cast<size_t>(index)] != 1) ++wrong;
      std::this_thread::yield();
      --inside[static_cast<size_t>(index)];
    });
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(ThreadIndex(), 0);
}

TEST_F(Parallel, CallersOnSeveralThreadsDoNotDisturbEachOther) {
  SetThreadCount(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int loop = 0; loop < 300; ++loop) {
        if (Visits(20) != Once(20)) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

// A thread that never gets to run must not keep a loop from ending. Here every thread but the
// caller is busy with a call that only ends when all others have ended.
TEST_F(Parallel, OthersDoTheWorkOfAThreadThatIsHeldUp) {
  SetThreadCount(2);
  std::atomic<int> others{0};
  ParallelFor(50, [&](int64_t i) {
    if (i == 0) {
      while (others < 49) std::this_thread::yield();
    } else {
      ++others;
    }
  });
  EXPECT_EQ(others, 49);
}

TEST_F(Parallel, AChildOfForkHasThreadsOfItsOwn) {
  if (kThreadSanitizer) GTEST_SKIP() << "needs a child with threads";
  SetThreadCount(3);
  EXPECT_EQ(Visits(100), Once(100));
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a child that waits for its parent's threads would wait for ever
    SetThreadCount(3);
    bool right = true;
    for (int loop = 0; loop < 10; ++loop) right = right && Visits(100) == Once(100);
    _exit(right ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Visits(100), Once(100));
}

TEST_F(Parallel, AProcessEndsWhileThreadsSleepOrPoll) {
  if (kThreadSanitizer) GTEST_SKIP() << "needs a child with threads";
  const auto end = [] {
    SetThreadCount(4);
    Visits(100);
    std::exit(3);
  };
  EXPECT_EXIT(end(), ::testing::ExitedWithCode(3), "");
}

TEST_F(Parallel, RefusedThreadsAreDoneWithout) {
  if (kThreadSanitizer) GTEST_SKIP() << "needs a child with threads";
  const auto run = [] {
    alarm(20);
    FailCalls({{SYS_clone3, EAGAIN}, {SYS_clone, EAGAIN}});
    SetThreadCount(3);
    std::cerr << "refused: " << StartThreads() << "; threads: " << ThreadCount()
              << "; loop: " << (Visits(100) == Once(100) ? "right" : "wrong") << std::endl;
    std::exit(0);
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(0),
              "refused: Resource temporarily unavailable; threads: 1; loop: right");
}

TEST_F(Parallel, AffinityAndEnvironmentBoundTheThreads) {
  if (kThreadSanitizer) GTEST_SKIP() << "needs a child with threads";
  const auto run = [] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
    const int all = DefaultThreadCount();
    setenv("OMP_NUM_THREADS", "1,2", 1);
    const int by_environment = DefaultThreadCount();
    setenv("OMP_NUM_THREADS", "100000", 1);
    const int too_many = DefaultThreadCount();
    setenv("OMP_NUM_THREADS", "few", 1);
    setenv("OMP_THREAD_LIMIT", "1", 1);
    const int by_limit = DefaultThreadCount();
    unsetenv("OMP_THREAD_LIMIT");
    sched_setaffinity(0, sizeof one, &one);
    SetThreadCount(0);
    std::exit(by_environment == 1 && too_many == all && by_limit == 1 && AvailableCores() == 1 &&
                      ThreadCount() == 1
                  ? 0
                  : 1);
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace lacos
