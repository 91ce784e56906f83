// The switching code. It is compiled without ThreadSanitizer's instrumentation, because an
// instrumented caller of __tsan_switch_to_fiber corrupts the sanitizer's shadow stack.
#include "lacos/kernels/cuda/emulator/emulator.h"

#include <algorithm>
#include <array>
#include <boost/context/fiber.hpp>
#include <cstring>
#include <memory>
#include <utility>

#include "lacos/kernels/cuda/emulator/sanitizers.h"
#include "lacos/kernels/cuda/emulator/warp_matrix.h"

namespace lacos::cuda::emulator {
namespace {

namespace context = boost::context;
using gpu::Grid;
using gpu::kWarp;
using gpu::Site;

constexpr size_t kStackBytes = size_t{128} << 10;
// ThreadSanitizer has 255 slots for threads and silently misses races of more.
constexpr unsigned kMostThreads = kThreadSanitizer ? 128 : 1024;
constexpr unsigned kMostWarps = kMostThreads / kWarp;

enum class State : uint8_t { kReady, kBarrier, kWarpOp, kDone };
enum class WarpOp : uint8_t { kSync, kShuffle, kMmaS8, kMmaBF16 };

struct Copy {
  std::byte* to;
  const std::byte* from;
};

// Frees nothing: the stack of a thread is a part of its ThreadState.
struct OwnedStack {
  void deallocate(context::stack_context&) const {}
};

struct ThreadState {
  ThreadState() : self(), back() {}
  // Does not destroy the two fibers. Their destructors would switch to the thread to unwind its stack,
  // and AddressSanitizer would not know of that switch. Nothing on that stack needs a destructor.
  ~ThreadState() {}  // NOLINT(modernize-use-equals-default)
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;

  std::unique_ptr<std::byte[]> stack = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
  union {
    context::fiber self;  // to resume this thread
  };
  union {
    context::fiber back;  // to return to the scheduler
  };
  SanitizedFiber sanitized;
  State state = State::kDone;
  WarpOp op = WarpOp::kSync;
  Site site;
  uint64_t value = 0, result = 0;
  int from_lane = 0;
  gpu::MmaS8* mma_s8 = nullptr;
  gpu::MmaBF16* mma_bf16 = nullptr;
  std::vector<std::vector<Copy>> copies;  // the groups of unfinished copies
  int barriers = 0, warp_barriers = 0;    // passed so far
};

struct BarrierPlace {
  const void* kernel;
  Site site;
  int64_t arrivals = 0;
  bool operator==(const BarrierPlace& other) const {
    return kernel == other.kernel && site.line == other.site.line &&
           std::strcmp(site.file, other.site.file) == 0;
  }
};

struct SharedPart {
  const void* type;
  size_t offset;
};

// Shared memory of a block, and the places where its threads order their accesses. Under
// ThreadSanitizer each block of a launch has its own, so that blocks race only where they really share
// memory, and are not ordered by each other's barriers.
struct BlockMemory {
  BlockMemory() : shared(kMostSharedBytes, std::byte{0xFF}) {}  // NaN
  std::vector<std::byte> shared;
  SyncPoint barrier;
  std::array<SyncPoint, kMostWarps> warp_barriers;
};

class Device {
 public:
  void Launch(const Grid& grid, const void* kernel, const std::function<void()>& body);

  Settings settings;
  uint64_t random = 1;
  std::vector<BarrierPlace> places;

  // Threads add to these lists. Memory that one of them frees and another has allocated would look
  // like a race, so the lists never grow beyond what they have from the start.
  Device() {
    places.reserve(4096);
    parts_.reserve(64);
  }

  ThreadState& Current() { return *threads_[current_]; }
  int current() const { return static_cast<int>(current_); }
  int count() const { return static_cast<int>(count_); }
  int64_t block() const { return block_; }

  void* SharedObject(const void* type, size_t bytes);
  std::byte* DynamicShared() { return memory_->shared.data(); }
  void Wait(State state);
  // Whether the barrier is the one to leave out.
  bool Omitted(Site site);
  SyncPoint& BlockSync() { return memory_->barrier; }
  SyncPoint& WarpSync() { return memory_->warp_barriers[current_ / kWarp]; }

  [[noreturn]] void Fail(const std::string& what) const {
    throw EmulationError("block " + std::to_string(block_) + ": " + what);
  }

