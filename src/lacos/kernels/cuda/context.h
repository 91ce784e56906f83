// What all ops of one CUDA backend share: the device, a stream, scratch memory, staging memory for
// copies from the host, and the check of every call.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/runtime.h"
#include "lacos/tensor/buffer.h"

namespace lacos::cuda {

// The purposes of scratch memory. Each has a block that grows to the largest request.
enum class ScratchSlot : uint8_t {
  kRows,      // partial sums of the row ops
  kTable,     // small tables that the host makes for one op
  kProducts,  // linear/
  kOperands,  // linear/
  kSums,      // linear/
  kAttention,
  kCount,
};

// "13.0" for 13000.
std::string VersionText(int version);

class Context {
 public:
  // Throws UserError if the device cannot be used. `check_each_op` is that of kernels/device.h.
  Context(std::shared_ptr<Runtime> runtime, int device, bool check_each_op = false);
  // A dry copy: it hands out addresses without memory, launches nothing and adds up the scratch.
  static std::unique_ptr<Context> MakeDry(const Context& context);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Runtime& runtime() { return *runtime_; }
  gpu::Stream stream() const { return stream_; }
  const DeviceFacts& facts() const { return facts_; }
  // Whether this process may call CUDA: a child of the process that made this object may not.
  bool OwnsDevice() const;
  int device() const { return device_; }
  bool dry() const { return stream_ == gpu::DryStream(); }
  // Versions as numbers: 13000 is CUDA 13.0.
  int driver_version() const { return driver_version_; }
  int runtime_version() const { return runtime_version_; }
  // cuBLASLt's functions, loaded at the first call, or null if the library is missing.
  const CublasLtFunctions* CublasLt();

  // Throws DeviceError unless `status` is kOk: "[cuda] NAME: out of memory ...".
  void Check(Status status, std::string_view call);

  // Every op begins and ends with these. They find the errors of launches, and refuse to work in a
  // child process, where CUDA cannot be used.
  void BeginOp(const char* name);
  void EndOp();

  // Zeroed memory of the device.
  Buffer Allocate(size_t bytes);
  // Scratch that is valid until the next op. Its contents are undefined.
  std::byte* Scratch(ScratchSlot slot, size_t bytes);
  template <class T>
  T* ScratchOf(ScratchSlot slot, int64_t count) {
    return reinterpret_cast<T*>(Scratch(slot, static_cast<size_t>(count) * sizeof(T)));
  }
  // Gives all scratch back.
  void ForgetScratch();
  void CopyOnDevice(const void* from, void* to, size_t bytes);
  // Queues a copy to the device on `stream`. `host` may be changed as soon as the call returns.
  void Upload(std::span<const std::byte> host, void* device, gpu::Stream stream);
  void Upload(std::span<const std::byte> host, void* device) { Upload(host, device, stream_); }
  // Uploads a small table that only this op reads, and returns its address on the device.
  template <class T>
  const T* UploadTable(std::span<const T> values) {
    return reinterpret_cast<const T*>(UploadBytes(std::as_bytes(values)));
  }
  // Waits for all queued work and copies the bytes.
  void Download(const void* device, std::span<std::byte> host);
  void Synchronize();

  // Bytes of the device that this object holds.
  size_t HeldBytes() const;
  size_t pinned_bytes() const { return pinned_bytes_; }
  // The card's memory, and what this object has allocated of it.
  BackendMemory Memory();

 private:
  Context() = default;  // MakeDry
  struct Meter {
    int64_t now = 0, peak = 0;
    void Add(int64_t bytes) {
      now += bytes;
      if (now > peak) peak = now;
    }
  };
  // A piece of pinned memory. Copies from it may be queued until its event has passed.
  struct StagingPiece {
    std::byte* data = nullptr;
    Event event = nullptr;
    size_t used = 0;
    bool pending = false;
  };

  void CheckProcess() const;
  std::byte* Take(size_t bytes);
  Buffer Own(std::byte* data, size_t bytes);
  const std::byte* UploadBytes(std::span<const std::byte> host);
  std::byte* Stage(size_t bytes, gpu::Stream stream);

  std::shared_ptr<Runtime> runtime_;
  std::shared_ptr<Meter> meter_ = std::make_shared<Meter>();
  int device_ = 0;
  bool check_each_op_ = false;
  pid_t process_ = 0;
  DeviceFacts facts_;
  int driver_version_ = 0, runtime_version_ = 0;
  const CublasLtFunctions* cublaslt_ = nullptr;
  gpu::Stream stream_ = nullptr;
  const char* op_ = "";
  std::array<Buffer, static_cast<size_t>(ScratchSlot::kCount)> scratch_;
  std::vector<StagingPiece> pieces_;
  size_t piece_ = 0;
  gpu::Stream staged_for_ = nullptr;
  size_t pinned_bytes_ = 0;
  size_t table_used_ = 0;
};

}  // namespace lacos::cuda
