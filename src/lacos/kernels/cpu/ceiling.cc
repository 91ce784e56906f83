#include "lacos/kernels/ceiling.h"

#include <fmt/core.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lacos/base/parallel.h"
#include "lacos/base/process.h"
#include "lacos/kernels/cpu/int8/int8_panels.h"
#include "lacos/kernels/cpu/int8/int8_product.h"
#include "lacos/kernels/cpu/linear/amx_panels.h"
#include "lacos/kernels/cpu/linear/cpu_products.h"
#include "lacos/kernels/cpu/memory.h"

namespace lacos {
namespace {

using dnnl::memory;
using Type = memory::data_type;

// The up projection of bloom-560m for the tokens of a batch of 64 pairs: 18 GFLOP.
constexpr int64_t kRows = 2176, kDepth = 1024, kColumns = 4096;
constexpr double kProductSeconds = 0.8;
constexpr double kReadSeconds = 0.3;

// Others would split a product among threads of their own, against which SingleThreadScope does
// nothing.
static_assert(DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP || DNNL_CPU_RUNTIME == DNNL_RUNTIME_SEQ,
              "lacos needs a oneDNN that uses OpenMP or no threads, not TBB or SYCL");

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

struct Rate {
  double gflops = 0;
  std::string implementation;
};

// Fills the tensor with numbers in [1, 2), whatever its layout is. Products of zeros would draw less
// power and let the clock rise.
void FillWithSamples(Type type, memory& tensor) {
  const size_t bytes = tensor.get_desc().get_size();
  auto* data = static_cast<std::byte*>(tensor.get_data_handle());
  uint32_t state = 1;
  for (size_t i = 0; i + sizeof state <= bytes; i += sizeof state) {
    state = state * 1664525u + 1013904223u;
    const uint32_t sample =
        type == Type::f32 ? 0x3F800000u | state >> 9 : 0x3F803F80u | (state >> 9 & 0x007F007Fu);
    std::memcpy(data + i, &sample, sizeof sample);
  }
}

// Some rows of the product, for one thread.
class Part {
 public:
  Part(const dnnl::engine& engine, Type type, int64_t rows)
      : stream_(engine), description_(Describe(engine, type, rows)), product_(description_) {
    for (const auto& [argument, desc] : {std::pair{DNNL_ARG_SRC, description_.src_desc()},
                                         std::pair{DNNL_ARG_WEIGHTS, description_.weights_desc()},
                                         std::pair{DNNL_ARG_DST, description_.dst_desc()}}) {
      arguments_.emplace(argument, memory(desc, engine));
    }
    FillWithSamples(type, arguments_.at(DNNL_ARG_SRC));
    FillWithSamples(type, arguments_.at(DNNL_ARG_WEIGHTS));
  }
  // All parts read the same weights.
  void ShareWeights(const Part& other) {
    arguments_.at(DNNL_ARG_WEIGHTS) = other.arguments_.at(DNNL_ARG_WEIGHTS);
  }
  void Run() {
    const SingleThreadScope single;
    product_.execute(stream_, arguments_);
    stream_.wait();
  }
  std::string Implementation() const { return description_.impl_info_str(); }

 private:
  static dnnl::matmul::primitive_desc Describe(const dnnl::engine& engine, Type type,
                                               int64_t rows) {
    const SingleThreadScope single;
    const auto plain = memory::format_tag::ab;
    const memory::desc x({rows, kDepth}, type, plain);
    const memory::desc w({kDepth, kColumns}, type, memory::format_tag::any);
    const memory::desc y({rows, kColumns}, Type::f32, plain);
#if DNNL_VERSION_MAJOR >= 3
    return {engine, x, w, y};
#else
    return {dnnl::matmul::desc(x, w, y), engine};
#endif
  }

