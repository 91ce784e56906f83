#include "lacos/kernels/cpu/linear/cpu_products.h"

#include <fmt/core.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>

#include "lacos/kernels/cpu/int8/int8_panels.h"
#include "lacos/kernels/cpu/linear/amx_panels.h"
#include "lacos/kernels/cpu/linear/float_panels.h"

namespace lacos::cpu {
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

bool IsaIs(std::string_view name) { return IsaName() == name; }
// Sets later than those that oneDNN 2.6 knows.
bool IsaIsLater() { return IsaName().starts_with("instruction set"); }

}  // namespace

std::string OneDnnIsa() {
  // Records of runs, and files of the layer cache, name 2.6 without its version.
  const dnnl_version_t* version = dnnl_version();
  if (version->major == 2 && version->minor == 6) return IsaName();
  return fmt::format("{}.{}.{} {}", version->major, version->minor, version->patch, IsaName());
}

bool Int8QuadsAllowed() {
  return HasInt8Panels() &&
         (IsaIs("AVX2 VNNI") || IsaName().starts_with("AVX-512 ") || IsaIsLater());
}

bool BF16PairsAllowed() {
  return HasFloatPanels(PanelElement::kBF16) &&
         (IsaIs("AVX-512 BF16") || IsaIs("AVX-512 AMX") || IsaIsLater());
}

bool AmxAllowed() {
  return (IsaIs("AVX-512 AMX") || IsaIsLater()) && FloatPanelWidth() == kAmxPanelColumns &&
         Int8PanelWidth() == kAmxPanelColumns && HasAmx();
}

}  // namespace lacos::cpu
