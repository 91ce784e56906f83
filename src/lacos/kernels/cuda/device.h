// The dialect of C++ that kernels are written in, and the one header that asks whether nvcc or a host
// compiler reads it. nvcc makes GPU code; a host compiler makes code for the emulator
// (emulator/emulator.h), which runs the same kernels on a machine without a GPU.
//
// How to write a kernel: `GPU_KERNEL Name(parameters)`; device functions are marked GPU_DEVICE. A
// block has whole warps of 32 threads. Every lane of a warp takes part in every warp operation. There
// is no atomic addition of floats, so that a result cannot depend on the order of threads. All float
// operations are IEEE operations that are written out (nvcc gets -fmad=false), so that both compilers
// make code with the same results, apart from the matrix products of bf16.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lacos::cuda::gpu {

constexpr int kWarp = 32;  // threads in a warp

// A queue of work: a cudaStream_t, or the emulator's queue (emulator/emulator.h).
struct StreamState;
using Stream = StreamState*;
// The stream of a dry run (Context::MakeDry): launches on it do nothing.
inline Stream DryStream() {
  static char nothing = 0;
  return reinterpret_cast<Stream>(&nothing);
}

// The grid of a launch. `shared` is the number of bytes that DynamicShared gives each block.
struct Grid {
  int64_t blocks = 0;  // a launch of no blocks does nothing
  unsigned threads = 0;
  size_t shared = 0;
};

// The fragments of warp-wide matrix products c += a b, laid out as PTX says for mma.sync:
// m16n8k32 of signed bytes with exact 32-bit sums, and m16n8k16 of bf16 with f32 sums.
struct MmaS8 {
  uint32_t a[4], b[2];
  int32_t c[4];
};
struct MmaBF16 {
  uint32_t a[4], b[2];
  float c[4];
};

}  // namespace lacos::cuda::gpu

#if defined(__CUDACC__)

#include <cuda_runtime.h>

#define GPU_DEVICE __device__ __forceinline__
#define GPU_KERNEL static __global__ void
#define GPU_UNROLL _Pragma("unroll")
#define GPU_ROLLED _Pragma("unroll 1")  // a loop stays a loop, for short code

namespace lacos::cuda::gpu {

// A place in the source. The emulator tells barriers apart by it.
struct Site {
  GPU_DEVICE static Site Here() { return {}; }
};

GPU_DEVICE int Thread() { return static_cast<int>(threadIdx.x); }
GPU_DEVICE int Threads() { return static_cast<int>(blockDim.x); }
GPU_DEVICE int64_t Block() { return static_cast<int64_t>(blockIdx.x); }
GPU_DEVICE int Lane() { return static_cast<int>(threadIdx.x) % kWarp; }
GPU_DEVICE int Warp() { return static_cast<int>(threadIdx.x) / kWarp; }

// One object for each block, uninitialized. A kernel has at most one object of each type.
template <class T>
GPU_DEVICE T& Shared() {
  __shared__ __align__(16) unsigned char bytes[sizeof(T)];
  return *reinterpret_cast<T*>(bytes);
}
// The bytes of Grid::shared, aligned to 16.
GPU_DEVICE std::byte* DynamicShared() {
  extern __shared__ __align__(16) unsigned char dynamic_bytes[];
  return reinterpret_cast<std::byte*>(dynamic_bytes);
}

GPU_DEVICE void Barrier(Site = Site::Here()) { __syncthreads(); }
GPU_DEVICE void WarpBarrier(Site = Site::Here()) { __syncwarp(); }
template <class T>
GPU_DEVICE T ShuffleXor(T v, int mask, Site = Site::Here()) {
  return __shfl_xor_sync(0xFFFFFFFFu, v, mask);
}
template <class T>
GPU_DEVICE T ShuffleFrom(T v, int lane, Site = Site::Here()) {
  return __shfl_sync(0xFFFFFFFFu, v, lane);
}

GPU_DEVICE void Mma(MmaS8& m, Site = Site::Here()) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
      "{%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
      : "+r"(m.c[0]), "+r"(m.c[1]), "+r"(m.c[2]), "+r"(m.c[3])
      : "r"(m.a[0]), "r"(m.a[1]), "r"(m.a[2]), "r"(m.a[3]), "r"(m.b[0]), "r"(m.b[1]));
}
GPU_DEVICE void Mma(MmaBF16& m, Site = Site::Here()) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
      : "+f"(m.c[0]), "+f"(m.c[1]), "+f"(m.c[2]), "+f"(m.c[3])
      : "r"(m.a[0]), "r"(m.a[1]), "r"(m.a[2]), "r"(m.a[3]), "r"(m.b[0]), "r"(m.b[1]));
}