 private:
  void MakeThread(unsigned i);
  void Resume(unsigned i);
  void RunBlock();
  void RunWarp(unsigned warp, bool& progress);
  bool ReleaseWarp(unsigned warp);
  unsigned Pick(unsigned n, unsigned count, uint64_t start) const;
  uint64_t Random() {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
  }

  std::vector<std::unique_ptr<ThreadState>> threads_;  // kept for later launches
  unsigned current_ = 0, count_ = 0;
  int64_t block_ = 0;
  const void* kernel_ = nullptr;
  const std::function<void()>* body_ = nullptr;
  std::exception_ptr error_;
  SanitizedFiber scheduler_;
  std::vector<BlockMemory> memories_;
  BlockMemory* memory_ = nullptr;
  size_t dynamic_bytes_ = 0;
  std::vector<SharedPart> parts_;
  size_t shared_used_ = 0;
  SyncPoint launch_sync_;  // phase 0: the launch comes before its threads; 1: these before its end
};

Device& TheDevice() {
  thread_local Device device;
  return device;
}

void* Device::SharedObject(const void* type, size_t bytes) {
  for (const SharedPart& part : parts_) {
    if (part.type == type) return memory_->shared.data() + part.offset;
  }
  const size_t offset = (shared_used_ + 15) / 16 * 16;
  if (offset + bytes > kMostSharedBytes) Fail("more shared memory than a block may have");
  parts_.push_back({type, offset});
  shared_used_ = offset + bytes;
  return memory_->shared.data() + offset;
}

bool Device::Omitted(Site site) {
  const BarrierPlace place{.kernel = kernel_, .site = site};
  auto found = std::find(places.begin(), places.end(), place);
  if (found == places.end()) found = places.insert(places.end(), place);
  ++found->arrivals;
  return found - places.begin() == settings.omitted_barrier;
}

void Device::Wait(State state) {
  ThreadState& thread = Current();
  thread.state = state;
  LeaveFiber(thread.sanitized, scheduler_);
  thread.back = std::move(thread.back).resume();
  ArriveAtFiber(thread.sanitized, scheduler_);
}

void Device::MakeThread(unsigned i) {
  threads_.push_back(std::make_unique<ThreadState>());
  ThreadState& thread = *threads_.back();
  context::stack_context stack;
  stack.size = kStackBytes;
  stack.sp = thread.stack.get() + kStackBytes;
  thread.sanitized.Make(thread.stack.get(), kStackBytes);
  thread.self =
      context::fiber(std::allocator_arg, context::preallocated(stack.sp, stack.size, stack),
                     OwnedStack(), [this, i, &thread](context::fiber&& back) -> context::fiber {
                       thread.back = std::move(back);
                       ArriveAtFiber(thread.sanitized, scheduler_);
                       for (;;) {
                         launch_sync_.Acquire(0);
                         try {
                           (*body_)();
                         } catch (...) {
                           error_ = std::current_exception();
                         }
                         launch_sync_.Release(1);
                         current_ = i;
                         Wait(State::kDone);
                       }
                     });
}

void Device::Resume(unsigned i) {
  current_ = i;
  ThreadState& thread = *threads_[i];
  LeaveFiber(scheduler_, thread.sanitized);
  thread.self = std::move(thread.self).resume();
  ArriveAtFiber(scheduler_, thread.sanitized);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

bool Device::ReleaseWarp(unsigned warp) {
  ThreadState* lanes[kWarp];
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    lanes[lane] = threads_[warp * kWarp + lane].get();
    if (lanes[lane]->state != State::kWarpOp) return false;
    if (lanes[lane]->op != lanes[0]->op || lanes[lane]->site.line != lanes[0]->site.line)
      Fail("lanes of a warp wait at different operations: lines " +
           std::to_string(lanes[0]->site.line) + " and " + std::to_string(lanes[lane]->site.line));
  }
  if (lanes[0]->op == WarpOp::kShuffle) {
    for (ThreadState* lane : lanes) {
      if (lane->from_lane < 0 || lane->from_lane >= kWarp) Fail("a shuffle from no lane");
      lane->result = lanes[lane->from_lane]->value;
    }
  } else if (lanes[0]->op == WarpOp::kMmaS8) {
    gpu::MmaS8* fragments[kWarp];
    for (unsigned lane = 0; lane < kWarp; ++lane) fragments[lane] = lanes[lane]->mma_s8;
    MultiplyWarp(fragments);
  } else if (lanes[0]->op == WarpOp::kMmaBF16) {
    gpu::MmaBF16* fragments[kWarp];
    for (unsigned lane = 0; lane < kWarp; ++lane) fragments[lane] = lanes[lane]->mma_bf16;
    MultiplyWarp(fragments);
  }
  for (ThreadState* lane : lanes) lane->state = State::kReady;
  return true;
}

// The n-th of `count` things in the order of the schedule.
unsigned Device::Pick(unsigned n, unsigned count, uint64_t start) const {
  switch (settings.order) {
    case Order::kForward:
      return n;
    case Order::kReverse:
      return count - 1 - n;
    case Order::kRandom:
      return static_cast<unsigned>((n + start) % count);
  }
  return n;
}

// Lets a warp go on until all of its lanes wait at a barrier or have ended. In random order it may
// also stop after any warp operation.
void Device::RunWarp(unsigned warp, bool& progress) {
  const bool is_random = settings.order == Order::kRandom;
  for (bool again = true; again;) {
    const uint64_t start = is_random ? Random() : 0;
    for (unsigned n = 0; n < kWarp; ++n) {
      const unsigned i = warp * kWarp + Pick(n, kWarp, start);
      if (threads_[i]->state != State::kReady) continue;
      Resume(i);
      progress = true;
    }
    again = ReleaseWarp(warp);
    progress |= again;
    if (is_random && Random() % 4 == 0) again = false;
  }
}

void Device::RunBlock() {
  const unsigned warps = count_ / kWarp;
  for (unsigned i = 0; i < count_; ++i) {
    threads_[i]->state = State::kReady;
    threads_[i]->copies.clear();
    threads_[i]->barriers = threads_[i]->warp_barriers = 0;
  }
  parts_.clear();
  shared_used_ = dynamic_bytes_;
  for (;;) {
    bool progress = false;
    const uint64_t start = settings.order == Order::kRandom ? Random() : 0;
    for (unsigned n = 0; n < warps; ++n) RunWarp(Pick(n, warps, start), progress);
    unsigned done = 0, waiting = 0;
    for (unsigned i = 0; i < count_; ++i) {
      done += threads_[i]->state == State::kDone ? 1 : 0;
      waiting += threads_[i]->state == State::kBarrier ? 1 : 0;
    }
    if (done == count_) return;
    if (waiting == count_) {
      const Site site = threads_[0]->site;
      for (unsigned i = 0; i < count_; ++i) {
        if (threads_[i]->site.line != site.line)
          Fail("threads wait at different barriers: lines " + std::to_string(site.line) + " and " +
               std::to_string(threads_[i]->site.line));
        threads_[i]->state = State::kReady;
      }
    } else if (!progress) {
      Fail(std::to_string(waiting) + " threads wait at a barrier, " + std::to_string(done) +
           " have ended, " + std::to_string(count_ - waiting - done) +
           " wait for lanes of their warps");
    }
  }
}

void Device::Launch(const Grid& grid, const void* kernel, const std::function<void()>& body) {
  if (grid.threads == 0 || grid.threads % kWarp != 0 || grid.threads > kMostThreads)
    Fail("a block of " + std::to_string(grid.threads) + " threads; expected whole warps, at most " +
         std::to_string(kMostThreads));
  if (grid.shared > kMostSharedBytes) Fail("more shared memory than a block may have");
  if (grid.blocks > INT32_MAX) Fail("more blocks than a grid may have");
  count_ = grid.threads;
  kernel_ = kernel;
  body_ = &body;
  dynamic_bytes_ = grid.shared;
  while (threads_.size() < count_) MakeThread(static_cast<unsigned>(threads_.size()));
  scheduler_.Adopt();
  if (kThreadSanitizer) memories_.clear();
  memories_.resize(kThreadSanitizer ? static_cast<size_t>(grid.blocks) : 1);
  launch_sync_.Release(0);
  try {
    for (int64_t n = 0; n < grid.blocks; ++n) {
      block_ = settings.order == Order::kReverse ? grid.blocks - 1 - n : n;
      memory_ = &memories_[kThreadSanitizer ? static_cast<size_t>(block_) : 0];
      if (!kThreadSanitizer) std::ranges::fill(memory_->shared, std::byte{0xFF});  // NaN
      RunBlock();
      launch_sync_.Acquire(1);
    }
  } catch (...) {
    threads_.clear();  // also those that have not ended
    throw;
  }
}

void WaitForWarp(WarpOp op, Site site) {
  ThreadState& thread = TheDevice().Current();
  thread.op = op;
  thread.site = site;
  TheDevice().Wait(State::kWarpOp);
}

}  // namespace

void Configure(const Settings& settings) {
  TheDevice().settings = settings;
  TheDevice().random = settings.seed * 0x9E3779B97F4A7C15ull + 1;
}

std::vector<BarrierUse> Barriers() {
  std::vector<BarrierUse> uses;
  for (const BarrierPlace& place : TheDevice().places) {
    const char* slash = std::strrchr(place.site.file, '/');
    const std::string file = slash == nullptr ? place.site.file : slash + 1;
    uses.push_back({file + ":" + std::to_string(place.site.line), place.arrivals});
  }
  return uses;
}

}  // namespace lacos::cuda::emulator

