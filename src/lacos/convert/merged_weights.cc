#include "lacos/convert/merged_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/convert/low_rank.h"
#include "lacos/convert/output/row_stream.h"
#include "lacos/formats/bloom_tensors.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

constexpr std::string_view kBias = ".bias";

// The module that the adapter has for the tensor, if the name ends in `ending`; else null.
const LoraModule* FindModule(const LoraAdapter& adapter, const std::string& tensor,
                             std::string_view ending) {
  if (!tensor.ends_with(ending)) return nullptr;
  const auto found = adapter.modules.find(tensor.substr(0, tensor.size() - ending.size()));
  return found == adapter.modules.end() ? nullptr : &found->second;
}

// Load converts values of any floating type to doubles. Store converts them back, with one rounding
// for types that are decoded to float.
void Load(DType dtype, const std::byte* source, std::vector<double>& values) {
  if (dtype == DType::kF64) {
    std::memcpy(values.data(), source, values.size() * sizeof(double));
    return;
  }
  std::vector<float> floats(values.size());
  const bool decoded = DecodeToFloat(dtype, source, floats.size(), floats.data());
  LACOS_CHECK(decoded, "an original tensor has a floating type");
  std::copy(floats.begin(), floats.end(), values.begin());
}

void Store(DType dtype, const std::vector<double>& values, std::byte* out) {
  if (dtype == DType::kF64) {
    std::memcpy(out, values.data(), values.size() * sizeof(double));
    return;
  }
  std::vector<float> floats(values.size());
  std::transform(values.begin(), values.end(), floats.begin(),
                 [](double value) { return static_cast<float>(value); });
  EncodeFromFloat(dtype, floats.data(), floats.size(), out);
}

// Elements of a row. A vector counts as rows with one element.
int64_t RowElements(const TensorEntry& entry) {
  return entry.shape.size() == 2 ? entry.shape[1] : 1;
}

// Adds weight + scale * (b a) for a few rows in type T. Each operation is rounded, as in PyTorch,
// which does them one after the other.
template <class T>
void AddLowRank(const LoraModule& module, const T* b, const T* a, int64_t count,
                std::vector<T>& weights) {
  const int64_t rank = module.a.shape[0], cols = module.a.shape[1];
  thread_local std::vector<T> product;
  product.resize(weights.size());
  LowRankProduct(b, a, count, rank, cols, product.data());
  const auto scale = static_cast<T>(module.scale);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] += product[i] * scale;
}

}  // namespace

MergedWeights::MergedWeights(std::shared_ptr<BaseWeights> base, LoraAdapter adapter)
    : base_(std::move(base)), adapter_(std::move(adapter)) {
  LACOS_CHECK(base_->quantization().scheme == QuantScheme::kNone,
              "an adapter is merged into original weights");
}

bool MergedWeights::Changes(const std::string& name) const {
  const LoraModule* biased = FindModule(adapter_, name, kBias);
  return FindModule(adapter_, name, kWeightSuffix) != nullptr || adapter_.biases.contains(name) ||
         (biased != nullptr && !biased->b_bias.values.empty());
}

// A bias from the adapter is rounded to the base's type, as PEFT does when it loads the adapter.
// The values of lora_bias are added to it, and the sum is rounded again.
void MergedWeights::ReadBias(const std::string& name, int64_t begin, int64_t count,
                             std::byte* out) const {
  const StoredTensor& tensor = base_->Tensor(name);
  const DType dtype = tensor.entry.dtype;
  const std::byte* source =
      tensor.file->Data(tensor.entry).data() + begin * static_cast<int64_t>(SizeOf(dtype));
  std::vector<double> values(static_cast<size_t>(count));
  const auto bias = adapter_.biases.find(name);
  if (bias == adapter_.biases.end()) {
    Load(dtype, source, values);
  } else {
    const auto first = bias->second.values.begin() + begin;
    std::copy(first, first + count, values.begin());
    Store(dtype, values, out);
    Load(dtype, out, values);
  }
  const LoraModule* module = FindModule(adapter_, name, kBias);
  if (module != nullptr && !module->b_bias.values.empty()) {
    for (int64_t i = 0; i < count; ++i) {
      const float added = module->b_bias.values[static_cast<size_t>(begin + i)];
      double& value = values[static_cast<size_t>(i)];
      // The sum is rounded to float first, because PyTorch computes 16-bit types in float.
      value = dtype == DType::kF64
                  ? value + added * module->scale
                  : static_cast<float>(value) + added * static_cast<float>(module->scale);
    }
  }
  Store(dtype, values, out);
}

