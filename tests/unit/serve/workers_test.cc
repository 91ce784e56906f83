// The threads that read requests and write replies.
#include "lacos/serve/workers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>
#include <vector>

namespace lacos::serve {
namespace {

TEST(Workers, AJobThatWaitsIsNoSignOfAThreadThatStandsStill) {
  std::promise<void> first_may_end, second_began, second_may_end;
  auto wait = first_may_end.get_future(), began = second_began.get_future(),
       wait_too = second_may_end.get_future();
  Workers workers;
  EXPECT_EQ(workers.RunningSeconds(), 0);
  const TimePoint posted = std::chrono::steady_clock::now();
  workers.Post(/*is_large=*/true, 1, [&] { wait.wait(); });
  workers.Post(/*is_large=*/true, 1, [&] {
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

// Jobs of these sizes wait for one thread. Returns their indexes in the order in which they were done.
std::vector<int> OrderOf(bool is_large, const std::vector<size_t>& sizes) {
  std::promise<void> may_end, all_done;
  auto wait = may_end.get_future(), done = all_done.get_future();
  std::vector<int> order;
  Workers workers;
  workers.Post(is_large, 1, [&] { wait.wait(); });
  for (size_t i = 0; i < sizes.size(); ++i) {
    workers.Post(is_large, sizes[i], [&, i] {
      order.push_back(static_cast<int>(i));
      if (order.size() == sizes.size()) all_done.set_value();
    });
  }
  may_end.set_value();
  done.wait();
  return order;
}

// A client that sends the largest texts again and again must not keep out those with many short ones.
TEST(Workers, OfTheLargeJobsThatWaitTheSmallestIsNext) {
  EXPECT_EQ(OrderOf(/*is_large=*/true, {30, 30, 20, 0, 20}), (std::vector<int>{3, 2, 4, 0, 1}));
}

// Small jobs keep their order, whatever their sizes.
TEST(Workers, SmallJobsAreDoneByAge) {
  EXPECT_EQ(OrderOf(/*is_large=*/false, {3, 2, 1}), (std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace lacos::serve
