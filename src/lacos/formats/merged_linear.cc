#include "lacos/formats/merged_linear.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacos/base/error.h"

namespace lacos {

LoraModule ReadMergedLinear(AdapterTensors& tensors, const LinearModule& linear,
                            const std::vector<bool>& enable, int64_t rank, double alpha) {
  const auto parts = static_cast<int64_t>(enable.size());
  const auto enabled = static_cast<int64_t>(std::count(enable.begin(), enable.end(), true));
  const int64_t rows = linear.out / parts * enabled;  // of the stored B
  const int64_t total = enabled * rank;               // of the stored A
  if (linear.out % parts != 0 || rows % 2 != 0 || total % 2 != 0) {
    throw UserError(fmt::format(
        "[adapter_config.json: enable_lora] has {} parts, {} of them true, with r {} on the {} "
        "outputs of '{}'; expected parts that divide the outputs, and even numbers of rows; check "
        "that adapter and base belong together",
        parts, enabled, rank, linear.out, linear.name));
  }
  const int64_t half = total / 2;
  LoraModule module;
  module.scale = alpha / static_cast<double>(rank);
  module.a = tensors.Take({linear.name + ".lora_A.weight"}, {total, linear.in});
  const HostMatrix kernel = tensors.Take({linear.name + ".lora_B.weight"}, {rows, half, 1});
  module.b.shape = {linear.out, total};
  module.b.stored = kernel.stored;
  // missing or misshapen, which RequireComplete will report
  if (kernel.values.empty()) return module;
  module.b.values.assign(static_cast<size_t>(linear.out * total), 0.0f);
  int64_t from = 0;
  for (int64_t row = 0; row < linear.out; ++row) {
    if (!enable[static_cast<size_t>(row / (linear.out / parts))]) continue;
    const int64_t group = from / (rows / 2);
    std::copy_n(kernel.values.begin() + from * half, half,
                module.b.values.begin() + row * total + group * half);
    ++from;
  }
  return module;
}

}  // namespace lacos
