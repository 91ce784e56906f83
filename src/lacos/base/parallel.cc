#include "lacos/base/parallel.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "lacos/base/control_group.h"
#include "lacos/base/thread.h"

namespace lacos {
namespace {

// The largest number of threads, the one that starts a loop included.
constexpr int kMostThreads = 4096;

// A thread without work polls for this long before it sleeps. Gaps between the loops of a training
// step are shorter; waking a thread takes some 5 to 50 microseconds.
constexpr std::chrono::microseconds kPolling{50};

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Polls until `ready` returns true or the time for polling is over.
template <class Ready>
bool Poll(Ready&& ready) {
  const auto end = std::chrono::steady_clock::now() + kPolling;
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

// Sleeps while `word` is `value`. May return early.
void Sleep(std::atomic<uint32_t>& word, uint32_t value) {
  static_assert(sizeof word == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free);
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}
void Wake(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

// The position of this thread among those of its pool, and whether it is inside a call of a loop.
thread_local int t_index = 0;
thread_local bool t_in_loop = false;

class Pool {
 public:
  explicit Pool(int threads) : wanted_(threads) {}

  int WantedThreads() const { return wanted_.load(); }
  int Threads() const { return std::min(wanted_.load(), most_.load()); }
  void SetThreads(int threads) {
    wanted_ = std::clamp(threads, 1, kMostThreads);
    most_ = kMostThreads;  // the system may have room for more threads by now
  }

  std::string Start() {
    const std::lock_guard lock(busy_);
    return StartWorkers();
  }

  void Run(int64_t n, internal::LoopBody body, void* context) {
    const bool alone = n <= 1 || t_in_loop || Threads() == 1;
    std::unique_lock lock(busy_, std::defer_lock);
    if (alone || !lock.try_lock() || stopped_.load()) {
      for (int64_t i = 0; i < n; ++i) body(context, i);
      return;
    }
    StartWorkers();
    const auto threads = static_cast<int>(std::min<int64_t>(n, Threads()));
    body_ = body;
    context_ = context;
    count_ = n;
    unfinished_.store(n, std::memory_order_relaxed);
    ticket_.store(Ticket(threads, n));
    for (int i = 1; i < threads; ++i) workers_[static_cast<size_t>(i) - 1]->WakeUp();
    t_in_loop = true;
    while (RunOne(0)) {
    }
    t_in_loop = false;
    AwaitEnd();
  }

  // Ends the threads. Later loops run on their callers' threads.
  void Stop() {
    stopped_ = true;
    for (const auto& worker : workers_) {
      worker->WakeUp();
      // A call that ends the process cannot wait for its own thread.
      if (t_in_loop) {
        worker->thread.detach();
      } else {
        worker->thread.join();
      }
    }
  }

 private:
  struct alignas(64) Worker {
    std::atomic<uint32_t> asleep{0};
    std::thread thread;

    void WakeUp() {
      if (asleep.load() != 0 && asleep.exchange(0) != 0) Wake(asleep);
    }
  };

  // The state of the loop that is running: how many indices nobody has taken yet, and how many
  // threads may take them. Both change together, so that a thread that wakes up late can neither
  // take an index of an earlier loop nor join a loop that has fewer threads.
  static constexpr int kLeftBits = 48;
  static uint64_t Ticket(int threads, int64_t left) {
    return static_cast<uint64_t>(threads) << kLeftBits | static_cast<uint64_t>(left);
  }
  static int64_t Left(uint64_t ticket) {
    return static_cast<int64_t>(ticket & ((uint64_t{1} << kLeftBits) - 1));
  }
  static int ThreadsOf(uint64_t ticket) { return static_cast<int>(ticket >> kLeftBits); }

  bool HasWork(int index) const {
    const uint64_t ticket = ticket_.load();
    return Left(ticket) > 0 && index < ThreadsOf(ticket);
  }

  // Takes one index and runs its call. Returns false if there is none.
  bool RunOne(int index) {
    uint64_t ticket = ticket_.load();
    do {
      if (Left(ticket) == 0 || index >= ThreadsOf(ticket)) return false;
    } while (!ticket_.compare_exchange_weak(ticket, ticket - 1));
    // The loop cannot end before this call has ended, so its members stay as they are.
    body_(context_, count_ - Left(ticket));
    if (unfinished_.fetch_sub(1) == 1 && waiting_.exchange(0) != 0) Wake(waiting_);
    return true;
  }

  void AwaitEnd() {
    const auto ended = [this] { return unfinished_.load() == 0; };
    if (Poll(ended)) return;
    for (;;) {
      waiting_.store(1);
      if (ended()) return;
      Sleep(waiting_, 1);
    }
  }

  std::string StartWorkers() {
    const int threads = Threads();
    if (static_cast<int>(workers_.size()) + 1 >= threads) return {};
    const SignalsBlocked signals_blocked;
    try {
      while (static_cast<int>(workers_.size()) + 1 < threads) {
        const int index = static_cast<int>(workers_.size()) + 1;
        auto worker = std::make_unique<Worker>();
        worker->thread = std::thread([this, index, w = worker.get()] { Work(index, *w); });
        workers_.push_back(std::move(worker));
      }
    } catch (const std::system_error& error) {
      most_ = static_cast<int>(workers_.size()) + 1;
      return error.code().message();
    } catch (const std::bad_alloc&) {
      most_ = static_cast<int>(workers_.size()) + 1;
      return "out of memory";
    }
    return {};
  }

  void Work(int index, Worker& self) {
    t_index = index;
    t_in_loop = true;
    std::fesetenv(FE_DFL_ENV);
    pthread_setname_np(pthread_self(), "lacos-worker");
    const auto ready = [&] { return HasWork(index) || stopped_.load(); };
    while (!stopped_.load()) {
      if (RunOne(index) || Poll(ready)) continue;
      self.asleep.store(1);
      while (self.asleep.load() != 0 && !ready()) Sleep(self.asleep, 1);
      self.asleep.store(0);
    }
  }

  std::atomic<int> wanted_;
  std::atomic<int> most_{kMostThreads};  // the system has refused to start more
  std::atomic<bool> stopped_{false};
  std::mutex busy_;  // held while a loop runs or threads are started
  std::vector<std::unique_ptr<Worker>> workers_;
  internal::LoopBody body_ = nullptr;
  void* context_ = nullptr;
  int64_t count_ = 0;
  alignas(64) std::atomic<uint64_t> ticket_{0};
  alignas(64) std::atomic<int64_t> unfinished_{0};
  std::atomic<uint32_t> waiting_{0};  // whether the loop's caller sleeps
};

// A child of fork() has none of the parent's threads, so it gets a pool of its own. The parent's
// stays in the child's memory, untouched, whatever state the fork found it in.
std::atomic<Pool*> the_pool{nullptr};

// Ends the threads with the process, or when liblacos.so is unloaded.
struct PoolStopper {
  ~PoolStopper() {
    if (Pool* const pool = the_pool.load()) pool->Stop();
  }
};

Pool& ThePool() {
  static Pool* const first = [] {
    auto* const pool = new Pool(DefaultThreadCount());
    the_pool = pool;
    pthread_atfork(nullptr, nullptr, [] { the_pool = new Pool(the_pool.load()->WantedThreads()); });
    return pool;
  }();
  static const PoolStopper stopper;
  static_cast<void>(first);
  return *the_pool.load();
}

// The first number in an environment variable of OpenMP such as "4" or "4,2"; 0 if there is none.
int NumberInEnvironment(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return 0;
  const long number = std::strtol(text, nullptr, 10);
  return number > 0 && number <= kMostThreads ? static_cast<int>(number) : 0;
}

}  // namespace

int AvailableCores() {
  // A machine may have more cores than a cpu_set_t has room for.
  for (int room = 1024; room <= (1 << 20); room *= 4) {
    cpu_set_t* const set = CPU_ALLOC(room);
    if (set == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(room);
    const bool known = sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return std::max(1u, std::thread::hardware_concurrency());
}

int DefaultThreadCount() {
  int threads = std::min(AvailableCores(), kMostThreads);
  if (const auto quota = ControlGroupCores("/proc/self/cgroup", "/sys/fs/cgroup")) {
    threads = static_cast<int>(std::min<double>(threads, std::max(1.0, std::ceil(*quota))));
  }
  for (const char* name : {"OMP_NUM_THREADS", "OMP_THREAD_LIMIT"}) {
    if (const int number = NumberInEnvironment(name)) threads = std::min(threads, number);
  }
  return threads;
}

void SetThreadCount(int threads) {
  ThePool().SetThreads(threads > 0 ? threads : DefaultThreadCount());
}
int ThreadCount() { return ThePool().Threads(); }
int ThreadIndex() { return t_index; }
std::string StartThreads() { return ThePool().Start(); }

namespace internal {

void RunLoop(int64_t n, LoopBody body, void* context) { ThePool().Run(n, body, context); }

}  // namespace internal
}  // namespace lacos
