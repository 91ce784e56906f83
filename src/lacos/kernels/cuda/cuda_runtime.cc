// NVIDIA's CUDA runtime, which is linked statically: it looks for the driver when it is first called,
// so a program that never asks for a GPU needs none.
#include <cuda_runtime_api.h>
#include <fmt/core.h>

#include <memory>

#include "lacos/kernels/cuda/cuda_backend.h"
#include "lacos/kernels/cuda/linear/cublaslt.h"
#include "lacos/kernels/cuda/runtime.h"

namespace lacos {
namespace cuda {
namespace {

Status StatusOf(cudaError_t error) { return static_cast<Status>(error); }

static_assert(static_cast<int>(Status::kOutOfMemory) == cudaErrorMemoryAllocation);
static_assert(static_cast<int>(Status::kOldDriver) == cudaErrorInsufficientDriver);
static_assert(static_cast<int>(Status::kNoDevice) == cudaErrorNoDevice);
static_assert(static_cast<int>(Status::kInvalidDevice) == cudaErrorInvalidDevice);
static_assert(static_cast<int>(Status::kNoKernelImage) == cudaErrorNoKernelImageForDevice);
static_assert(static_cast<int>(Status::kNotReady) == cudaErrorNotReady);
static_assert(static_cast<int>(Status::kIllegalAddress) == cudaErrorIllegalAddress);
static_assert(static_cast<int>(Status::kLaunchFailure) == cudaErrorLaunchFailure);

class CudaRuntime final : public Runtime {
 public:
  Status DriverVersion(int* version) override { return StatusOf(cudaDriverGetVersion(version)); }
  int RuntimeVersion() override { return CUDART_VERSION; }
  Status DeviceCount(int* count) override { return StatusOf(cudaGetDeviceCount(count)); }
  Status Facts(int device, DeviceFacts* facts) override {
    cudaDeviceProp properties;
    const cudaError_t error = cudaGetDeviceProperties(&properties, device);
    if (error != cudaSuccess) return StatusOf(error);
    *facts = {.name = properties.name,
              .major = properties.major,
              .minor = properties.minor,
              .multiprocessors = properties.multiProcessorCount,
              .total_bytes = static_cast<int64_t>(properties.totalGlobalMem),
              .l2_bytes = properties.l2CacheSize,
              .shared_bytes = static_cast<int64_t>(properties.sharedMemPerBlockOptin),
              .bus_id = fmt::format("{:04x}:{:02x}:{:02x}.0", properties.pciDomainID,
                                    properties.pciBusID, properties.pciDeviceID)};
    return Status::kOk;
  }
  Status SetDevice(int device) override { return StatusOf(cudaSetDevice(device)); }
  Status MemoryInfo(size_t* free, size_t* total) override {
    return StatusOf(cudaMemGetInfo(free, total));
  }

  Status Allocate(size_t bytes, void** device) override {
    return StatusOf(cudaMalloc(device, bytes));
  }
  Status Free(void* device) override { return StatusOf(cudaFree(device)); }
  Status AllocateHost(size_t bytes, void** host) override {
    return StatusOf(cudaHostAlloc(host, bytes, cudaHostAllocPortable));
  }
  Status FreeHost(void* host) override { return StatusOf(cudaFreeHost(host)); }

  Status CreateStream(gpu::Stream* stream) override {
    return StatusOf(
        cudaStreamCreateWithFlags(reinterpret_cast<cudaStream_t*>(stream), cudaStreamNonBlocking));
  }
  Status DestroyStream(gpu::Stream stream) override {
    return StatusOf(cudaStreamDestroy(StreamOf(stream)));
  }
  Status Synchronize(gpu::Stream stream) override {
    return StatusOf(cudaStreamSynchronize(StreamOf(stream)));
  }
  Status CreateEvent(Event* event) override {
    return StatusOf(
        cudaEventCreateWithFlags(reinterpret_cast<cudaEvent_t*>(event), cudaEventDisableTiming));
  }
  Status DestroyEvent(Event event) override { return StatusOf(cudaEventDestroy(EventOf(event))); }
  Status Record(Event event, gpu::Stream stream) override {
    return StatusOf(cudaEventRecord(EventOf(event), StreamOf(stream)));
  }
  Status Wait(gpu::Stream stream, Event event) override {
    return StatusOf(cudaStreamWaitEvent(StreamOf(stream), EventOf(event)));
  }
  Status Await(Event event) override { return StatusOf(cudaEventSynchronize(EventOf(event))); }

  Status Copy(void* to, const void* from, size_t bytes, CopyKind kind,
              gpu::Stream stream) override {
    const cudaMemcpyKind direction = kind == CopyKind::kHostToDevice   ? cudaMemcpyHostToDevice
                                     : kind == CopyKind::kDeviceToHost ? cudaMemcpyDeviceToHost
                                                                       : cudaMemcpyDeviceToDevice;
    return StatusOf(cudaMemcpyAsync(to, from, bytes, direction, StreamOf(stream)));
  }
  Status SetBytes(void* device, int value, size_t bytes, gpu::Stream stream) override {
    return StatusOf(cudaMemsetAsync(device, value, bytes, StreamOf(stream)));
  }

  Status LastStatus() override { return StatusOf(cudaGetLastError()); }
  std::string Describe(Status status) override {
    const auto error = static_cast<cudaError_t>(status);
    return fmt::format("{}: {}", cudaGetErrorName(error), cudaGetErrorString(error));
  }
  const CublasLtFunctions* CublasLt() override { return LoadCublasLt(); }

 private:
  static cudaStream_t StreamOf(gpu::Stream stream) {
    return reinterpret_cast<cudaStream_t>(stream);
  }
  static cudaEvent_t EventOf(Event event) { return static_cast<cudaEvent_t>(event); }
};

}  // namespace

std::shared_ptr<Runtime> MakeCudaRuntime() { return std::make_shared<CudaRuntime>(); }

}  // namespace cuda

std::unique_ptr<Backend> MakeCudaBackend(const CudaBackendOptions& options) {
  return cuda::MakeCudaBackendOn(cuda::MakeCudaRuntime(), options);
}

}  // namespace lacos
