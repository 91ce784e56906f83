#include "lacos/formats/model_size.h"

#include <fmt/format.h>

namespace lacos {

BaseSize MeasureBase(const BaseWeights& base_weights) {
  BaseSize size;
  for (const TensorSpec& spec : ListTensors(base_weights.config())) {
    const TensorEntry& entry = base_weights.Tensor(spec.name).entry;
    int64_t bytes = entry.bytes;
    size.bytes_by_type[std::string(Name(entry.dtype))] += entry.bytes;
    if (spec.IsMatrix()) {
      const QuantizedMatrix matrix = base_weights.Matrix(spec.name);
      if (matrix.scheme != QuantScheme::kNone) {
        const int64_t scales =
            (matrix.rows * matrix.cols + matrix.block_size - 1) / matrix.block_size;
        const int64_t beside = 4 * (scales + (matrix.scheme == QuantScheme::kDynamic ? 256 : 0));
        size.bytes_by_type["F32"] += beside;
        bytes += beside;
      }
    }
    if (spec.kind != "word_embeddings") size.resident_bytes += bytes;
  }
  return size;
}

int64_t CountParameters(const LoraAdapter& adapter) {
  int64_t count = 0;
  for (const auto& [name, module] : adapter.modules) {
    count += static_cast<int64_t>(module.a.values.size() + module.b.values.size());
  }
  for (const auto& [name, bias] : adapter.biases) count += static_cast<int64_t>(bias.values.size());
  return count;
}

std::string QuantizationText(const QuantizationInfo& info) {
  if (info.scheme == QuantScheme::kNone) return "none";
  return fmt::format("{}, one scale per {}", Name(info.scheme),
                     info.block_size == 0 ? "row" : fmt::format("{} weights", info.block_size));
}

}  // namespace lacos
