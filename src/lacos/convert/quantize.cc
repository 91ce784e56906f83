#include "lacos/convert/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/version.h"
#include "lacos/convert/output/row_stream.h"
#include "lacos/convert/output/weight_files.h"
#include "lacos/formats/model_place.h"
#include "lacos/formats/side_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json_numbers.h"
#include "lacos/io/paths.h"
#include "lacos/io/safetensors.h"
#include "lacos/quant/code.h"
#include "lacos/record/run_record.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// Codes in memory at a time: 4 MB, made from 8 or 16 MB of weights.
constexpr int64_t kQuantizeSlice = int64_t{4} << 20;

// Sums of squares of one kind of tensor, for relative_error.
struct ErrorSums {
  double error = 0, weight = 0;
};

// The position of the first NaN or infinity, or -1. It tests the exponent bits, so the
// loop vectorizes.
int64_t FindNonFinite(std::span<const float> values) {
  uint32_t largest = 0;
  for (const float value : values)
    largest = std::max(largest, std::bit_cast<uint32_t>(value) & 0x7FFFFFFFu);
  if (largest < 0x7F800000u) return -1;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) return static_cast<int64_t>(i);
  }
  return -1;
}

// int8_vectorwise_quant of bitsandbytes for rows with F16 values, as its CPU library (0.50.2)
// computes it. The scale is 127 times torch's reciprocal of the largest magnitude; these are two
// roundings instead of the one of 127 / absmax, so codes near a tie may differ from EncodeLinear's.
// A row of zeros has code 0.
void EncodeBitsandbytes(std::span<const float> values, int64_t cols, int8_t* codes, float* absmax) {
  const auto rows = static_cast<int64_t>(values.size()) / cols;
  for (int64_t row = 0; row < rows; ++row) {
    const float* w = values.data() + row * cols;
    // magnitudes have the order of their bits, and comparing integers vectorizes
    uint32_t bits = 0;
    for (int64_t i = 0; i < cols; ++i)
      bits = std::max(bits, std::bit_cast<uint32_t>(w[i]) & 0x7FFFFFFFu);
    const auto largest = std::bit_cast<float>(bits);
    const float scale = largest > 0 ? (1.0f / largest) * 127.0f : 0.0f;
    // Adding kMagic leaves the nearest integer, half to even, in the low bits.
    constexpr float kMagic = 0x1.8p23f;
    for (int64_t i = 0; i < cols; ++i) {
      const float x = w[i] * scale;
      codes[row * cols + i] =
          static_cast<int8_t>(std::bit_cast<int32_t>(x + kMagic) - std::bit_cast<int32_t>(kMagic));
    }
    absmax[row] = largest;
  }
}

// Reads one tensor of the input as floats and checks that they are finite.
class TensorReader {
 public:
  explicit TensorReader(const StoredTensor& tensor)
      : tensor_(tensor), data_(tensor.file->Data(tensor.entry)) {}

  const StoredTensor& tensor() const { return tensor_; }
  int64_t Elements() const { return tensor_.entry.Elements(); }
  // Decodes elements [begin, begin + out.size()). Throws UserError that names the first element
  // that is not finite.
  void Decode(int64_t begin, std::span<float> out) const {
    const auto size = static_cast<int64_t>(SizeOf(tensor_.entry.dtype));
    const std::span<const std::byte> bytes =
        data_.subspan(static_cast<size_t>(begin * size), out.size() * static_cast<size_t>(size));
    const bool decoded = DecodeToFloat(tensor_.entry.dtype, bytes.data(), out.size(), out.data());
    LACOS_CHECK(decoded, "an original tensor has a floating type");
    RequireFinite(begin, out, "as stored");
  }
  // Throws UserError for the first of the values that is not finite. The values begin at
  // element `begin`.
  void RequireFinite(int64_t begin, std::span<const float> values, const char* when) const {
    const int64_t bad = FindNonFinite(values);
    if (bad < 0) return;
    throw UserError(fmt::format(
        "[{}: {}] is {} at index {} {}; expected finite weights; check the file against its source",
        tensor_.file->path(), tensor_.entry.name, values[static_cast<size_t>(bad)], begin + bad,
        when));
  }

 private:
  const StoredTensor& tensor_;
  std::span<const std::byte> data_;
};

