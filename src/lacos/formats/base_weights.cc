#include "lacos/formats/base_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/formats/bloom_tensors.h"
#include "lacos/formats/weight_files.h"
#include "lacos/io/manifest.h"
#include "lacos/quant/code.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

void RequireShape(const StoredTensor& tensor, const std::vector<int64_t>& expected,
                  const std::string& why) {
  if (tensor.entry.shape == expected) return;
  throw UserError(fmt::format(
      "[{}: {}] has the shape [{}]; expected [{}] {}; check that config.json belongs to these "
      "weights",
      tensor.file->path(), tensor.entry.name, fmt::join(tensor.entry.shape, ", "),
      fmt::join(expected, ", "), why));
}

void RequireType(const StoredTensor& tensor, bool accepted, const std::string& expected) {
  if (accepted) return;
  throw UserError(fmt::format("[{}: {}] has the type {}; expected {}; convert the weights",
                              tensor.file->path(), tensor.entry.name, Name(tensor.entry.dtype),
                              expected));
}

// Accepts only bitsandbytes' number 0 for the order of a matrix's codes, which means row by row.
// There is no other order on CPUs, or anywhere since version 0.45.
void RequireRowFormat(const StoredTensor& format) {
  const auto bytes = format.file->Data(format.entry);
  if (format.entry.dtype == DType::kU8 && bytes.size() == 1 && bytes[0] == std::byte{0}) return;
  throw UserError(fmt::format(
      "[{}: {}] names another order of the codes than row by row; expected 0; load the model with "
      "bitsandbytes 0.45 or newer and save it again",
      format.file->path(), format.entry.name));
}

std::string ListSome(const std::vector<std::string>& names) {
  constexpr size_t kShown = 12;
  const std::vector<std::string> shown(names.begin(),
                                       names.begin() + std::min(names.size(), kShown));
  const std::string rest =
      names.size() > kShown ? fmt::format(" and {} more", names.size() - kShown) : "";
  return fmt::format("{}{}", fmt::join(shown, ", "), rest);
}

}  // namespace

std::shared_ptr<BaseWeights> BaseWeights::Open(const std::string& folder) {
  auto base_weights = std::make_shared<BaseWeights>();
  base_weights->folder_ = folder;
  const std::string config_path = (std::filesystem::path(folder) / "config.json").string();
  base_weights->config_json_ = Json::ReadFile(config_path);
  base_weights->config_ = ParseBloomConfig(base_weights->config_json_, config_path);
  base_weights->quantization_ = ParseQuantization(base_weights->config_json_, config_path);
  WeightFiles weights = OpenWeightFiles(folder);
  base_weights->files_ = std::move(weights.files);
  base_weights->heads_ = std::move(weights.heads);

  auto& tensors = weights.tensors;
  std::vector<std::string> missing;
  const auto take = [&](const std::string& name) -> const StoredTensor* {
    auto node = tensors.extract(name);
    if (node.empty()) {
      missing.push_back(name);
      return nullptr;
    }
    return &base_weights->tensors_.insert(std::move(node)).position->second;
  };
  const QuantizationInfo& info = base_weights->quantization_;
  for (const TensorSpec& spec : ListTensors(base_weights->config_)) {
    const StoredTensor* tensor = take(spec.name);
    if (tensor == nullptr) continue;
    RequireShape(*tensor, spec.shape, "from config.json");
    if (!spec.IsMatrix() || IsFloating(tensor->entry.dtype)) {
      RequireType(*tensor, IsFloating(tensor->entry.dtype), "F32, F16, BF16 or F64");
      continue;
    }
    if (info.scheme == QuantScheme::kNone) {
      throw UserError(fmt::format(
          "[{}: {}] holds {} codes but config.json has no \"quantization\"; expected an "
          "original BLOOM folder or one that says how it was quantized; quantize the original",
          tensor->file->path(), tensor->entry.name, Name(tensor->entry.dtype)));
    }
    if (info.bitsandbytes) {
      RequireType(*tensor, tensor->entry.dtype == DType::kI8 && spec.kind != "word_embeddings",
                  "I8, and a floating type for the word embedding");
      // bitsandbytes replaces the suffix by .SCB and .weight_format.
      const std::string module = spec.name.substr(0, spec.name.size() - kWeightSuffix.size());
      if (auto scb = tensors.extract(module + ".SCB"); !scb.empty()) {
        RequireType(scb.mapped(), IsFloating(scb.mapped().entry.dtype), "F32, F16, BF16 or F64");
        RequireShape(scb.mapped(), {spec.shape[0]}, "for one scale a row");
        scb.key() = spec.name + std::string(kAbsmax);
        base_weights->tensors_.insert(std::move(scb));
      } else {
        missing.push_back(module + ".SCB");
      }
      if (const auto format = tensors.extract(module + ".weight_format"); !format.empty()) {
        RequireRowFormat(format.mapped());
      }
      continue;
    }
    const bool linear = info.scheme == QuantScheme::kLinear;
    RequireType(*tensor, tensor->entry.dtype == (linear ? DType::kI8 : DType::kU8),
                fmt::format("{} for scheme {}", linear ? "I8" : "U8", Name(info.scheme)));
    const int64_t block = info.BlockSize(spec.shape[1]);
    if (const StoredTensor* absmax = take(spec.name + std::string(kAbsmax))) {
      RequireType(*absmax, absmax->entry.dtype == DType::kF32, "F32");
      RequireShape(*absmax, {CeilDivide(spec.shape[0] * spec.shape[1], block)},
                   fmt::format("for blocks of {} values", block));
    }
    if (linear) continue;
    if (const StoredTensor* map = take(spec.name + std::string(kQuantMap))) {
      RequireType(*map, map->entry.dtype == DType::kF32, "F32");
      RequireShape(*map, {256}, "for 8-bit codes");
    }
  }
  if (!missing.empty()) {
    throw UserError(fmt::format(
        "[{}] lacks {} tensors: {}; expected every tensor of a BLOOM with {} layers; check that "
        "the download is complete",
        folder, missing.size(), ListSome(missing), base_weights->config_.layers));
  }
  if (!tensors.empty()) {
    std::vector<std::string> unknown;
    for (const auto& [name, tensor] : tensors) unknown.push_back(name);
    throw UserError(fmt::format(
        "[{}] holds {} tensors that BLOOM does not have: {}; expected only BLOOM's own; check "
        "that config.json belongs to these weights",
        folder, unknown.size(), ListSome(unknown)));
  }
  // Hashes are checked last, because the other checks have more helpful messages.
  RequireAsRecorded(config_path);
  for (const auto& file : base_weights->files_) RequireAsRecorded(file->path());
  return base_weights;
}

