// Sums and maxima over the threads of a warp or a block, in an order that depends on nothing but the
// number of threads.
#pragma once

#include "lacos/kernels/cuda/device.h"

namespace lacos::cuda {

struct Plus {
  template <class T>
  GPU_DEVICE T operator()(T a, T b) const {
    return a + b;
  }
};
// The larger value; NaN only if both are NaN.
struct Larger {
  GPU_DEVICE float operator()(float a, float b) const { return fmaxf(a, b); }
};

// All lanes get the result.
template <class Op, class T>
GPU_DEVICE T WarpReduce(T v, Op op, gpu::Site site = gpu::Site::Here()) {
  GPU_UNROLL
  for (int mask = gpu::kWarp / 2; mask > 0; mask /= 2) v = op(v, gpu::ShuffleXor(v, mask, site));
  return v;
}

// The shared memory of a kernel's reductions. It has two sets of parts, which they use in turn, so
// that a reduction needs one barrier and not two: before a set is written again, all threads have
// passed the barrier of the reduction between.
template <class T>
struct ReduceShared {
  T part[2][32];
};

// The reductions of one block. Every thread makes one and calls it in the same order.
template <class T>
class BlockReducer {
 public:
  GPU_DEVICE explicit BlockReducer(ReduceShared<T>& shared) : shared_(shared) {}

  // All threads get the result.
  template <class Op>
  GPU_DEVICE T operator()(T v, Op op, gpu::Site site = gpu::Site::Here()) {
    T* part = shared_.part[turn_];
    turn_ = 1 - turn_;
    v = WarpReduce(v, op, site);
    if (gpu::Lane() == 0) part[gpu::Warp()] = v;
    gpu::Barrier(site);
    T result = part[0];
    for (int w = 1; w < gpu::Threads() / gpu::kWarp; ++w) result = op(result, part[w]);
    return result;
  }

 private:
  ReduceShared<T>& shared_;
  int turn_ = 0;
};

}  // namespace lacos::cuda
