// A cache of oneDNN's products of 8-bit matrices. Creating one takes 0.1 to 0.5 ms, running it from here a few
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
#include <string_view>
#include <vector>

namespace lacos::cpu {

// c [m, n] s32 = a [m, k] b, both s8.
struct ProductShape {
  int64_t m = 0, n = 0, k = 0;
  int64_t b_stride = 0;  // elements from one stored row of b to the next
  // b is stored as [n, k] (a weight in its forward orientation) and not as [k, n]
  bool b_transposed = false;
  auto operator<=>(const ProductShape&) const = default;
};

class Product {
 public:
  virtual ~Product() = default;
  virtual void Run(const void* a, const void* b, void* c, void* scratchpad) const = 0;
  virtual size_t ScratchpadBytes() const = 0;
  // the name that oneDNN gives it, such as "brg:avx512_core" (see DescribeImplementation)
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
  // slow implementation.
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

// How an implementation computes, told by its name.
enum class ImplementationKind : uint8_t {
  kBrgemm,  // "brg:avx512_core" in oneDNN 2.6 and 3.2, "brg_matmul:avx512_core" in 3.7 and later
  kGemm,    // "gemm:jit" in 2.6, "gemm:jit:f32" in 3.x
  kSlow     // reference code, or a name that is not known
};
struct Implementation {
  ImplementationKind kind = ImplementationKind::kSlow;
  std::string_view isa;  // of brgemm: "avx512_core_bf16"; a part of the name
  bool Amx() const { return isa.find("amx") != std::string_view::npos; }
};
Implementation DescribeImplementation(std::string_view name);

// The instruction set that oneDNN uses, such as "AVX2" (capped by ONEDNN_MAX_CPU_ISA). The version
// of oneDNN stands before it unless it is 2.6.
std::string OneDnnIsa();

}  // namespace lacos::cpu
