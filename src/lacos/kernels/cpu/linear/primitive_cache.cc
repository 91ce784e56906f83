#include "lacos/kernels/cpu/linear/primitive_cache.h"

#include <sys/mman.h>

#include <fmt/core.h>

#include <cstdlib>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>

#include "lacos/base/error.h"

namespace lacos::cpu {
namespace {

using dnnl::memory;

// Others would split a product among threads of their own, against which SingleThreadScope does
// nothing.
static_assert(DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP || DNNL_CPU_RUNTIME == DNNL_RUNTIME_SEQ,
              "lacos needs a oneDNN that uses OpenMP or no threads, not TBB or SYCL");

constexpr const char* kTested = "2.6.3, 3.2, 3.7.2 and 3.12.1 are known to work";

std::string OneDnnVersion() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

// Runs `f` and turns oneDNN's exceptions into std::bad_alloc and UserError.
template <class F>
auto Translated(F&& f) {
  try {
    return f();
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    throw UserError(
        fmt::format("[cpu] oneDNN failed: {}; expected a product that works; "
                    "use `compute` f32, or another oneDNN than this {} ({})",
                    error.what(), OneDnnVersion(), kTested));
  }
}

// Throws std::bad_alloc if a small allocation fails. Without memory for the small objects that
// describe its operands, oneDNN 2.6 writes through a null pointer.
void RequireRoom() {
  constexpr size_t kBytes = 8192;
  void* room = nullptr;
  if (posix_memalign(&room, 64, kBytes) != 0) throw std::bad_alloc();
  asm volatile("" : : "g"(room) : "memory");  // keeps the compiler from removing both calls
  free(room);
}

// The primitive descriptor of c = a b, empty if oneDNN has no implementation.
dnnl::matmul::primitive_desc Describe(const dnnl::engine& engine, const memory::desc& a,
                                      const memory::desc& b, const memory::desc& c,
                                      const dnnl::primitive_attr& attributes) {
  constexpr bool kAllowEmpty = true;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, a, b, c, attributes, kAllowEmpty};
#else
  return {dnnl::matmul::desc(a, b, c), attributes, engine, kAllowEmpty};
#endif
}

class OneDnnProduct final : public Product {
 public:
  OneDnnProduct(const dnnl::engine& engine, const dnnl::matmul::primitive_desc& description)
      : engine_(engine),
        stream_(engine),
        description_(description),
        product_(description),
        implementation_(description.impl_info_str()) {}

  void Run(const void* a, const void* b, void* c, void* scratchpad) const override {
    const auto of = [&](const memory::desc& desc, const void* data) {
      return memory(desc, engine_, const_cast<void*>(data));
    };
    RequireRoom();
    const SingleThreadScope single;
    Translated([&] {
      product_.execute(stream_,
                       {{DNNL_ARG_SRC, of(description_.src_desc(), a)},
                        {DNNL_ARG_WEIGHTS, of(description_.weights_desc(), b)},
                        {DNNL_ARG_DST, of(description_.dst_desc(), c)},
                        {DNNL_ARG_SCRATCHPAD, of(description_.scratchpad_desc(), scratchpad)}});
    });
  }
  size_t ScratchpadBytes() const override { return description_.scratchpad_desc().get_size(); }
  const std::string& Implementation() const override { return implementation_; }

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul::primitive_desc description_;
  dnnl::matmul product_;
  std::string implementation_;
};

std::optional<dnnl::matmul::primitive_desc> Describe(const dnnl::engine& engine,
                                                     const ProductShape& s) {
  constexpr auto type = memory::data_type::s8, sum = memory::data_type::s32;
  const memory::dims b_strides =
      s.b_transposed ? memory::dims{1, s.b_stride} : memory::dims{s.b_stride, 1};
  const memory::desc a({s.m, s.k}, type, memory::dims{s.k, 1});
  const memory::desc b({s.k, s.n}, type, b_strides);
  const memory::desc c({s.m, s.n}, sum, memory::dims{s.n, 1});
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  // Some implementations plan for the current number of threads. With one thread no sum over k is
  // split among threads.
  const SingleThreadScope single;
  const dnnl::matmul::primitive_desc description = Describe(engine, a, b, c, attributes);
  if (!description) return std::nullopt;
  return description;
}

// oneDNN 2.6 crashes where an allocation for the code that it generates is refused, as a limit on
// private memory (`ulimit -d`) does. So more than a product reserves is asked for first. Takes a
// few microseconds, touches no page, and throws std::bad_alloc.
void RequireRoomForCode() {
  constexpr size_t kBytes = size_t{4} << 20;
  void* const room =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) throw std::bad_alloc();
  munmap(room, kBytes);
}

}  // namespace

