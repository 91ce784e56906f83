// What the sanitizers must know about fibers, so that ThreadSanitizer sees the threads of a block as
// threads, and AddressSanitizer knows their stacks. Without sanitizers everything here is empty.
#pragma once

#include <cstddef>

#if defined(LACOS_EMULATOR_TSAN)
#include <sanitizer/tsan_interface.h>
// NOLINTBEGIN(bugprone-reserved-identifier): the names are ThreadSanitizer's
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
// NOLINTEND(bugprone-reserved-identifier)
#elif defined(LACOS_EMULATOR_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif

namespace lacos::cuda::emulator {

#if defined(LACOS_EMULATOR_TSAN)

constexpr bool kThreadSanitizer = true;
#define LACOS_NO_THREAD_SANITIZER __attribute__((no_sanitize("thread")))

class SanitizedFiber {
 public:
  SanitizedFiber() = default;
  ~SanitizedFiber() {
    if (made_) __tsan_destroy_fiber(fiber_);
  }
  SanitizedFiber(const SanitizedFiber&) = delete;
  SanitizedFiber& operator=(const SanitizedFiber&) = delete;
  // A new fiber whose stack begins at `bottom`.
  void Make(const void*, size_t) {
    fiber_ = __tsan_create_fiber(0);
    made_ = true;
  }
  void Adopt() { fiber_ = __tsan_get_current_fiber(); }  // becomes the calling thread
  void* fiber() const { return fiber_; }

 private:
  void* fiber_ = nullptr;
  bool made_ = false;
};
// Called right before a switch, and right after it on the other side. A switch orders no accesses.
inline void LeaveFiber(SanitizedFiber&, SanitizedFiber& to) {
  __tsan_switch_to_fiber(to.fiber(), 1);
}
inline void ArriveAtFiber(SanitizedFiber&, SanitizedFiber&) {}

// A place where threads order their accesses. It has two addresses, which barriers use in turn.
class SyncPoint {
 public:
  void Release(int phase) { __tsan_release(&addresses_[phase]); }
  void Acquire(int phase) { __tsan_acquire(&addresses_[phase]); }

 private:
  char addresses_[2] = {};
};

#else

constexpr bool kThreadSanitizer = false;
#define LACOS_NO_THREAD_SANITIZER

#if defined(LACOS_EMULATOR_ASAN)

struct SanitizedFiber {
  void Make(const void* stack_bottom, size_t stack_bytes) {
    bottom = stack_bottom;
    bytes = stack_bytes;
  }
  void Adopt() {}

  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  size_t bytes = 0;
};
inline void LeaveFiber(SanitizedFiber& from, SanitizedFiber& to) {
  __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.bytes);
}
inline void ArriveAtFiber(SanitizedFiber& here, SanitizedFiber& from) {
  __sanitizer_finish_switch_fiber(here.fake_stack, &from.bottom, &from.bytes);
}

#else

struct SanitizedFiber {
  void Make(const void*, size_t) {}
  void Adopt() {}
};
inline void LeaveFiber(SanitizedFiber&, SanitizedFiber&) {}
inline void ArriveAtFiber(SanitizedFiber&, SanitizedFiber&) {}

#endif

class SyncPoint {
 public:
  void Release(int) {}
  void Acquire(int) {}
};

#endif

}  // namespace lacos::cuda::emulator