  dnnl::stream stream_;
  dnnl::matmul::primitive_desc description_;
  dnnl::matmul product_;
  std::unordered_map<int, memory> arguments_;
};

// y [kRows, kColumns] = x [kRows, kDepth] w, with w in the layout that oneDNN prefers. Each thread
// multiplies its own rows. Returns the fastest of several runs.
Rate MeasureProduct(Type type) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const int64_t threads = std::min<int64_t>(ThreadCount(), kRows), rows = kRows / threads;
  std::vector<Part> parts;
  for (int64_t i = 0; i < threads; ++i) {
    parts.emplace_back(engine, type, rows);
    parts.back().ShareWeights(parts.front());
  }
  double best = std::numeric_limits<double>::infinity();
  const Stopwatch total;
  for (int run = 0; run < 4 || total.Seconds() < kProductSeconds; ++run) {
    const Stopwatch watch;
    ParallelFor(threads, [&](int64_t i) { parts[static_cast<size_t>(i)].Run(); });
    best = std::min(best, watch.Seconds());
  }
  const auto multiplied = static_cast<double>(threads * rows * kDepth * kColumns);
  return {.gflops = 2.0 * multiplied / best / 1e9,
          .implementation = parts.front().Implementation()};
}

// The speed of the instructions of our own exact integer products, on all threads at once.
double MeasureInt8InRegisters(bool amx, bool quads) {
  std::vector<double> rates(static_cast<size_t>(ThreadCount()));
  ParallelFor(static_cast<int64_t>(rates.size()), [&](int64_t i) {
    rates[static_cast<size_t>(i)] = amx     ? cpu::MeasureInt8Amx()
                                    : quads ? cpu::MeasureInt8Quads()
                                            : cpu::MeasureInt8MultiplyAdd();
  });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

std::string Label(const std::string& what, const Rate& rate) {
  return what + ", " + rate.implementation;
}

void MeasureProducts(Compute compute, MachineCeiling& ceiling) {
  if (compute == Compute::kBF16 && cpu::BF16PairsAllowed()) {
    const Rate rate = MeasureProduct(Type::bf16);
    ceiling.gflops = rate.gflops;
    ceiling.kernel = Label("bf16", rate);
    return;
  }
  if (compute == Compute::kInt8) {
    const bool amx = cpu::AmxAllowed(), quads = cpu::Int8QuadsAllowed();
    ceiling.gflops = MeasureInt8InRegisters(amx, quads);
    ceiling.kernel = amx ? "int8, AMX in registers"
                     : quads
                         ? "int8, vpdpbusd in registers"
                         : fmt::format("int8, {} in registers (this CPU has no exact 8-bit one)",
                                       cpu::BestInt8MultiplyName());
    return;
  }
  const Rate f32 = MeasureProduct(Type::f32);
  ceiling.gflops = f32.gflops;
  ceiling.kernel = Label("f32", f32);
  if (compute == Compute::kBF16)
    ceiling.kernel += " (this CPU has no bf16 products: they are emulated in f32)";
}

int64_t LastLevelCacheBytes() {
  long largest = 0;
  for (const int name : {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL4_CACHE_SIZE}) {
    largest = std::max(largest, sysconf(name));
  }
  return largest;
}

// Every thread reads its own part of a buffer. Returns the speed of the fastest of several passes.
double MeasureRead() {
  constexpr int64_t kLeast = int64_t{256} << 20, kMost = int64_t{2} << 30;
  const auto parts = static_cast<int64_t>(ThreadCount());
  // The machine may have several caches of the reported size.
  const int64_t most = std::max(kLeast, std::min(kMost, AvailableMemoryBytes() / 4));
  const auto bytes = static_cast<size_t>(
      std::clamp(std::max<int64_t>(4, parts) * LastLevelCacheBytes(), kLeast, most));
  const Buffer buffer = cpu::AllocateZeroed(bytes);
  const auto words = static_cast<int64_t>(bytes / sizeof(uint64_t));
  auto* data = reinterpret_cast<uint64_t*>(buffer.data());
  std::vector<uint64_t> sums(static_cast<size_t>(parts));
  // The buffer is written first, because all pages that were never written share one page of zeros.
  ParallelFor(parts, [&](int64_t part) {
    std::fill(data + words * part / parts, data + words * (part + 1) / parts, uint64_t{1});
  });
  double best = std::numeric_limits<double>::infinity();
  const Stopwatch total;
  for (int run = 0; run < 3 || total.Seconds() < kReadSeconds; ++run) {
    const Stopwatch watch;
    ParallelFor(parts, [&](int64_t part) {
      sums[static_cast<size_t>(part)] = std::accumulate(
          data + words * part / parts, data + words * (part + 1) / parts, uint64_t{0});
    });
    best = std::min(best, watch.Seconds());
  }
  // The sums are used, so that the compiler cannot remove the reads.
  const bool all_read =
      std::accumulate(sums.begin(), sums.end(), uint64_t{0}) == static_cast<uint64_t>(words);
  return all_read ? static_cast<double>(bytes) / best / 1e9 : 0;
}

}  // namespace

MachineCeiling MeasureCeiling(Compute compute) {
  MachineCeiling ceiling;
  MeasureProducts(compute, ceiling);
  ceiling.gbytes_per_second = MeasureRead();
  return ceiling;
}

}  // namespace lacos
