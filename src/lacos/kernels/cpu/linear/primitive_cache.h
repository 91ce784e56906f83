// A cache of oneDNN's matrix products. Creating one takes 0.1 to 0.5 ms, running it from here a few
// microseconds.
//
// Every product runs on the calling thread alone, so that no sum is split among threads, and never
// allocates memory: the caller provides the scratchpad.
#pragma once

#include <omp.h>

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace lacos::cpu {

// The element type of both inputs. Sums are f32; sums of s8 inputs are s32.
enum class ProductElement : uint8_t { kF32, kBF16, kS8 };

// c [m, n] = a [m, k] b.
struct ProductShape {
  int64_t m = 0, n = 0, k = 0;
  int64_t b_stride = 0;  // elements from one stored row of b to the next
  // b is stored as [n, k] (a weight in its forward orientation) and not as [k, n]
  bool b_transposed = false;
  ProductElement element = ProductElement::kF32;
  auto operator<=>(const ProductShape&) const = default;
};

class Product {
 public:
  virtual ~Product() = default;
  virtual void Run(const void* a, const void* b, void* c, void* scratchpad) const = 0;
  virtual size_t ScratchpadBytes() const = 0;
  // the name that oneDNN gives it, "brg:avx512_core" or "gemm:jit"
  virtual const std::string& Implementation() const = 0;
};

// While it exists, oneDNN uses no other thread than the calling one.
class SingleThreadScope {
 public:
  SingleThreadScope() : threads_(omp_get_max_threads()) {
    if (threads_ > 1) omp_set_num_threads(1);
  }
  ~SingleThreadScope() {
    if (threads_ > 1) omp_set_num_threads(threads_);
  }
  SingleThreadScope(const SingleThreadScope&) = delete;
  SingleThreadScope& operator=(const SingleThreadScope&) = delete;

 private:
  int threads_;
};

class PrimitiveCache {
 public:
  PrimitiveCache();
  ~PrimitiveCache();

  // Valid until the cache is destroyed or Trim is called. Throws UserError if oneDNN offers only a
  // slow implementation (neither "brg:" nor "gemm:").
  const Product& Get(const ProductShape& shape);
  // The implementation that Get would use, or "none".
  std::string ImplementationOf(const ProductShape& shape);
  // Removes all products when very many shapes have come up. Call it between products only.
  void Trim();

 private:
  struct Engine;
  std::unique_ptr<Engine> engine_;
  std::mutex mutex_;
  std::map<ProductShape, std::unique_ptr<Product>> products_;
};

// The instruction set that oneDNN uses, such as "AVX2" (capped by ONEDNN_MAX_CPU_ISA).
std::string OneDnnIsa();

}  // namespace lacos::cpu