namespace {

// A stand-in for a file of zeros, with tensors laid out as in a safetensors file.
class ZeroTensors final : public TensorFile {
 public:
  ZeroTensors(std::shared_ptr<MappedFile> file, std::vector<TensorEntry> entries)
      : TensorFile(std::move(file)) {
    SetTensors(std::move(entries));
  }
};

}  // namespace

std::shared_ptr<BaseWeights> BaseWeights::WithoutWeights(const BloomConfig& config,
                                                         const QuantizationInfo& info,
                                                         DType dtype) {
  auto base_weights = std::make_shared<BaseWeights>();
  base_weights->config_ = config;
  base_weights->quantization_ = info;
  std::vector<TensorEntry> entries;
  int64_t offset = 0;
  const auto add = [&](const std::string& name, DType type, std::vector<int64_t> shape) {
    auto bytes = std::optional(static_cast<int64_t>(SizeOf(type)));
    for (const int64_t dimension : shape)
      bytes = bytes ? CheckedMultiply(*bytes, dimension) : bytes;
    const auto end = bytes ? CheckedAdd(offset, *bytes) : std::nullopt;
    if (!end) {
      throw UserError(
          "[config.json] describes a model of more than 2^63 bytes; expected one that some machine could "
          "hold; "
          "check hidden_size, n_layer and vocab_size");
    }
    entries.push_back({.name = name,
                       .dtype = type,
                       .shape = std::move(shape),
                       .offset = offset,
                       .bytes = *bytes});
    offset = *end;
  };
  for (const TensorSpec& spec : ListTensors(config)) {
    const bool kept = info.bitsandbytes && spec.kind == "word_embeddings";
    if (!spec.IsMatrix() || info.scheme == QuantScheme::kNone || kept) {
      add(spec.name, dtype, spec.shape);
      continue;
    }
    add(spec.name, info.scheme == QuantScheme::kLinear ? DType::kI8 : DType::kU8, spec.shape);
    const int64_t block = info.BlockSize(spec.shape[1]);
    add(spec.name + std::string(kAbsmax), DType::kF32,
        {CeilDivide(spec.shape[0] * spec.shape[1], block)});
    if (info.scheme == QuantScheme::kDynamic)
      add(spec.name + std::string(kQuantMap), DType::kF32, {256});
  }
  const auto file =
      std::make_shared<ZeroTensors>(MappedFile::Zeros("no weights", offset), std::move(entries));
  for (const TensorEntry& entry : file->tensors())
    base_weights->tensors_[entry.name] = {file, entry};
  base_weights->files_ = {file};
  return base_weights;
}

