// Runs kernels on the host, for tests: the threads of a block are fibers of one thread of the
// operating system, which change at barriers and warp operations.
//
// What it finds: wrong results, reads of shared memory that nobody wrote (it starts as NaN), threads
// that wait for each other forever, lanes that meet at different warp operations, and with the
// sanitizers wrong addresses and data races between the threads of a block. What it cannot find:
// memory ordering between blocks, resource limits of a card, and errors of ptxas.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lacos/kernels/cuda/device.h"

namespace lacos::cuda::gpu {

// Work in order. With `deferred`, work runs only when somebody waits for it.
struct StreamState {
  bool deferred = false;
  uint64_t queued = 0, done = 0;  // number of pieces of work so far
  std::deque<std::function<void()>> work;

  void Enqueue(std::function<void()> piece);
  void RunUntil(uint64_t count);  // runs the first `count` pieces of work
};

}  // namespace lacos::cuda::gpu

namespace lacos::cuda::emulator {

// A mistake in a kernel, such as a barrier that some threads never reach.
class EmulationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The order in which ready threads run between barriers.
enum class Order : uint8_t { kForward, kReverse, kRandom };

struct Settings {
  Order order = Order::kForward;
  uint64_t seed = 1;         // for kRandom
  int omitted_barrier = -1;  // the number of a barrier that lets all threads pass
};

// Sets the schedule of all launches of the calling thread from now on.
void Configure(const Settings& settings);
// One barrier of a block or a warp: a place in a kernel.
struct BarrierUse {
  std::string place;     // "layer_norm.cu:41"
  int64_t arrivals = 0;  // of single threads so far
};
// The barriers that kernels have reached in the calling thread, in the order of their numbers.
std::vector<BarrierUse> Barriers();

// The most shared memory of a block that every supported card has.
constexpr size_t kMostSharedBytes = 99 * 1024;

}  // namespace lacos::cuda::emulator
