#include "lacos/record/differences.h"

#include <fmt/format.h>

#include <optional>

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
  if (kernels) compare("instruction set", kernels->Find("isa"), run.At("kernels").Find("isa"));
  return differences;
}

}  // namespace lacos
