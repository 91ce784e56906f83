#include "lacos/record/differences.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "lacos/record/inputs.h"

namespace lacos {

std::vector<std::string> DifferencesFromRun(const Json& before, const Json& run) {
  std::vector<std::string> differences;
  if (const auto inputs = before.Find("inputs"))
    differences = InputDifferences(*inputs, run.At("inputs"));
  const auto compare = [&](const char* what, std::optional<Json> then, std::optional<Json> now) {
    if (then && now && then->Dump() != now->Dump()) {
      differences.push_back(fmt::format("{}: {} then, {} now", what, then->Dump(), now->Dump()));
    }
  };
  compare("lacos", before.Find("lacos_version"), run.Find("lacos_version"));
  const auto kernels = before.Find("kernels");
  if (!kernels) return differences;
  // The facts of a backend that its bytes depend on, by their names in run.json.
  constexpr std::pair<const char*, const char*> kFacts[] = {
      {"device", "backend"},
      {"instruction set", "isa"},
      {"GPU", "card"},
      {"compute capability", "sm"},
      {"driver", "driver"},
      {"CUDA runtime", "cuda_runtime"},
      {"products", "products"},
      {"cuBLASLt", "cublaslt"},
      {"algorithms of products", "algorithms"}};
  for (const auto& [what, key] : kFacts)
    compare(what, kernels->Find(key), run.At("kernels").Find(key));
  return differences;
}

}  // namespace lacos
