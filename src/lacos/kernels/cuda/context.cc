#include "lacos/kernels/cuda/context.h"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/device_error.h"

namespace lacos::cuda {
namespace {

constexpr size_t kPieceBytes = size_t{4} << 20;  // a copy of 4 MB takes 0.1 ms or more
constexpr size_t kPieces = 4;
constexpr size_t kTableBytes = size_t{256} << 10;

// The process that used CUDA first. CUDA does not work in its children.
std::atomic<pid_t> first_process{0};

std::string Gigabytes(size_t bytes) {
  return fmt::format("{:.2f} GB", static_cast<double>(bytes) / 1e9);
}

// Finds out whether the device can be used; throws UserError otherwise.
void CheckDevice(Runtime& runtime, int device, int* driver_version, DeviceFacts* facts) {
  int driver = 0;
  const Status version = runtime.DriverVersion(&driver);
  if (version != Status::kOk || driver == 0)
    throw UserError(
        "[device] no NVIDIA driver was found; expected driver 580 or newer, which CUDA 13 needs; "
        "install it, or choose device cpu");
  // A driver runs programs of the runtimes of its own major version and of older ones.
  const int oldest = runtime.RuntimeVersion() / 1000 * 1000;
  if (driver < oldest)
    throw UserError(fmt::format(
        "[device] the NVIDIA driver supports CUDA {}; expected CUDA {} or newer, which is driver {} "
        "or newer; update the driver, or choose device cpu",
        VersionText(driver), VersionText(oldest), oldest >= 13000 ? 580 : 525));
  int count = 0;
  const Status counted = runtime.DeviceCount(&count);
  if (counted == Status::kOldDriver)
    throw UserError(
        "[device] the NVIDIA driver is too old or does not run; expected driver 580 or newer, which "
        "CUDA 13 needs; update it, or choose device cpu");
  if (counted != Status::kOk && counted != Status::kNoDevice)
    throw UserError(fmt::format(
        "[device] CUDA could not be started: {}; expected a GPU that nvidia-smi lists; see what "
        "nvidia-smi says, or choose device cpu",
        runtime.Describe(counted)));
  if (counted == Status::kNoDevice || count == 0)
    throw UserError(
        "[device] the driver shows no GPU; expected one; check CUDA_VISIBLE_DEVICES and nvidia-smi, "
        "or choose device cpu");
  if (device < 0 || device >= count)
    throw UserError(fmt::format(
        "[device] found GPU {}, which does not exist; expected 0 to {}, as CUDA_VISIBLE_DEVICES "
        "leaves {} of the machine's GPUs visible; choose one of them",
        device, count - 1, count));
  const Status known = runtime.Facts(device, facts);
  if (known != Status::kOk)
    throw UserError(fmt::format(
        "[device] GPU {} does not answer: {}; expected a working GPU; see what nvidia-smi says, or "
        "choose device cpu",
        device, runtime.Describe(known)));
  if (facts->major < 8)
    throw UserError(fmt::format(
        "[device] GPU {} ({}) has compute capability {}.{}; expected 8.0 or newer (Ampere), since "
        "older GPUs have no bf16; choose another GPU, or device cpu",
        device, facts->name, facts->major, facts->minor));
  *driver_version = driver;
}

}  // namespace

std::string VersionText(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

Context::Context(std::shared_ptr<Runtime> runtime, int device, bool check_each_op)
    : runtime_(std::move(runtime)),
      device_(device),
      check_each_op_(check_each_op),
      process_(getpid()) {
  pid_t expected = 0;
  if (!first_process.compare_exchange_strong(expected, process_) && expected != process_)
    throw UserError(
        "[device] this process is a child of one that uses the GPU, where CUDA does not work; "
        "expected a process that was started anew; start it with exec (Python: "
        "multiprocessing.set_start_method(\"spawn\")), or choose device cpu");
  CheckDevice(*runtime_, device, &driver_version_, &facts_);
  runtime_version_ = runtime_->RuntimeVersion();
  op_ = "start";
  Check(runtime_->SetDevice(device), "cudaSetDevice");
  Check(runtime_->CreateStream(&stream_), "cudaStreamCreate");
}

const CublasLtFunctions* Context::CublasLt() {
  if (cublaslt_ == nullptr && !dry()) cublaslt_ = runtime_->CublasLt();
  return cublaslt_;
}

std::unique_ptr<Context> Context::MakeDry(const Context& context) {
  std::unique_ptr<Context> dry(new Context);
  dry->device_ = context.device_;
  dry->process_ = context.process_;
  dry->facts_ = context.facts_;
  dry->driver_version_ = context.driver_version_;
  dry->cublaslt_ = context.cublaslt_;
  dry->runtime_version_ = context.runtime_version_;
  dry->stream_ = gpu::DryStream();
  return dry;
}

Context::~Context() {
  if (dry()) return;
  if (getpid() != process_) return;  // the memory belongs to the parent
  runtime_->Synchronize(stream_);
  for (StagingPiece& piece : pieces_) {
    runtime_->FreeHost(piece.data);
    runtime_->DestroyEvent(piece.event);
  }
  for (Buffer& block : scratch_) block = {};
  runtime_->DestroyStream(stream_);
}

void Context::Check(Status status, std::string_view call) {
  if (status == Status::kOk) return;
  runtime_->LastStatus();  // an error that does not last would be reported again
  if (status == Status::kNoKernelImage)
    throw UserError(fmt::format(
        "[cuda] {}: this build has no code for GPU {} ({}, compute capability {}.{}); expected one "
        "of the capabilities that it was built for; build lacos with `make cuda`, or choose device "
        "cpu",
        op_, device_, facts_.name, facts_.major, facts_.minor));
  throw DeviceError(
      status == Status::kOutOfMemory ? DeviceError::Cause::kOutOfMemory
                                     : DeviceError::Cause::kFailed,
      fmt::format("[cuda] {} on GPU {}: {} said {}", op_, device_, call,
                  runtime_->Describe(status)),
      fmt::format(
          "expected the call to succeed; see what nvidia-smi and dmesg say about the GPU, and start "
          "again: a run goes on from its last checkpoint{}",
          check_each_op_ ? ""
                         : " (an op before this one may have failed: device cuda+check waits after "
                           "each op and names the one)"));
}

bool Context::OwnsDevice() const { return !dry() && getpid() == process_; }

void Context::CheckProcess() const {
  if (getpid() == process_) return;
  throw UserError(
      "[cuda] this model was opened on the GPU by the parent of this process; expected it to be used "
      "there, since CUDA does not work after fork(); open a model with device cpu here, or start the "
      "process with exec");
}

void Context::BeginOp(const char* name) {
  CheckProcess();
  op_ = name;
  table_used_ = 0;
  if (dry()) return;
  // The calling thread may not be the one that made this object.
  Check(runtime_->SetDevice(device_), "cudaSetDevice");
}

void Context::EndOp() {
  if (dry()) return;
  Check(runtime_->LastStatus(), "the launch of a kernel");
  if (check_each_op_) Check(runtime_->Synchronize(stream_), "the kernel");
}

std::byte* Context::Take(size_t bytes) {
  if (dry()) {
    // Address space without access rights: it costs no memory.
    void* place =
        mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
      throw UserError(
          "[plan] could not reserve address space; expected a 64-bit system without a limit on it; "
          "lift `ulimit -v`");
    return static_cast<std::byte*>(place);
  }
  void* data = nullptr;
  const Status status = runtime_->Allocate(bytes, &data);
  if (status == Status::kOutOfMemory) {
    runtime_->LastStatus();  // this error does not last, but it would be reported again
    size_t free = 0, total = 0;
    runtime_->MemoryInfo(&free, &total);
    throw DeviceError(
        DeviceError::Cause::kOutOfMemory,
        fmt::format("[cuda] {}: GPU {} has no {} left, {} of {} are free", op_, device_,
                    Gigabytes(bytes), Gigabytes(free), Gigabytes(total)),
        "expected the run to fit; lower `batch_size`, choose the strategy recompute or gradcache, use "
        "`stream_layers`, or stop other programs on this GPU");
  }
  Check(status, "cudaMalloc");
  return static_cast<std::byte*>(data);
}

Buffer Context::Own(std::byte* data, size_t bytes) {
  meter_->Add(static_cast<int64_t>(bytes));
  if (dry())
    return {data, bytes, [](std::byte* memory, size_t size) { munmap(memory, size); },
            MemoryKind::kDevice};
  return {data, bytes,
          [runtime = runtime_, meter = meter_, process = process_](std::byte* memory, size_t size) {
            if (getpid() != process) return;
            runtime->Free(memory);
            meter->Add(-static_cast<int64_t>(size));
          },
          MemoryKind::kDevice};
}

Buffer Context::Allocate(size_t bytes) {
  Buffer buffer = Own(Take(bytes), bytes);
  if (dry()) return buffer;
  Check(runtime_->SetBytes(buffer.data(), 0, bytes, stream_), "cudaMemsetAsync");
  return buffer;
}

std::byte* Context::Scratch(ScratchSlot slot, size_t bytes) {
  Buffer& block = scratch_[static_cast<size_t>(slot)];
  if (block.size() < bytes) {
    block = {};  // waits for the ops that use it
    const size_t rounded = (bytes + 255) / 256 * 256;
    block = Own(Take(rounded), rounded);
  }
  return block.data();
}

void Context::ForgetScratch() {
  for (Buffer& block : scratch_) block = {};
}

void Context::CopyOnDevice(const void* from, void* to, size_t bytes) {
  if (dry()) return;
  Check(runtime_->Copy(to, from, bytes, CopyKind::kDeviceToDevice, stream_), "cudaMemcpyAsync");
}

std::byte* Context::Stage(size_t bytes, gpu::Stream stream) {
  while (pieces_.size() < kPieces) {
    StagingPiece piece;
    Check(runtime_->CreateEvent(&piece.event), "cudaEventCreate");
    void* data = nullptr;
    const Status status = runtime_->AllocateHost(kPieceBytes, &data);
    if (status != Status::kOk) runtime_->DestroyEvent(piece.event);
    Check(status, "cudaHostAlloc");
    piece.data = static_cast<std::byte*>(data);
    pieces_.push_back(piece);
    pinned_bytes_ += kPieceBytes;
  }
  StagingPiece* piece = &pieces_[piece_];
  if (piece->used > 0 && (piece->used + bytes > kPieceBytes || staged_for_ != stream)) {
    Check(runtime_->Record(piece->event, staged_for_), "cudaEventRecord");
    piece->pending = true;
    piece_ = (piece_ + 1) % kPieces;
    piece = &pieces_[piece_];
    if (piece->pending) Check(runtime_->Await(piece->event), "cudaEventSynchronize");
    piece->pending = false;
    piece->used = 0;
  }
  staged_for_ = stream;
  std::byte* place = piece->data + piece->used;
  piece->used += (bytes + 63) / 64 * 64;
  return place;
}

void Context::Upload(std::span<const std::byte> host, void* device, gpu::Stream stream) {
  if (dry()) return;
  auto* to = static_cast<std::byte*>(device);
  while (!host.empty()) {
    const size_t bytes = std::min(host.size(), kPieceBytes);
    std::byte* staged = Stage(bytes, stream);
    std::memcpy(staged, host.data(), bytes);
    Check(runtime_->Copy(to, staged, bytes, CopyKind::kHostToDevice, stream), "cudaMemcpyAsync");
    host = host.subspan(bytes);
    to += bytes;
  }
}

const std::byte* Context::UploadBytes(std::span<const std::byte> host) {
  const size_t bytes = (host.size() + 255) / 256 * 256;
  const size_t capacity = scratch_[static_cast<size_t>(ScratchSlot::kTable)].size();
  LACOS_CHECK(table_used_ == 0 || table_used_ + bytes <= capacity,
              "the first table of an op is its largest");
  std::byte* place =
      Scratch(ScratchSlot::kTable, std::max({table_used_ + bytes, capacity, kTableBytes})) +
      table_used_;
  table_used_ += bytes;
  Upload(host, place);
  return place;
}

void Context::Download(const void* device, std::span<std::byte> host) {
  if (dry()) {
    std::fill(host.begin(), host.end(), std::byte{0});
    return;
  }
  const auto* from = static_cast<const std::byte*>(device);
  if (host.empty()) Synchronize();
  while (!host.empty()) {
    const size_t bytes = std::min(host.size(), kPieceBytes);
    std::byte* staged = Stage(bytes, stream_);
    Check(runtime_->Copy(staged, from, bytes, CopyKind::kDeviceToHost, stream_), "cudaMemcpyAsync");
    Synchronize();
    std::memcpy(host.data(), staged, bytes);
    host = host.subspan(bytes);
    from += bytes;
  }
}

void Context::Synchronize() {
  if (dry()) return;
  CheckProcess();
  Check(runtime_->Synchronize(stream_), "the last kernels");
}

BackendMemory Context::Memory() {
  if (dry()) return {};
  BeginOp("Memory");
  size_t free = 0, total = 0;
  Check(runtime_->MemoryInfo(&free, &total), "cudaMemGetInfo");
  return {.total = static_cast<int64_t>(total),
          .free = static_cast<int64_t>(free),
          .held = meter_->now,
          .peak_held = meter_->peak,
          .kind = MemoryKind::kDevice};
}

size_t Context::HeldBytes() const {
  size_t bytes = 0;
  for (const Buffer& block : scratch_) bytes += block.size();
  return bytes;
}

}  // namespace lacos::cuda
