// The result of a benchmark, as fields for people or as one JSON object.
#pragma once

#include <string>

#include "commands/bench/step_breakdown.h"
#include "flags/common.h"
#include "lacos/io/json.h"
#include "lacos/kernels/backend.h"
#include "terminal/output.h"

namespace lacos::cli {

// The measured rate and memory, and the ceiling that the rate is a share of.
class BenchReport {
 public:
  BenchReport(const GlobalOptions& globals, const KernelInfo& kernels)
      : globals_(globals), kernels_(kernels) {}

  // In JSON under `key`, for people as "label   value".
  void Add(const std::string& key, const Json& value, const std::string& label,
           const std::string& shown);
  void AddRate(double tokens_per_second);
  // Peak memory until now: to be called before the ceiling is measured, which takes memory of its
  // own.
  void AddMemory(PeakMemory& memory);
  // Measures the ceiling and gives the share that `flops` a second are.
  void AddCeiling(double flops);
  // For work that is no arithmetic.
  void AddNoCeiling();
  // After AddCeiling: the products are shown as shares of the ceiling.
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
