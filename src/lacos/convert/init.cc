#include "lacos/convert/init.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <numbers>
#include <span>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/version.h"
#include "lacos/convert/random_weights.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/bloom_config.h"
#include "lacos/formats/side_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/safetensors.h"
#include "lacos/record/run_record.h"
#include "lacos/tensor/convert.h"
#include "lacos/text/byte_tokenizer.h"
#include "lacos/text/tokenizer.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr double kStandardDeviation = 0.02;
constexpr int64_t kWriteSliceBytes = int64_t{8} << 20;  // bytes written at a time
constexpr int64_t kPieceElements = int64_t{1} << 15;

void WriteValues(SafetensorsWriter& writer, const TensorEntry& entry, const InitOptions& options,
                 const std::function<void(int64_t begin, std::span<std::byte> out)>& fill) {
  const auto size = static_cast<int64_t>(SizeOf(entry.dtype));
  const int64_t slice = kWriteSliceBytes / size;
  const int64_t elements = entry.Elements();
  std::vector<std::byte> bytes(static_cast<size_t>(std::min(slice, elements) * size));
  for (int64_t begin = 0; begin < elements; begin += slice) {
    options.writing.CheckCancel();
    const int64_t count = std::min(slice, elements - begin);
    ParallelFor(CeilDivide(count, kPieceElements), [&](int64_t piece) {
      const int64_t first = piece * kPieceElements;
      const int64_t n = std::min(kPieceElements, count - first);
      fill(begin + first, std::span(bytes).subspan(static_cast<size_t>(first * size),
                                                   static_cast<size_t>(n * size)));
    });
    writer.Write(std::span(bytes).first(static_cast<size_t>(count * size)));
  }
}

// Gives row r a code of magnitude 127 at column r % cols, because every quantized row has
// one somewhere.
void SetExtremes(int64_t begin, int64_t cols, std::span<int8_t> codes) {
  const auto end = begin + static_cast<int64_t>(codes.size());
  for (int64_t row = begin / cols; row * cols < end; ++row) {
    const int64_t at = row * cols + row % cols;
    if (at >= begin && at < end) codes[static_cast<size_t>(at - begin)] = row % 2 == 0 ? 127 : -127;
  }
}

TensorHashes WriteWeights(const BloomConfig& config, const std::string& path,
                          const InitOptions& options) {
  SafetensorsWriter writer(path);
  std::map<std::string, TensorSpec> specs;
  for (const TensorSpec& spec : ListTensors(config)) {
    specs[spec.name] = spec;
    const bool codes = options.quantized && spec.IsMatrix();
    writer.Declare(spec.name, codes ? DType::kI8 : options.dtype, spec.shape);
    if (codes) writer.Declare(spec.name + ".absmax", DType::kF32, {spec.shape[0]});
  }
  const NormalTable normal(options.dtype, kStandardDeviation);
  for (const TensorEntry& entry : writer.Begin()) {
    if (entry.name.ends_with(".absmax")) {
      // A uniform code has the standard deviation 127 / sqrt(3).
      const std::vector<float> absmax(static_cast<size_t>(entry.Elements()),
                                      static_cast<float>(kStandardDeviation * std::numbers::sqrt3));
      writer.Write(std::as_bytes(std::span(absmax)));
    } else if (entry.dtype == DType::kI8) {
      WriteValues(writer, entry, options, [&](int64_t begin, std::span<std::byte> out) {
        const std::span<int8_t> codes(reinterpret_cast<int8_t*>(out.data()), out.size());
        FillCodes(options.seed, entry.name, begin, codes);
        SetExtremes(begin, entry.shape[1], codes);
      });
    } else if (specs.at(entry.name).IsMatrix()) {
      WriteValues(writer, entry, options, [&](int64_t begin, std::span<std::byte> out) {
        normal.Fill(options.seed, entry.name, begin, out);
      });
    } else {
      const bool one = specs.at(entry.name).kind == "layernorm" && entry.name.ends_with(".weight");
      const std::vector<float> values(static_cast<size_t>(entry.Elements()), one ? 1.0f : 0.0f);
      std::vector<std::byte> bytes(static_cast<size_t>(entry.bytes));
      const bool encoded = EncodeFromFloat(entry.dtype, values.data(), values.size(), bytes.data());
      LACOS_CHECK(encoded, "vectors have a floating type");
      writer.Write(bytes);
    }
  }
  return writer.Finish();
}

