// Memory that is reserved for operations of Boost.Asio, so that they can begin when no other is left.
#pragma once

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <memory>
#include <utility>

#include "lacos/base/check.h"

namespace lacos::serve {

// Room for one operation, which must have ended before the next one begins.
struct ReservedMemory {
  alignas(std::max_align_t) std::byte bytes[192];
};

// Gives out the room, as Boost.Asio asks for it, and keeps alive what owns it.
template <class T>
class ReservedAllocator {
 public:
  using value_type = T;
  explicit ReservedAllocator(std::shared_ptr<ReservedMemory> memory) : memory_(std::move(memory)) {}
  template <class U>
  ReservedAllocator(const ReservedAllocator<U>& other)
      : memory_(other.memory()) {}  // NOLINT: allocators convert

  T* allocate(size_t count) {
    LACOS_CHECK(count * sizeof(T) <= sizeof(memory_->bytes), "an operation fits into its room");
    return reinterpret_cast<T*>(memory_->bytes);
  }
  void deallocate(T*, size_t) {}
  const std::shared_ptr<ReservedMemory>& memory() const { return memory_; }
  template <class U>
  bool operator==(const ReservedAllocator<U>& other) const {
    return memory_ == other.memory();
  }

 private:
  std::shared_ptr<ReservedMemory> memory_;
};

// A handler whose operation lies in the reserved memory.
template <class F>
auto WithMemory(std::shared_ptr<ReservedMemory> memory, F handler) {
  return boost::asio::bind_allocator(ReservedAllocator<void*>(std::move(memory)),
                                     std::move(handler));
}

// Calls `call` on the thread that runs `io`. May be called from any thread, and cannot fail.
template <class F>
void PostWithoutMemory(boost::asio::io_context& io, std::shared_ptr<ReservedMemory> memory,
                       F call) {
  boost::asio::post(io, WithMemory(std::move(memory), std::move(call)));
}

}  // namespace lacos::serve
