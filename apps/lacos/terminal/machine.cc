#include "terminal/machine.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "lacos/base/parallel.h"

namespace lacos::cli {

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
    break;  // all cores alike
  }
  return cpu;
}

int CoreCount() { return omp_get_num_procs(); }

Json MachineJson(const KernelInfo& kernels) {
  Json list = Json::Array();
  for (const std::string& kernel : kernels.kernels) list.Append(kernel);
  Json json = Json::Object();
  json.Set("cpu", ReadCpu().name);
  json.Set("cores", CoreCount());
  json.Set("threads", ThreadCount());
  json.Set("isa", kernels.isa);
  json.Set("kernels", list);
  return json;
}

std::string MachineText(const KernelInfo& kernels) {
  return fmt::format("{}, {} of {} cores, {}", ReadCpu().name, ThreadCount(), CoreCount(),
                     kernels.isa);
}

}  // namespace lacos::cli