// Copies 16 bytes to shared memory while the thread goes on. Both addresses are multiples of 16. The
// copies since the last CommitCopies form a group. WaitCopies<N> waits until at most the N newest
// groups of this thread are unfinished; other threads see the bytes after a barrier.
GPU_DEVICE void CopyAsync(void* shared, const void* global) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(global) : "memory");
}
GPU_DEVICE void CommitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int kGroups>
GPU_DEVICE void WaitCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroups) : "memory");
}

GPU_DEVICE float Fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
GPU_DEVICE double Fma(double a, double b, double c) { return __fma_rn(a, b, c); }
GPU_DEVICE float Sqrt(float a) { return __fsqrt_rn(a); }
GPU_DEVICE double Sqrt(double a) { return __dsqrt_rn(a); }
GPU_DEVICE float Divide(float a, float b) { return __fdiv_rn(a, b); }
GPU_DEVICE float Round(float a) { return rintf(a); }  // to the nearest integer, half to even
GPU_DEVICE double Round(double a) { return rint(a); }
GPU_DEVICE int64_t RoundToInt(double a) { return __double2ll_rn(a); }
GPU_DEVICE uint32_t Bits(float x) { return __float_as_uint(x); }
GPU_DEVICE float FloatOf(uint32_t x) { return __uint_as_float(x); }
GPU_DEVICE uint64_t Bits(double x) { return static_cast<uint64_t>(__double_as_longlong(x)); }
GPU_DEVICE double DoubleOf(uint64_t x) { return __longlong_as_double(static_cast<int64_t>(x)); }

// Byte i of the result is byte (nibble i of `selector`) of low (0 to 3) and high (4 to 7).
GPU_DEVICE uint32_t PermuteBytes(uint32_t low, uint32_t high, uint32_t selector) {
  return __byte_perm(low, high, selector);
}
// The sums of two pairs of bf16 numbers, rounded to nearest even.
GPU_DEVICE uint32_t AddBF16Pairs(uint32_t a, uint32_t b) {
  uint32_t sum;  // 1 a + b, because compute capability 8.0 has no addition of bf16
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(0x3F803F80u), "r"(b));
  return sum;
}

// Atomic operations on integers, whose sums have no order.
GPU_DEVICE void AtomicAdd(int64_t* to, int64_t value) {
  atomicAdd(reinterpret_cast<unsigned long long*>(to), static_cast<unsigned long long>(value));
}
// Writes `desired` if *to is `expected`; returns the old value.
GPU_DEVICE int64_t AtomicExchangeIf(int64_t* to, int64_t expected, int64_t desired) {
  return static_cast<int64_t>(atomicCAS(reinterpret_cast<unsigned long long*>(to),
                                        static_cast<unsigned long long>(expected),
                                        static_cast<unsigned long long>(desired)));
}

// Queues a kernel on a stream. Errors are found by Context::EndOp.
template <class... P, class... A>
void Launch(Stream stream, const Grid& grid, void (*kernel)(P...), A... arguments) {
  if (grid.blocks == 0 || stream == DryStream()) return;
  if (grid.shared > 48 * 1024) {
    cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                         cudaFuncAttributeMaxDynamicSharedMemorySize,
                         static_cast<int>(grid.shared));
  }
  kernel<<<static_cast<unsigned>(grid.blocks), grid.threads, grid.shared,
           reinterpret_cast<cudaStream_t>(stream)>>>(static_cast<P>(arguments)...);
}

}  // namespace lacos::cuda::gpu