void MergedWeights::ReadRows(const std::string& name, int64_t begin, int64_t count,
                             std::byte* out) const {
  const StoredTensor& tensor = base_->Tensor(name);
  const DType dtype = tensor.entry.dtype;
  const int64_t cols = RowElements(tensor.entry);
  const int64_t first = begin * cols, elements = count * cols;
  const auto size = static_cast<int64_t>(SizeOf(dtype));
  const std::byte* source = tensor.file->Data(tensor.entry).data() + first * size;
  if (!Changes(name)) {
    std::memcpy(out, source, static_cast<size_t>(elements * size));
    return;
  }
  const LoraModule* module = FindModule(adapter_, name, kWeightSuffix);
  if (module == nullptr) {
    ReadBias(name, begin, count, out);
    CheckFinite(tensor, first, elements, out);
    return;
  }
  const int64_t rank = module->a.shape[0];
  const float* b = module->b.values.data() + begin * rank;
  if (dtype == DType::kF64) {
    std::vector<double> weights(static_cast<size_t>(elements));
    std::memcpy(weights.data(), source, weights.size() * sizeof(double));
    const std::vector<double> wide_b(b, b + count * rank);
    const std::vector<double> wide_a(module->a.values.begin(), module->a.values.end());
    AddLowRank(*module, wide_b.data(), wide_a.data(), count, weights);
    std::memcpy(out, weights.data(), weights.size() * sizeof(double));
  } else {
    thread_local std::vector<float> weights;
    weights.resize(static_cast<size_t>(elements));
    const bool decoded = DecodeToFloat(dtype, source, weights.size(), weights.data());
    LACOS_CHECK(decoded, "an original tensor has a floating type");
    AddLowRank(*module, b, module->a.values.data(), count, weights);
    EncodeFromFloat(dtype, weights.data(), weights.size(), out);
  }
  CheckFinite(tensor, first, elements, out);
}

void MergedWeights::CheckFinite(const StoredTensor& tensor, int64_t first, int64_t count,
                                const std::byte* values) const {
  thread_local std::vector<float> decoded;
  decoded.resize(static_cast<size_t>(count));
  const auto fail = [&](double value, int64_t i) {
    throw UserError(fmt::format(
        "[{}: {}] becomes {} at index {} with the adapter; expected values that are finite in {}; "
        "check the weights and the adapter, or use a base of a wider type",
        tensor.file->path(), tensor.entry.name, value, first + i, Name(tensor.entry.dtype)));
  };
  if (tensor.entry.dtype == DType::kF64) {  // an F64 value may be finite but too large for a float
    for (int64_t i = 0; i < count; ++i) {
      double value = 0;
      std::memcpy(&value, values + i * static_cast<int64_t>(sizeof(double)), sizeof(double));
      if (!std::isfinite(value)) fail(value, i);
    }
    return;
  }
  DecodeToFloat(tensor.entry.dtype, values, decoded.size(), decoded.data());
  for (int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(decoded[static_cast<size_t>(i)])) fail(decoded[static_cast<size_t>(i)], i);
  }
}

void MergedWeights::DropRows(const std::string& name, int64_t begin, int64_t count) const {
  const StoredTensor& tensor = base_->Tensor(name);
  const int64_t cols = RowElements(tensor.entry);
  DropElements(tensor, begin * cols, count * cols);
}

}  // namespace lacos