void WriteTokenizer(const BloomConfig& config, const std::string& folder,
                    const InitOptions& options) {
  int64_t size = kByteTokenizerSize;
  if (options.tokenizer.empty()) {
    const auto write = [&](const char* name, const Json& json) {
      WriteFileAtomically((fs::path(folder) / name).string(), json.Dump(2) + "\n");
    };
    write("tokenizer.json", ByteTokenizerJson());
    write("tokenizer_config.json", ByteTokenizerConfigJson());
    write("special_tokens_map.json", SpecialTokensMapJson());
  } else {
    size = Tokenizer::FromFile(options.tokenizer)->VocabularySize();
    const fs::path source(options.tokenizer);
    WriteFileAtomically((fs::path(folder) / "tokenizer.json").string(),
                        ReadFileToString(options.tokenizer));
    CopyFiles(source.parent_path().string(), folder,
              {"tokenizer_config.json", "special_tokens_map.json"});
  }
  if (size > config.vocab_size) {
    throw UserError(fmt::format(
        "[config: vocab_size] is {}, but the tokenizer{} has {} ids; expected at least as many "
        "rows as ids; raise vocab_size or give another `tokenizer`",
        config.vocab_size, options.tokenizer.empty() ? " of bytes" : " " + options.tokenizer,
        size));
  }
}

// "bfloat16", the name of torch.bfloat16 in config.json.
std::string TorchName(DType dtype) {
  constexpr std::string_view kModule = "torch.";
  return std::string(kDTypeNames[dtype].torch.substr(kModule.size()));
}

// The caller's keys in their order, followed by the others that transformers needs.
Json CompleteConfig(const Json& given, const BloomConfig& config, const InitOptions& options) {
  Json json = given;
  const std::string dtype_key = given.Has("dtype") ? "dtype" : "torch_dtype";
  json.Set(dtype_key, TorchName(options.dtype));
  const Json defaults = BloomConfigToJson(config, TorchName(options.dtype));
  defaults.ForEachItem([&](std::string_view key, const Json& value) {
    const bool spelled_otherwise = (key == "hidden_size" && given.Has("n_embed")) ||
                                   (key == "n_head" && given.Has("num_attention_heads")) ||
                                   (key == "n_layer" && given.Has("num_hidden_layers")) ||
                                   (key == "torch_dtype" && dtype_key == "dtype");
    if (!json.Find(key) && !spelled_otherwise) json.Set(std::string(key), value);
  });
  if (options.quantized) {
    Json quantization = Json::Object();
    quantization.Set("scheme", Name(QuantScheme::kLinear));
    quantization.Set("block_size", "row");
    quantization.Set("lacos_version", kLacosVersion);
    json.Set("quantization", quantization);
  } else if (json.Has("quantization")) {
    json.Set("quantization", Json());
  }
  return json;
}

}  // namespace

void InitFolder(const Json& config_json, const std::string& output, const InitOptions& options) {
  CheckOutput(output, {.overwrite = options.writing.overwrite});
  if (options.dtype != DType::kF32 && options.dtype != DType::kBF16 &&
      options.dtype != DType::kF16) {
    throw UserError(
        fmt::format("[init] the type is {}; expected F32, BF16 or F16; choose `dtype` bf16",
                    Name(options.dtype)));
  }
  const BloomConfig config = ParseBloomConfig(config_json, "config");
  AtomicFolder folder(output, options.writing.overwrite);
  const fs::path target(folder.temporary());
  WriteTokenizer(config, target.string(), options);  // first, because it can fail
  const TensorHashes tensors =
      WriteWeights(config, (target / "model.safetensors").string(), options);
  WriteFileAtomically((target / "config.json").string(),
                      CompleteConfig(config_json, config, options).Dump(2) + "\n");
  Json extra = Json::Object();
  extra.Set("lacos_version", kLacosVersion);
  extra.Set("kind", options.quantized ? "quantized" : "random");
  extra.Set("base_name", AbsolutePath(output));
  extra.Set("seed", static_cast<int64_t>(options.seed));
  const auto add_inputs = [&](RunInputs& inputs) {
    if (!options.config_path.empty()) inputs.AddFile("config", options.config_path);
    if (!options.tokenizer.empty()) inputs.AddFile("tokenizer", options.tokenizer);
  };
  CommitFolder(folder, options.writing, {.inputs = add_inputs}, extra,
               {{"model.safetensors", tensors}});
}

}  // namespace lacos
