#include "lacos/kernels/cuda/emulator/emulated_runtime.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/kernels/cuda/cuda_backend.h"

namespace lacos::cuda::emulator {

EmulatedRuntime::~EmulatedRuntime() {
  for (gpu::Stream stream : streams_) delete stream;
  for (const auto& [memory, bytes] : device_memory_) std::free(memory);
  for (const auto& [memory, bytes] : pinned_memory_) std::free(memory);
}

Status EmulatedRuntime::DriverVersion(int* version) {
  *version = 13000;
  return Status::kOk;
}

Status EmulatedRuntime::DeviceCount(int* count) {
  *count = 1;
  return Status::kOk;
}

Status EmulatedRuntime::Facts(int device, DeviceFacts* facts) {
  if (device != 0) return Status::kInvalidDevice;
  *facts = {.name = "emulated GPU",
            .major = 8,
            .minor = 0,
            .multiprocessors = 4,
            .total_bytes = total_bytes,
            .l2_bytes = 1 << 20,
            .shared_bytes = static_cast<int64_t>(kMostSharedBytes),
            .bus_id = "none"};
  return Status::kOk;
}

Status EmulatedRuntime::SetDevice(int device) {
  return device == 0 ? Status::kOk : Status::kInvalidDevice;
}

Status EmulatedRuntime::MemoryInfo(size_t* free, size_t* total) {
  *free = static_cast<size_t>(std::max<int64_t>(0, total_bytes - others_bytes - used_));
  *total = static_cast<size_t>(total_bytes);
  return Status::kOk;
}

Status EmulatedRuntime::Allocate(size_t bytes, void** device) {
  if (used_ + others_bytes + static_cast<int64_t>(bytes) > total_bytes) return Status::kOutOfMemory;
  const size_t rounded = (std::max<size_t>(bytes, 1) + 255) / 256 * 256;
  void* memory = nullptr;
  if (posix_memalign(&memory, 256, rounded) != 0) return Status::kOutOfMemory;
  std::memset(memory, 0xFF, rounded);  // NaN: nobody may rely on what was there
  device_memory_[memory] = bytes;
  used_ += static_cast<int64_t>(bytes);
  peak_ = std::max(peak_, used_);
  ++allocations_;
  *device = memory;
  return Status::kOk;
}

Status EmulatedRuntime::Free(void* device) {
  for (gpu::Stream stream : streams_) stream->RunUntil(stream->queued);
  const auto found = device_memory_.find(device);
  if (found == device_memory_.end()) return Status::kInvalidValue;
  used_ -= static_cast<int64_t>(found->second);
  device_memory_.erase(found);
  std::free(device);
  return Status::kOk;
}

Status EmulatedRuntime::AllocateHost(size_t bytes, void** host) {
  *host = std::malloc(bytes);
  if (*host == nullptr) return Status::kOutOfMemory;
  pinned_memory_[*host] = bytes;
  pinned_ += static_cast<int64_t>(bytes);
  pinned_peak_ = std::max(pinned_peak_, pinned_);
  return Status::kOk;
}

Status EmulatedRuntime::FreeHost(void* host) {
  const auto found = pinned_memory_.find(host);
  if (found == pinned_memory_.end()) return Status::kInvalidValue;
  pinned_ -= static_cast<int64_t>(found->second);
  pinned_memory_.erase(found);
  std::free(host);
  return Status::kOk;
}

Status EmulatedRuntime::CreateStream(gpu::Stream* stream) {
  *stream = new gpu::StreamState{.deferred = deferred_};
  streams_.insert(*stream);
  return Status::kOk;
}

Status EmulatedRuntime::DestroyStream(gpu::Stream stream) {
  stream->RunUntil(stream->queued);
  streams_.erase(stream);
  delete stream;
  return Status::kOk;
}

Status EmulatedRuntime::Synchronize(gpu::Stream stream) {
  stream->RunUntil(stream->queued);
  return Status::kOk;
}

Status EmulatedRuntime::CreateEvent(Event* event) {
  *event = new Mark;
  return Status::kOk;
}

Status EmulatedRuntime::DestroyEvent(Event event) {
  delete static_cast<Mark*>(event);
  return Status::kOk;
}

Status EmulatedRuntime::Record(Event event, gpu::Stream stream) {
  *static_cast<Mark*>(event) = {stream, stream->queued};
  return Status::kOk;
}

Status EmulatedRuntime::Wait(gpu::Stream stream, Event event) {
  const Mark mark = *static_cast<Mark*>(event);
  if (mark.stream != nullptr) stream->Enqueue([mark] { mark.stream->RunUntil(mark.count); });
  return Status::kOk;
}

Status EmulatedRuntime::Await(Event event) {
  const Mark mark = *static_cast<Mark*>(event);
  if (mark.stream != nullptr) mark.stream->RunUntil(mark.count);
  return Status::kOk;
}

Status EmulatedRuntime::Copy(void* to, const void* from, size_t bytes, CopyKind,
                             gpu::Stream stream) {
  stream->Enqueue([=] { std::memcpy(to, from, bytes); });
  return Status::kOk;
}

Status EmulatedRuntime::SetBytes(void* device, int value, size_t bytes, gpu::Stream stream) {
  stream->Enqueue([=] { std::memset(device, value, bytes); });
  return Status::kOk;
}

std::string EmulatedRuntime::Describe(Status status) {
  return "emulated error " + std::to_string(static_cast<int>(status));
}

}  // namespace lacos::cuda::emulator

namespace lacos {

std::unique_ptr<Backend> MakeEmulatedCudaBackend(const EmulatedCudaOptions& options) {
  std::shared_ptr<cuda::Runtime> runtime = options.runtime;
  if (runtime == nullptr) runtime = std::make_shared<cuda::emulator::EmulatedRuntime>();
  return cuda::MakeCudaBackendOn(
      std::move(runtime),
      {.index = options.index, .compute = options.compute, .check_each_op = options.check_each_op});
}

}  // namespace lacos
