#include "terminal/rates.h"

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/kernels/make_backend.h"

namespace lacos::cli {
namespace {

std::string Tera(double per_second) { return fmt::format("{:.3g}", per_second / 1e12); }
std::string Giga(double per_second) { return fmt::format("{:.4g}", per_second / 1e9); }

}  // namespace

std::optional<DeviceRates> RatesOf(const Device& device, std::string& note) {
  if (device.kind != DeviceKind::kCuda) return std::nullopt;
  try {
    return MeasureDeviceRates(
        [&](Compute compute) { return MakeBackend({.device = device, .compute = compute}); });
  } catch (const UserError& error) {
    note = std::string("the rates were not measured: ") + error.what();
    return std::nullopt;
  }
}

Json RatesJson(const DeviceRates& rates) {
  Json json = Json::Object();
  json.Set("bf16_flop_per_second", rates.products.bf16_flop_per_second);
  json.Set("int8_op_per_second", rates.products.int8_op_per_second);
  json.Set("copy_bytes_per_second", rates.copy_bytes_per_second);
  json.Set("upload_bytes_per_second", rates.upload_bytes_per_second);
  return json;
}

void AddRates(const DeviceRates& rates, FieldList& fields) {
  fields.Add("measured products", fmt::format("{} TFLOP/s in bf16, {} TOP/s in int8",
                                              Tera(rates.products.bf16_flop_per_second),
                                              Tera(rates.products.int8_op_per_second)));
  fields.Add("measured copies",
             fmt::format("{} GB/s read and written on the GPU, {} GB/s from the host to it",
                         Giga(rates.copy_bytes_per_second), Giga(rates.upload_bytes_per_second)));
}

}  // namespace lacos::cli