class FolderQuantizer {
 public:
  FolderQuantizer(std::shared_ptr<BaseWeights> base_weights, const QuantizeOptions& options)
      : base_weights_(std::move(base_weights)), options_(options) {
    for (const TensorSpec& spec : ListTensors(base_weights_->config())) {
      const StoredTensor& tensor = base_weights_->Tensor(spec.name);
      by_file_[tensor.file->path()].push_back(spec);
    }
  }

  bool HoldsTensors(const TensorFile& input) const { return by_file_.contains(input.path()); }
  // Writes the tensors of one input file to `output` and returns what was written.
  TensorHashes WriteFile(const TensorFile& input, const std::string& output) {
    const std::vector<TensorSpec>& specs = by_file_[input.path()];
    SafetensorsWriter writer(output);
    for (const TensorSpec& spec : specs) {
      const TensorNames names = Names(spec);
      if (!Casts(spec)) {
        writer.Declare(names.values, base_weights_->Tensor(spec.name).entry.dtype, spec.shape);
        continue;
      }
      writer.Declare(names.values, Linear() ? DType::kI8 : DType::kU8, spec.shape);
      writer.Declare(names.scales, DType::kF32,
                     {CeilDivide(spec.shape[0] * spec.shape[1], Block(spec))});
      if (!Linear()) writer.Declare(names.map, DType::kF32, {256});
      if (Bitsandbytes()) writer.Declare(names.format, DType::kU8, {});
    }
    std::map<std::string, TensorEntry> entries;
    for (const TensorEntry& entry : writer.Begin()) {
      report_.bytes_after += entry.bytes;
      entries.emplace(entry.name, entry);
    }
    for (const TensorSpec& spec : specs) {
      const TensorReader reader(base_weights_->Tensor(spec.name));
      if (Casts(spec)) {
        Cast(spec, reader, writer, entries);
      } else {
        Copy(reader, writer, entries.at(Names(spec).values));
      }
      report_.bytes_before += reader.tensor().entry.bytes;
      options_.writing.Report({.done = report_.bytes_before, .total = base_weights_->Bytes()});
    }
    return writer.Finish();
  }

  QuantizeReport Report() const {
    QuantizeReport report = report_;
    for (const auto& [kind, sums] : sums_) {
      report.relative_error[kind] = sums.weight > 0 ? std::sqrt(sums.error / sums.weight) : 0;
    }
    return report;
  }

 private:
  // The names under which the parts of a tensor are written.
  struct TensorNames {
    std::string values, scales, map, format;
  };

  bool Bitsandbytes() const { return options_.layout == QuantizedLayout::kBitsandbytes; }
  // The names are plain. For bitsandbytes they are the original's, so that the folder looks as if
  // transformers had saved it.
  TensorNames Names(const TensorSpec& spec) const {
    if (!Bitsandbytes()) return {spec.name, spec.name + ".absmax", spec.name + ".quant_map", ""};
    const std::string& name = base_weights_->Tensor(spec.name).entry.name;
    const std::string module = name.substr(0, name.rfind('.'));
    return {name, module + ".SCB", "", module + ".weight_format"};
  }
  bool Linear() const { return options_.scheme == QuantScheme::kLinear; }
  bool Casts(const TensorSpec& spec) const {
    const bool keeps_embedding = options_.keep_embedding || Bitsandbytes();
    return spec.IsMatrix() && !(keeps_embedding && spec.kind == "word_embeddings");
  }
  int64_t Block(const TensorSpec& spec) const {
    return options_.block_size > 0 ? options_.block_size : spec.shape[1];
  }

  // Copies the tensor in its own type after checking that it is finite.
  void Copy(const TensorReader& reader, SafetensorsWriter& writer, const TensorEntry& entry) {
    const auto check = [&](int64_t begin, int64_t count) {
      options_.writing.CheckCancel();
      ParallelFor(CeilDivide(count, kPieceElements), [&](int64_t piece) {
        const int64_t first = piece * kPieceElements;
        std::vector<float> values(static_cast<size_t>(std::min(kPieceElements, count - first)));
        reader.Decode(begin + first, values);
      });
    };
    CopyTensor(reader.tensor(), entry, writer, {.check = check});
  }

