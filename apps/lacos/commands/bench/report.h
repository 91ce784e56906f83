// The result of a benchmark, as fields for people or as one JSON object.
#pragma once

#include <string>

#include "commands/bench/step_breakdown.h"
#include "flags/common.h"
#include "lacos/io/json.h"
#include "lacos/kernels/backend.h"
#include "terminal/output.h"

namespace lacos::cli {

// Collects the measured rate and memory, and the machine's ceiling with which the rate is compared.
class BenchReport {
 public:
  BenchReport(const GlobalOptions& globals, const KernelInfo& kernels)
      : globals_(globals), kernels_(kernels) {}

  // Adds `value` to the JSON under `key`, and `shown` to the table for people under `label`.
  void Add(const std::string& key, const Json& value, const std::string& label,
           const std::string& shown);
  void AddRate(double tokens_per_second);
  // Adds the peak memory until now. Must be called before AddCeiling, whose measurement needs
  // memory of its own.
  void AddMemory(PeakMemory& memory);
  // The most memory of the device that was held; nothing for 0, which is the CPU.
  void AddDeviceMemory(int64_t peak_bytes);
  // Measures the ceiling and adds it, with the share of it that `flops` (FLOP per second) reach.
  void AddCeiling(double flops);
  // Says that there is no ceiling, for work without arithmetic such as tokenizing.
  void AddNoCeiling();
  // Must be called after AddCeiling: the matrix products are shown as shares of the ceiling.
  void AddBreakdown(StepBreakdown breakdown);
  void Print();

 private:
  const GlobalOptions& globals_;
  KernelInfo kernels_;
  Json json_ = Json::Object();
  FieldList fields_;
  std::string tables_;
  double ceiling_gflops_ = 0;
};

}  // namespace lacos::cli
