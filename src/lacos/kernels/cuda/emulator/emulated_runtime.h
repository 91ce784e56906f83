// A CUDA runtime for tests whose device is the host: one GPU that runs kernels in the emulator.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/emulator/emulator.h"
#include "lacos/kernels/cuda/runtime.h"

namespace lacos::cuda::emulator {

// Tests derive from this class to make calls fail.
class EmulatedRuntime : public Runtime {
 public:
  // With `deferred`, queued work runs only when somebody waits for it, so that memory which is freed
  // or changed too early shows.
  explicit EmulatedRuntime(bool deferred = false) : deferred_(deferred) {}
  ~EmulatedRuntime() override;

  Status DriverVersion(int* version) override;
  int RuntimeVersion() override { return 13000; }
  Status DeviceCount(int* count) override;
  Status Facts(int device, DeviceFacts* facts) override;
  Status SetDevice(int device) override;
  Status MemoryInfo(size_t* free, size_t* total) override;
  Status Allocate(size_t bytes, void** device) override;
  Status Free(void* device) override;
  Status AllocateHost(size_t bytes, void** host) override;
  Status FreeHost(void* host) override;
  Status CreateStream(gpu::Stream* stream) override;
  Status DestroyStream(gpu::Stream stream) override;
  Status Synchronize(gpu::Stream stream) override;
  Status CreateEvent(Event* event) override;
  Status DestroyEvent(Event event) override;
  Status Record(Event event, gpu::Stream stream) override;
  Status Wait(gpu::Stream stream, Event event) override;
  Status Await(Event event) override;
  Status Copy(void* to, const void* from, size_t bytes, CopyKind kind, gpu::Stream stream) override;
  Status SetBytes(void* device, int value, size_t bytes, gpu::Stream stream) override;
  Status LastStatus() override { return Status::kOk; }
  std::string Describe(Status status) override;

  // The card's memory, what other processes hold of it, and what is allocated here.
  int64_t total_bytes = int64_t{8} << 30;
  int64_t others_bytes = 0;
  int64_t used_bytes() const { return used_; }
  int64_t peak_bytes() const { return peak_; }
  void ResetPeak() { peak_ = used_; }
  int64_t allocations() const { return allocations_; }
  // The most pinned memory of the host so far.
  int64_t pinned_peak_bytes() const { return pinned_peak_; }

 private:
  struct Mark {
    gpu::Stream stream = nullptr;
    uint64_t count = 0;
  };

  bool deferred_;
  int64_t used_ = 0, peak_ = 0, allocations_ = 0, pinned_ = 0, pinned_peak_ = 0;
  std::map<void*, size_t> device_memory_, pinned_memory_;
  std::set<gpu::Stream> streams_;
};

}  // namespace lacos::cuda::emulator

namespace lacos {

struct EmulatedCudaOptions {
  Compute compute = Compute::kBF16;
  std::shared_ptr<cuda::Runtime> runtime = nullptr;  // a new EmulatedRuntime if absent
  int index = 0;
  bool check_each_op = false;
};
std::unique_ptr<Backend> MakeEmulatedCudaBackend(const EmulatedCudaOptions& options);

}  // namespace lacos