  // Writes the codes and scales of a matrix. Slices and pieces are whole blocks, so the result does
  // not depend on their sizes.
  void Cast(const TensorSpec& spec, const TensorReader& reader, SafetensorsWriter& writer,
            const std::map<std::string, TensorEntry>& entries) {
    const TensorNames names = Names(spec);
    const int64_t block = Block(spec);
    const int64_t piece_size = RoundUp(kPieceElements, block);
    const int64_t slice_size = std::max<int64_t>(1, kQuantizeSlice / piece_size) * piece_size;
    std::vector<std::byte> codes(static_cast<size_t>(std::min(slice_size, reader.Elements())));
    std::vector<float> absmax(
        static_cast<size_t>(CeilDivide(static_cast<int64_t>(codes.size()), block)));
    std::vector<ErrorSums> piece_sums;
    ErrorSums& kind_sums = sums_[spec.kind];
    for (int64_t begin = 0; begin < reader.Elements(); begin += slice_size) {
      options_.writing.CheckCancel();
      const int64_t count = std::min(slice_size, reader.Elements() - begin);
      const int64_t pieces = CeilDivide(count, piece_size);
      piece_sums.assign(static_cast<size_t>(pieces), {});
      ParallelFor(pieces, [&](int64_t piece) {
        const int64_t first = piece * piece_size;
        const int64_t n = std::min(piece_size, count - first);
        piece_sums[static_cast<size_t>(piece)] = CastPiece(
            reader, begin + first, n, block, codes.data() + first, absmax.data() + first / block);
      });
      for (const ErrorSums& sums : piece_sums) {
        kind_sums.error += sums.error;
        kind_sums.weight += sums.weight;
      }
      const std::span<const float> scales(absmax.data(),
                                          static_cast<size_t>(CeilDivide(count, block)));
      writer.WriteAt(entries.at(names.values), begin, {codes.data(), static_cast<size_t>(count)});
      writer.WriteAt(entries.at(names.scales), begin / block * static_cast<int64_t>(sizeof(float)),
                     std::as_bytes(scales));
      DropElements(reader.tensor(), begin, count);
    }
    if (!Linear())
      writer.WriteAt(entries.at(names.map), 0, std::as_bytes(std::span(DynamicMap(true))));
    if (Bitsandbytes()) {
      constexpr std::byte kRowByRow{0};
      writer.WriteAt(entries.at(names.format), 0, {&kRowByRow, 1});
    }
  }

  ErrorSums CastPiece(const TensorReader& reader, int64_t begin, int64_t count, int64_t block,
                      std::byte* codes, float* absmax) const {
    thread_local std::vector<float> values, decoded;
    values.resize(static_cast<size_t>(count));
    decoded.resize(static_cast<size_t>(count));
    reader.Decode(begin, values);
    if (Bitsandbytes()) {
      std::vector<float>& rounded = decoded;  // this memory is not used until the codes are decoded
      for (size_t i = 0; i < values.size(); ++i) rounded[i] = F16ToFloat(FloatToF16(values[i]));
      reader.RequireFinite(begin, rounded, "after rounding to F16");
      EncodeBitsandbytes(rounded, block, reinterpret_cast<int8_t*>(codes), absmax);
    } else if (Linear()) {
      EncodeLinear(values, block, reinterpret_cast<int8_t*>(codes), absmax);
    } else {
      EncodeDynamicGrid(values, block, /*is_signed=*/true, reinterpret_cast<uint8_t*>(codes),
                        absmax);
    }
    const QuantizedMatrix piece{.rows = 1,
                                .cols = count,
                                .scheme = options_.scheme,
                                .dtype = Linear() ? DType::kI8 : DType::kU8,
                                .block_size = block,
                                .codes = codes,
                                .absmax = absmax,
                                .code_map = DynamicMap(true).data()};
    Decode(piece, 0, count, decoded.data());
    ErrorSums sums;
    for (size_t i = 0; i < values.size(); ++i) {
      const double weight = values[i];
      const double difference = static_cast<double>(decoded[i]) - weight;
      sums.error += difference * difference;
      sums.weight += weight * weight;
    }
    return sums;
  }

  std::shared_ptr<BaseWeights> base_weights_;
  const QuantizeOptions& options_;
  std::map<std::string, std::vector<TensorSpec>> by_file_;
  std::map<std::string, ErrorSums> sums_;
  QuantizeReport report_;
};