const StoredTensor& BaseWeights::Tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  LACOS_CHECK(found != tensors_.end(), "the tensor's name is one of ListTensors");
  return found->second;
}

QuantizedMatrix BaseWeights::Matrix(const std::string& name) const {
  const StoredTensor& tensor = Tensor(name);
  LACOS_CHECK(tensor.entry.shape.size() == 2, "a matrix has two dimensions");
  QuantizedMatrix matrix;
  matrix.name = name;
  matrix.rows = tensor.entry.shape[0];
  matrix.cols = tensor.entry.shape[1];
  matrix.dtype = tensor.entry.dtype;
  matrix.codes = tensor.file->Data(tensor.entry).data();
  if (IsFloating(tensor.entry.dtype)) return matrix;
  matrix.scheme = quantization_.scheme;
  matrix.block_size = quantization_.BlockSize(matrix.cols);
  // Scales must be finite: a single infinite one would silently make every vector NaN.
  const auto floats = [&](const std::string& companion) -> const float* {
    const StoredTensor& stored = Tensor(companion);
    const std::span<const std::byte> bytes = stored.file->Data(stored.entry);
    const auto* values = reinterpret_cast<const float*>(bytes.data());
    if (stored.entry.dtype != DType::kF32 ||
        reinterpret_cast<uintptr_t>(bytes.data()) % alignof(float) != 0) {
      std::vector<float>& copy = aligned_[companion];
      copy.resize(static_cast<size_t>(stored.entry.Elements()));
      const bool decoded =
          DecodeToFloat(stored.entry.dtype, bytes.data(), copy.size(), copy.data());
      LACOS_CHECK(decoded, "scales have floating types, as Open checked");
      values = copy.data();
    }
    const int64_t count = stored.entry.Elements();
    for (int64_t i = 0; i < count; ++i) {
      if (!std::isfinite(values[i])) {
        throw UserError(fmt::format(
            "[{}: {}] is {} at index {}; expected finite numbers; quantize the original again",
            stored.file->path(), stored.entry.name, values[i], i));
      }
    }
    return values;
  };
  matrix.absmax = floats(name + std::string(kAbsmax));
  if (matrix.scheme == QuantScheme::kDynamic)
    matrix.code_map = floats(name + std::string(kQuantMap));
  return matrix;
}

void BaseWeights::ForEachPart(const std::string& name,
                              const std::function<void(const StoredTensor&)>& visit) const {
  visit(Tensor(name));
  if (const auto absmax = tensors_.find(name + std::string(kAbsmax)); absmax != tensors_.end())
    visit(absmax->second);
}

void BaseWeights::Prefetch(const std::string& name) const {
  ForEachPart(name, [](const StoredTensor& part) {
    part.file->file()->Prefetch(part.entry.offset, part.entry.bytes);
  });
}

void BaseWeights::Await(const std::string& name) const {
  ForEachPart(name, [](const StoredTensor& part) {
    part.file->file()->Await(part.entry.offset, part.entry.bytes);
  });
}

void BaseWeights::DropPages(const std::string& name, bool from_cache) const {
  ForEachPart(name, [&](const StoredTensor& part) {
    part.file->file()->DropPages(part.entry.offset, part.entry.bytes, from_cache);
  });
}

std::vector<float> BaseWeights::Vector(const std::string& name) const {
  const StoredTensor& tensor = Tensor(name);
  std::vector<float> values(static_cast<size_t>(tensor.entry.Elements()));
  std::vector<std::byte> stored(static_cast<size_t>(tensor.entry.bytes));
  // Read rather than mapped, so that its neighbours do not become resident.
  tensor.file->file()->ReadAt(tensor.entry.offset, stored);
  const bool decoded =
      DecodeToFloat(tensor.entry.dtype, stored.data(), values.size(), values.data());
  LACOS_CHECK(decoded, "vectors have floating types, as Open checked");
  if (config_.drops_output_biases &&
      (name.ends_with(".self_attention.dense.bias") || name.ends_with(".mlp.dense_4h_to_h.bias"))) {
    std::fill(values.begin(), values.end(), 0.0f);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw UserError(fmt::format(
          "[{}: {}] is {} at index {}; expected finite numbers; check the file against its "
          "source",
          tensor.file->path(), tensor.entry.name, values[i], i));
    }
  }
  return values;
}

int64_t BaseWeights::Bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors_) bytes += tensor.entry.bytes;
  return bytes;
}

}  // namespace lacos