#else

#include <functional>

#define GPU_DEVICE inline
#define GPU_KERNEL static void
#define GPU_UNROLL
#define GPU_ROLLED

namespace lacos::cuda::gpu {

// The functions without bodies are in emulator/emulator.cc.
struct Site {
  const char* file = nullptr;
  int line = 0;
  static constexpr Site Here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

int Thread();
int Threads();
int64_t Block();
inline int Lane() { return Thread() % kWarp; }
inline int Warp() { return Thread() / kWarp; }

// Returns this block's object of shared memory; `type` tells objects apart.
void* SharedObject(const void* type, size_t bytes);
template <class T>
T& Shared() {
  static const char type = 0;
  return *static_cast<T*>(SharedObject(&type, sizeof(T)));
}
std::byte* DynamicShared();

void Barrier(Site site = Site::Here());
void WarpBarrier(Site site = Site::Here());
uint64_t Exchange(uint64_t value, int from_lane, Site site);
template <class T>
T ShuffleFrom(T v, int lane, Site site = Site::Here()) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &v, sizeof(v));
  bits = Exchange(bits, lane, site);
  std::memcpy(&v, &bits, sizeof(v));
  return v;
}
template <class T>
T ShuffleXor(T v, int mask, Site site = Site::Here()) {
  return ShuffleFrom(v, Lane() ^ mask, site);
}
void Mma(MmaS8& m, Site site = Site::Here());
void Mma(MmaBF16& m, Site site = Site::Here());

void CopyAsync(void* shared, const void* global);
void CommitCopies();
void FinishCopies(int unfinished_groups);
template <int kGroups>
void WaitCopies() {
  FinishCopies(kGroups);
}

inline float Fma(float a, float b, float c) { return std::fma(a, b, c); }
inline double Fma(double a, double b, double c) { return std::fma(a, b, c); }
inline float Sqrt(float a) { return std::sqrt(a); }
inline double Sqrt(double a) { return std::sqrt(a); }
inline float Divide(float a, float b) { return a / b; }
inline float Round(float a) { return std::nearbyint(a); }
inline double Round(double a) { return std::nearbyint(a); }
inline int64_t RoundToInt(double a) { return std::llrint(a); }
inline uint32_t Bits(float x) { return std::bit_cast<uint32_t>(x); }
inline float FloatOf(uint32_t bits) { return std::bit_cast<float>(bits); }
inline uint64_t Bits(double x) { return std::bit_cast<uint64_t>(x); }
inline double DoubleOf(uint64_t bits) { return std::bit_cast<double>(bits); }

inline uint32_t PermuteBytes(uint32_t low, uint32_t high, uint32_t selector) {
  const uint64_t bytes = uint64_t{high} << 32 | low;
  uint32_t result = 0;
  for (int i = 0; i < 4; ++i)
    result |= static_cast<uint32_t>(bytes >> (8 * (selector >> (4 * i) & 7)) & 0xFF) << (8 * i);
  return result;
}
inline uint32_t AddBF16Pairs(uint32_t a, uint32_t b) {
  uint32_t result = 0;
  for (int shift = 0; shift < 32; shift += 16) {
    const uint32_t bits = Bits(FloatOf(a >> shift << 16) + FloatOf(b >> shift << 16));
    result |= ((bits + 0x7FFFu + (bits >> 16 & 1)) >> 16) << shift;
  }
  return result;
}

inline void AtomicAdd(int64_t* to, int64_t value) {
  __atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}
inline int64_t AtomicExchangeIf(int64_t* to, int64_t expected, int64_t desired) {
  __atomic_compare_exchange_n(to, &expected, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}

void LaunchBody(Stream stream, const Grid& grid, const void* kernel, std::function<void()> body);
template <class... P, class... A>
void Launch(Stream stream, const Grid& grid, void (*kernel)(P...), A... arguments) {
  if (stream == DryStream()) return;
  LaunchBody(stream, grid, reinterpret_cast<const void*>(kernel),
             [=] { kernel(static_cast<P>(arguments)...); });
}

}  // namespace lacos::cuda::gpu

#endif