struct PrimitiveCache::Engine {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
};

PrimitiveCache::PrimitiveCache() : engine_(std::make_unique<Engine>()) {
  // The cache of oneDNN itself would hold up to 1,024 primitives of 50 to 140 KB each in addition
  // to this one.
  dnnl::set_primitive_cache_capacity(0);
}

PrimitiveCache::~PrimitiveCache() = default;

const Product& PrimitiveCache::Get(const ProductShape& shape) {
  const std::lock_guard lock(mutex_);
  auto& product = products_[shape];
  if (product != nullptr) return *product;
  const auto description = Translated([&] { return Describe(engine_->engine, shape); });
  const std::string found = description ? description->impl_info_str() : "none";
  if (DescribeImplementation(found).kind == ImplementationKind::kSlow) {
    throw UserError(fmt::format(
        "[cpu] oneDNN {} offers only the implementation '{}' for a [{}, {}] x [{}, {}] product; "
        "expected one of 'brg', 'brg_matmul' and 'gemm:jit'; use `compute` f32, or another oneDNN "
        "({})",
        OneDnnVersion(), found, shape.m, shape.k, shape.k, shape.n, kTested));
  }
  const SingleThreadScope single;
  RequireRoomForCode();
  product =
      Translated([&] { return std::make_unique<OneDnnProduct>(engine_->engine, *description); });
  return *product;
}

std::string PrimitiveCache::ImplementationOf(const ProductShape& shape) {
  const auto description = Translated([&] { return Describe(engine_->engine, shape); });
  return description ? description->impl_info_str() : "none";
}

void PrimitiveCache::Trim() {
  // A training run uses about 30 shapes: 8 weights, and 16 sizes of the last tile of rows.
  constexpr size_t kMost = 512;
  const std::lock_guard lock(mutex_);
  if (products_.size() > kMost) products_.clear();
}

Implementation DescribeImplementation(std::string_view name) {
  const size_t colon = name.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view family = name.substr(0, colon), rest = name.substr(colon + 1);
  if (family == "brg" || family == "brg_matmul") {
    return {.kind = ImplementationKind::kBrgemm, .isa = rest};
  }
  if (family == "gemm" && (rest == "jit" || rest.starts_with("jit:"))) {
    return {.kind = ImplementationKind::kGemm};
  }
  return {};
}

namespace {

std::string IsaName() {
  using dnnl::cpu_isa;
  const cpu_isa isa = dnnl::get_effective_cpu_isa();
  switch (isa) {
    case cpu_isa::sse41:
      return "SSE4.1";
    case cpu_isa::avx:
      return "AVX";
    case cpu_isa::avx2:
      return "AVX2";
    case cpu_isa::avx2_vnni:
      return "AVX2 VNNI";
    case cpu_isa::avx512_core:
      return "AVX-512";
    case cpu_isa::avx512_core_vnni:
      return "AVX-512 VNNI";
    case cpu_isa::avx512_core_bf16:
      return "AVX-512 BF16";
    case cpu_isa::avx512_core_amx:
      return "AVX-512 AMX";
    default:  // later ones, whose names differ between versions
      return fmt::format("instruction set {:#x}", static_cast<unsigned>(isa));
  }
}

}  // namespace

std::string OneDnnIsa() {
  // Records of runs, and files of the layer cache, name 2.6 without its version.
  const dnnl_version_t* version = dnnl_version();
  const bool known = version->major == 2 && version->minor == 6;
  return known ? IsaName() : fmt::format("{} {}", OneDnnVersion(), IsaName());
}

}  // namespace lacos::cpu
