// Memory that a backend has allocated, with its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace lacos {

// Whether the host can read and write the memory: a device's addresses mean nothing to it.
enum class MemoryKind : uint8_t { kHost, kDevice };

// Owns `size` bytes, 64-byte aligned, freed by the deleter that its backend gave. Movable, not
// copyable.
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::byte* data, size_t size, std::function<void(std::byte*, size_t)> deleter,
         MemoryKind kind = MemoryKind::kHost)
      : data_(data), size_(size), kind_(kind), deleter_(std::move(deleter)) {}
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      Free();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      kind_ = other.kind_;
      deleter_ = std::move(other.deleter_);
    }
    return *this;
  }
  ~Buffer() { Free(); }

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  MemoryKind kind() const { return kind_; }

 private:
  void Free() {
    if (data_ != nullptr && deleter_) deleter_(data_, size_);
    data_ = nullptr;
  }
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  MemoryKind kind_ = MemoryKind::kHost;
  std::function<void(std::byte*, size_t)> deleter_;
};

}  // namespace lacos
