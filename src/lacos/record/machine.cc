#include "lacos/record/machine.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "lacos/base/parallel.h"
#include "lacos/kernels/backend.h"

namespace lacos {

Cpu ReadCpu() {
  static const std::vector<std::string> kOfInterest = {
      "sse4_2",   "avx",      "avx2",        "fma",         "f16c",        "avx_vnni",
      "avx512f",  "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16",
      "amx_tile", "amx_int8", "asimd",       "bf16",        "i8mm",        "sve"};
  Cpu cpu;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    const std::string value = line.substr(colon + 2);
    if (line.starts_with("model name")) cpu.name = value;
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(value);
    for (std::string word; words >> word;) {
      if (std::find(kOfInterest.begin(), kOfInterest.end(), word) != kOfInterest.end())
        cpu.features.push_back(word);
    }
    break;  // all cores are alike
  }
  return cpu;
}

int CoreCount() { return AvailableCores(); }

Json MachineRecord() {
  const Cpu cpu = ReadCpu();
  Json features = Json::Array();
  for (const std::string& feature : cpu.features) features.Append(feature);
  Json machine = Json::Object();
  machine.Set("cpu", cpu.name);
  machine.Set("features", features);
  machine.Set("cores", CoreCount());
  machine.Set("threads", ThreadCount());
  return machine;
}

Json MachineOfMeasurement(const KernelInfo& kernels) {
  Json machine = Json::Object();
  machine.Set("cpu", ReadCpu().name);
  machine.Set("cores", CoreCount());
  machine.Set("threads", ThreadCount());
  for (const KernelInfo::Fact& fact : kernels.facts) machine.Set(fact.name, fact.value);
  machine.Set("kernels", Json::Strings(kernels.kernels));
  return machine;
}

}  // namespace lacos
