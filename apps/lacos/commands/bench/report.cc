#include "commands/bench/report.h"

#include <fmt/format.h>

#include "flags/command_record.h"
#include "lacos/kernels/ceiling.h"
#include "lacos/record/machine.h"
#include "terminal/machine.h"
#include "terminal/progress.h"

namespace lacos::cli {

void BenchReport::Add(const std::string& key, const Json& value, const std::string& label,
                      const std::string& shown) {
  json_.Set(key, value);
  fields_.Add(label, shown);
}

void BenchReport::AddRate(double tokens_per_second) {
  Add("tokens_per_second", tokens_per_second, "rate",
      fmt::format("{} tokens/s", FormatCount(tokens_per_second)));
}

void BenchReport::AddMemory(PeakMemory& memory) {
  memory.AddTo(json_);
  memory.AddTo(fields_);
}

void BenchReport::AddDeviceMemory(int64_t peak_bytes) {
  if (peak_bytes > 0)
    Add("device_peak_bytes", peak_bytes, "peak of device memory",
        FormatBytes(static_cast<double>(peak_bytes)));
}

void BenchReport::AddCeiling(double flops) {
  if (kernels_.backend != "cpu")
    return AddNoCeiling();  // the CPU's ceiling says nothing about a GPU
  const MachineCeiling ceiling = MeasureCeiling(globals_.compute);
  ceiling_gflops_ = ceiling.gflops;
  Json json = Json::Object();
  json.Set("gflops", ceiling.gflops);
  json.Set("gbytes_per_second", ceiling.gbytes_per_second);
  json.Set("kernel", ceiling.kernel);
  Add("ceiling", json, "ceiling",
      fmt::format("{:.0f} GFLOP/s, {:.1f} GB/s read; {}", ceiling.gflops, ceiling.gbytes_per_second,
                  ceiling.kernel));
  const double share = ceiling.gflops > 0 ? flops / 1e9 / ceiling.gflops : 0;
  Add("ceiling_share", share, "share of the ceiling", fmt::format("{:.1f} %", 100 * share));
}

void BenchReport::AddNoCeiling() {
  json_.Set("ceiling", Json());
  json_.Set("ceiling_share", Json());
}

void BenchReport::AddBreakdown(StepBreakdown breakdown) {
  breakdown.ceiling_gflops = ceiling_gflops_;
  json_.Set("breakdown", BreakdownJson(breakdown));
  tables_ += BreakdownText(breakdown);
}

void BenchReport::Print() {
  json_.Set("machine", MachineOfMeasurement(kernels_));
  if (globals_.json) json_.Set("run", CommandRecord(globals_, ""));
  fields_.Add("machine", MachineText(kernels_));
  if (globals_.json) {
    PrintJson(json_);
  } else {
    Out().Write(fields_.Text() + tables_);
  }
}

}  // namespace lacos::cli
