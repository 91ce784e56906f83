#include "lacos/runtime/compute_thread.h"

#include <pthread.h>
#include <unistd.h>

#include "lacos/base/thread.h"
#include "lacos/runtime/default_floating_point.h"

namespace lacos {
namespace {

// The registry is never destroyed, because models may be closed while the process ends.
struct Registry {
  // Held over fork(), so that a child never finds it locked by a thread that does not exist there.
  std::mutex mutex;
  std::weak_ptr<ComputeThread> current;
  pid_t process = getpid();
};

Registry& TheRegistry();

Registry* MakeRegistry() {
  pthread_atfork([] { TheRegistry().mutex.lock(); }, [] { TheRegistry().mutex.unlock(); },
                 [] { TheRegistry().mutex.unlock(); });
  return new Registry;
}

Registry& TheRegistry() {
  static Registry* const registry = MakeRegistry();
  return *registry;
}

}  // namespace

std::shared_ptr<ComputeThread> ComputeThread::Acquire() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  if (registry.process !=
      getpid()) {  // after a fork, the parent's thread and its holders stay as they are
    registry.current.reset();
    registry.process = getpid();
  }
  std::shared_ptr<ComputeThread> thread = registry.current.lock();
  if (thread == nullptr) {
    thread = std::make_shared<ComputeThread>();
    registry.current = thread;
  }
  return thread;
}

ComputeThread::ComputeThread() : process_(getpid()) {
  const SignalsBlocked signals_blocked;
  thread_ = std::thread([this] { Loop(); });
}

ComputeThread::~ComputeThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

bool ComputeThread::IsHere() const { return process_ == getpid(); }

void ComputeThread::Run(const std::function<void()>& work) {
  Job job;
  job.work = &work;
  std::unique_lock lock(mutex_);
  if (last_ == nullptr) {
    first_ = &job;
  } else {
    last_->next = &job;
  }
  last_ = &job;
  arrived_.notify_one();
  job.finished.wait(lock, [&] { return job.done; });
  lock.unlock();
  if (job.error) std::rethrow_exception(job.error);
}

void ComputeThread::Loop() {
  pthread_setname_np(pthread_self(), "lacos-compute");  // for debuggers and `top -H`
  // A new thread inherits its creator's floating-point environment.
  const DefaultFloatingPoint floating_point;
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [this] { return stop_ || first_ != nullptr; });
    if (first_ == nullptr) return;
    Job& job = *first_;
    first_ = job.next;
    if (first_ == nullptr) last_ = nullptr;
    lock.unlock();
    try {
      (*job.work)();
    } catch (...) {
      job.error = std::current_exception();
    }
    lock.lock();
    job.done = true;
    // done under the lock, because the job may be gone once it is released
    job.finished.notify_one();
  }
}

}  // namespace lacos
