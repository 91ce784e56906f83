// Calls on the thread of the connections that need no memory when they are posted.
#pragma once

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <memory>
#include <utility>

#include "lacos/base/check.h"

namespace lacos::serve {

// Room for one posted call, which must have run before the next one is posted.
struct PostMemory {
  alignas(std::max_align_t) std::byte bytes[256];
};

// Gives out the room, as Boost.Asio asks for it.
template <class T>
class PostAllocator {
 public:
  using value_type = T;
  explicit PostAllocator(std::shared_ptr<PostMemory> memory) : memory_(std::move(memory)) {}
  template <class U>
  PostAllocator(const PostAllocator<U>& other)
      : memory_(other.memory()) {}  // NOLINT: allocators convert

  T* allocate(size_t count) {
    LACOS_CHECK(count * sizeof(T) <= sizeof(memory_->bytes), "a call fits into its room");
    return reinterpret_cast<T*>(memory_->bytes);
  }
  void deallocate(T*, size_t) {}
  const std::shared_ptr<PostMemory>& memory() const { return memory_; }
  template <class U>
  bool operator==(const PostAllocator<U>& other) const {
    return memory_ == other.memory();
  }

 private:
  std::shared_ptr<PostMemory> memory_;
};

// Calls `call` on the thread that runs `io`. May be called from any thread, and cannot fail.
template <class F>
void PostWithoutMemory(boost::asio::io_context& io, std::shared_ptr<PostMemory> memory, F call) {
  boost::asio::post(
      io, boost::asio::bind_allocator(PostAllocator<void*>(std::move(memory)), std::move(call)));
}

}  // namespace lacos::serve