namespace lacos::cuda::gpu {

using emulator::State;
using emulator::TheDevice;
using emulator::WarpOp;

int Thread() { return TheDevice().current(); }
int Threads() { return TheDevice().count(); }
int64_t Block() { return TheDevice().block(); }
void* SharedObject(const void* type, size_t bytes) { return TheDevice().SharedObject(type, bytes); }
std::byte* DynamicShared() { return TheDevice().DynamicShared(); }

// The sync point of a barrier alternates between two addresses: otherwise the release of the next
// barrier would order the acquire of this one, and ThreadSanitizer would miss races.
void Barrier(Site site) {
  if (TheDevice().Omitted(site)) return;
  emulator::ThreadState& thread = TheDevice().Current();
  const int phase = thread.barriers++ % 2;
  thread.site = site;
  TheDevice().BlockSync().Release(phase);
  TheDevice().Wait(State::kBarrier);
  TheDevice().BlockSync().Acquire(phase);
}

void WarpBarrier(Site site) {
  if (TheDevice().Omitted(site)) return;
  const int phase = TheDevice().Current().warp_barriers++ % 2;
  TheDevice().WarpSync().Release(phase);
  WaitForWarp(WarpOp::kSync, site);
  TheDevice().WarpSync().Acquire(phase);
}

uint64_t Exchange(uint64_t value, int from_lane, Site site) {
  emulator::ThreadState& thread = TheDevice().Current();
  thread.value = value;
  thread.from_lane = from_lane;
  WaitForWarp(WarpOp::kShuffle, site);
  return thread.result;
}

void Mma(MmaS8& m, Site site) {
  TheDevice().Current().mma_s8 = &m;
  WaitForWarp(WarpOp::kMmaS8, site);
}

void Mma(MmaBF16& m, Site site) {
  TheDevice().Current().mma_bf16 = &m;
  WaitForWarp(WarpOp::kMmaBF16, site);
}

// Copies happen as late as they may, so that a missing wait reads NaN.
void CopyAsync(void* shared, const void* global) {
  if (reinterpret_cast<uintptr_t>(shared) % 16 != 0 ||
      reinterpret_cast<uintptr_t>(global) % 16 != 0)
    TheDevice().Fail("CopyAsync of an address that is no multiple of 16");
  auto& groups = TheDevice().Current().copies;
  if (groups.empty()) groups.emplace_back();
  groups.back().push_back({static_cast<std::byte*>(shared), static_cast<const std::byte*>(global)});
}
void CommitCopies() {
  auto& groups = TheDevice().Current().copies;
  if (groups.empty()) groups.emplace_back();
  groups.emplace_back();
}
void FinishCopies(int unfinished_groups) {
  auto& groups = TheDevice().Current().copies;
  // The last group is still open.
  while (static_cast<int>(groups.size()) - 1 > unfinished_groups) {
    for (const emulator::Copy& copy : groups.front()) emulator::CopyChunk(copy.to, copy.from);
    groups.erase(groups.begin());
  }
}

void StreamState::Enqueue(std::function<void()> piece) {
  ++queued;
  work.push_back(std::move(piece));
  if (!deferred) RunUntil(queued);
}

void StreamState::RunUntil(uint64_t count) {
  while (done < count && !work.empty()) {
    const std::function<void()> piece = std::move(work.front());
    work.pop_front();
    ++done;
    piece();
  }
}

void LaunchBody(Stream stream, const Grid& grid, const void* kernel, std::function<void()> body) {
  if (grid.blocks == 0) return;
  const auto run = [grid, kernel, body = std::move(body)] {
    TheDevice().Launch(grid, kernel, body);
  };
  if (stream == nullptr) {
    run();
  } else {
    stream->Enqueue(run);
  }
}

}  // namespace lacos::cuda::gpu