void CheckOptions(const QuantizeOptions& options) {
  if (options.scheme == QuantScheme::kNone) {
    throw UserError(
        "[quantize] the scheme is none; expected linear or dynamic; choose `scheme` linear");
  }
  const auto block = static_cast<uint64_t>(options.block_size);
  if (options.block_size != 0 &&
      (options.block_size < 64 || options.block_size > 4096 || !std::has_single_bit(block))) {
    throw UserError(fmt::format(
        "[quantize] the block size is {}; expected row or a power of two from 64 to 4096; "
        "choose `block_size` row",
        options.block_size));
  }
  if (options.layout == QuantizedLayout::kBitsandbytes &&
      (options.scheme != QuantScheme::kLinear || options.block_size != 0)) {
    throw UserError(
        "[quantize] bitsandbytes' layout holds linear codes with one scale a row; expected "
        "`scheme` linear `block_size` row with `layout` bitsandbytes; leave both out");
  }
}

// Records in config.json how the weights are quantized.
void DescribeQuantization(const QuantizeOptions& options, Json& config) {
  Json quantization = Json::Object();
  if (options.layout == QuantizedLayout::kBitsandbytes) {
    // These are the keys that transformers writes for load_in_8bit, with its defaults.
    quantization.Set("llm_int8_enable_fp32_cpu_offload", false);
    quantization.Set("llm_int8_has_fp16_weight", false);
    quantization.Set("llm_int8_skip_modules", Json());
    quantization.Set("llm_int8_threshold", 6.0);
    quantization.Set("load_in_4bit", false);
    quantization.Set("load_in_8bit", true);
    quantization.Set("quant_method", "bitsandbytes");
    config.Set("quantization_config", quantization);
    return;
  }
  quantization.Set("scheme", Name(options.scheme));
  quantization.Set("block_size", options.block_size > 0 ? Json(options.block_size) : Json("row"));
  quantization.Set("lacos_version", kLacosVersion);
  config.Set("quantization", quantization);
}

}  // namespace

QuantizeReport QuantizeFolder(const std::string& given, const std::string& output,
                              const QuantizeOptions& options) {
  const std::string input = FindModelPlace(given, "an original BLOOM folder");
  CheckOutput(output, {.overwrite = options.writing.overwrite, .inputs = {input}});
  CheckOptions(options);
  const std::shared_ptr<BaseWeights> base_weights = BaseWeights::Open(input);
  if (base_weights->quantization().scheme != QuantScheme::kNone) {
    throw UserError(fmt::format(
        "[{}] is quantized already ({}); expected an original BLOOM folder; give the original "
        "as `model`",
        input, Name(base_weights->quantization().scheme)));
  }
  AtomicFolder folder(output, options.writing.overwrite);
  const fs::path target(folder.temporary());

  FolderQuantizer quantizer(base_weights, options);
  // A shard that has only a head has no counterpart in the result.
  const RecordedTensors written = WriteWeightFiles(
      *base_weights, input, target.string(),
      [&](const auto& file, const std::string& path) { return quantizer.WriteFile(*file, path); },
      [&](const TensorFile& file) { return quantizer.HoldsTensors(file); });
  QuantizeReport report = quantizer.Report();
  report.left_out_heads = base_weights->heads();
  // Names and number of the tensors differ from the original's, so its order does not apply.
  WriteWeightIndex(target.string(), written, report.bytes_after, /*like=*/"");

  CopySideFiles(input, target.string());
  Json config = base_weights->config_json();
  DescribeQuantization(options, config);
  WriteFileAtomically((target / "config.json").string(), config.Dump(2) + "\n");

  Json extra = Json::Object();
  extra.Set("lacos_version", kLacosVersion);
  extra.Set("kind", "quantized");
  extra.Set("base_name", options.base_name.empty() ? AbsolutePath(input) : options.base_name);
  CommitFolder(folder, options.writing,
               {.inputs = [&](RunInputs& inputs) { inputs.AddBase(input); }}, extra, written);
  return report;
}

Json ReportJson(const QuantizeReport& report) {
  Json errors = Json::Object();
  for (const auto& [kind, error] : report.relative_error) errors.Set(kind, NumberOrNull(error));
  Json json = Json::Object();
  json.Set("bytes_before", report.bytes_before);
  json.Set("bytes_after", report.bytes_after);
  json.Set("relative_error", errors);
  return json;
}

}  // namespace lacos
