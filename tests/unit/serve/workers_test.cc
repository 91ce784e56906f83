// The threads that read requests and write replies.
#include "lacos/serve/workers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

namespace lacos::serve {
namespace {

TEST(Workers, AJobThatWaitsIsNoSignOfAThreadThatStandsStill) {
  std::promise<void> first_may_end, second_began, second_may_end;
  auto wait = first_may_end.get_future(), began = second_began.get_future(),
       wait_too = second_may_end.get_future();
  Workers workers;
  EXPECT_EQ(workers.RunningSeconds(), 0);
  const TimePoint posted = std::chrono::steady_clock::now();
  workers.Post(/*is_large=*/true, [&] { wait.wait(); });
  workers.Post(/*is_large=*/true, [&] {
    second_began.set_value();
    wait_too.wait();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_GT(workers.RunningSeconds(), 0.05);
  first_may_end.set_value();
  began.wait();
  const double running = workers.RunningSeconds();
  const double since_posted = SecondsBetween(posted, std::chrono::steady_clock::now());
  EXPECT_LT(running, since_posted - 0.1) << "the time in the queue does not count";
  second_may_end.set_value();
}

}  // namespace
}  // namespace lacos::serve
