#include "terminal/machine.h"

#include <fmt/format.h>

#include "lacos/base/parallel.h"
#include "lacos/record/machine.h"

namespace lacos::cli {

Json MachineJson(const KernelInfo& kernels) {
  Json list = Json::Array();
  for (const std::string& kernel : kernels.kernels) list.Append(kernel);
  Json json = Json::Object();
  json.Set("cpu", ReadCpu().name);
  json.Set("cores", CoreCount());
  json.Set("threads", ThreadCount());
  for (const KernelInfo::Fact& fact : kernels.facts) json.Set(fact.name, fact.value);
  json.Set("kernels", list);
  return json;
}

std::string MachineText(const KernelInfo& kernels) {
  return fmt::format("{}, {} of {} cores, {}", ReadCpu().name, ThreadCount(), CoreCount(),
                     kernels.FactsText());
}

}  // namespace lacos::cli
