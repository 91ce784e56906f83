#include "lacos/convert/gguf_export.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/base/version.h"
#include "lacos/convert/ggml_encode.h"
#include "lacos/convert/gguf_tokenizer.h"
#include "lacos/convert/merge_source.h"
#include "lacos/convert/merged_weights.h"
#include "lacos/convert/output/row_stream.h"
#include "lacos/formats/license.h"
#include "lacos/formats/side_files.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/record/run_record.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kPoolNone = 0;             // llama.cpp's LLAMA_POOLING_TYPE_NONE
constexpr uint32_t kQuantizationVersion = 2;  // version of ggml's block formats
// the length BLOOM was trained with; config.json may name another
constexpr int64_t kContextLength = 2048;

// llama.cpp's number for the type of most matrices in a file.
uint32_t FileType(GgmlType type) {
  switch (type) {
    case GgmlType::kF32:
      return 0;
    case GgmlType::kF16:
      return 1;
    case GgmlType::kQ8_0:
      return 7;
    case GgmlType::kBF16:
      return 32;
  }
  return 0;
}

// Translates "h.3.mlp.dense_h_to_4h.weight" to "blk.3.ffn_up.weight".
std::string GgufName(const std::string& name) {
  const size_t dot = name.rfind('.');
  const std::string module = name.substr(0, dot), part = name.substr(dot);
  if (module == "word_embeddings") return "token_embd" + part;
  if (module == "word_embeddings_layernorm") return "token_embd_norm" + part;
  if (module == "ln_f") return "output_norm" + part;
  static constexpr std::array<std::pair<const char*, const char*>, 6> kInBlock = {{
      {"input_layernorm", "attn_norm"},
      {"self_attention.query_key_value", "attn_qkv"},
      {"self_attention.dense", "attn_output"},
      {"post_attention_layernorm", "ffn_norm"},
      {"mlp.dense_h_to_4h", "ffn_up"},
      {"mlp.dense_4h_to_h", "ffn_down"},
  }};
  const size_t layer_end = module.find('.', 2);
  for (const auto& [ours, theirs] : kInBlock) {
    if (module.compare(layer_end + 1, std::string::npos, ours) == 0) {
      return fmt::format("blk.{}.{}{}", module.substr(2, layer_end - 2), theirs, part);
    }
  }
  LACOS_CHECK(false, "every tensor of a BLOOM has a name in llama.cpp");
  return "";
}

class GgufExporter {
 public:
  GgufExporter(const MergedWeights& weights, const GgufOptions& options, GgufWriter& writer)
      : weights_(weights), options_(options), writer_(writer) {}

  MergeReport Run() {
    const std::vector<TensorSpec> specs = ListTensors(weights_.base().config());
    int64_t plain = 0;
    for (const TensorSpec& spec : specs) {
      const GgmlType type = TypeOf(spec);
      plain += spec.IsMatrix() && type != options_.type ? 1 : 0;
      writer_.Declare(GgufName(spec.name), type, spec.shape);
    }
    if (plain > 0) {
      report_.warnings.push_back(fmt::format(
          "{} matrices stay F16: their rows are no multiple of the {} values of a Q8_0 block",
          plain, kQ8Block));
    }
    const std::vector<GgufTensor> tensors = writer_.Begin();
    for (size_t i = 0; i < specs.size(); ++i) {
      Write(specs[i], tensors[i]);
      report_.bytes += tensors[i].bytes;
      report_.merged += weights_.Changes(specs[i].name) ? 1 : 0;
      ++report_.tensors;
    }
    return std::move(report_);
  }

 private:
  // Vectors are F32. Matrices with rows that are not whole blocks stay F16, as in
  // llama.cpp's converter.
  GgmlType TypeOf(const TensorSpec& spec) const {
    if (!spec.IsMatrix()) return GgmlType::kF32;
    if (options_.type == GgmlType::kQ8_0 && spec.shape[1] % kQ8Block != 0) return GgmlType::kF16;
    return options_.type;
  }

  // A run of rows that stay together, with its old and its new place in the tensor.
  struct RowRun {
    int64_t from = 0, to = 0, count = 0;
  };
  std::vector<RowRun> RowOrder(const TensorSpec& spec) const {
    if (spec.name.find("query_key_value") == std::string::npos) return {{0, 0, spec.shape[0]}};
    // Rows are ordered (head, q|k|v, dim) in BLOOM and (q|k|v, head, dim) in llama.cpp.
    const BloomConfig& config = weights_.base().config();
    const int64_t heads = config.heads, head_dim = config.head_dim();
    std::vector<RowRun> runs;
    for (int64_t head = 0; head < heads; ++head) {
      for (int64_t part = 0; part < 3; ++part) {
        runs.push_back({(head * 3 + part) * head_dim, (part * heads + head) * head_dim, head_dim});
      }
    }
    return runs;
  }

  void Write(const TensorSpec& spec, const GgufTensor& target) {
    const DType dtype = weights_.base().Tensor(spec.name).entry.dtype;
    const int64_t cols = spec.IsMatrix() ? spec.shape[1] : 1;
    const int64_t row_bytes = target.bytes / spec.shape[0];
    const std::vector<RowRun> runs = RowOrder(spec);
    size_t run = 0;
    StreamRows(
        {.rows = spec.shape[0],
         .row_elements = cols,
         .row_bytes = row_bytes,
         .make = [&](int64_t begin, int64_t count,
                     std::byte* out) { Encode(spec, dtype, target.type, begin, count, cols, out); },
         .write =
             [&](int64_t begin, int64_t count, std::span<const std::byte> bytes) {
               weights_.DropRows(spec.name, begin, count);
               for (int64_t row = begin; row < begin + count;) {
                 while (runs[run].from + runs[run].count <= row) ++run;
                 const int64_t inside = row - runs[run].from;
                 const int64_t n = std::min(runs[run].count - inside, begin + count - row);
                 writer_.WriteAt(target, (runs[run].to + inside) * row_bytes,
                                 bytes.subspan(static_cast<size_t>((row - begin) * row_bytes),
                                               static_cast<size_t>(n * row_bytes)));
                 row += n;
               }
               done_ += count * cols * static_cast<int64_t>(SizeOf(dtype));
               options_.writing.Report({.done = done_, .total = weights_.base().Bytes()});
             }});
  }

  void Encode(const TensorSpec& spec, DType dtype, GgmlType type, int64_t begin, int64_t count,
              int64_t cols, std::byte* out) const {
    thread_local std::vector<std::byte> stored;
    thread_local std::vector<float> values;
    const auto elements = static_cast<size_t>(count * cols);
    stored.resize(elements * SizeOf(dtype));
    values.resize(elements);
    weights_.ReadRows(spec.name, begin, count, stored.data());
    const bool decoded = DecodeToFloat(dtype, stored.data(), elements, values.data());
    LACOS_CHECK(decoded, "an original tensor has a floating type");
    // F16 ends at 65504, and 65520 rounds to infinity. The same limit holds for the scale of Q8_0,
    // which is 1/127 of a value.
    const float limit = type == GgmlType::kF16    ? 65520.0f
                        : type == GgmlType::kQ8_0 ? 65520.0f * 127
                        : type == GgmlType::kBF16 ? 0x1.FFp127f
                                                  : INFINITY;
    for (size_t i = 0; i < elements; ++i) {
      if (std::fabs(values[i]) < limit) continue;  // the comparison is false for NaN
      const StoredTensor& tensor = weights_.base().Tensor(spec.name);
      throw UserError(fmt::format(
          "[{}: {}] is {} at index {}; expected values that are finite in {}; choose `gguf_type` "
          "f32, or check the weights where they are not finite",
          tensor.file->path(), tensor.entry.name, values[i], begin * cols + static_cast<int64_t>(i),
          Name(type)));
    }
    EncodeGgml(type, values, out);
  }

  const MergedWeights& weights_;
  const GgufOptions& options_;
  GgufWriter& writer_;
  int64_t done_ = 0;
  MergeReport report_;
};

// llama.cpp's number of the pooling, or its number for none, with a warning. Vectors for each token
// cannot be mistaken for the vector of a text, but the result of another pooling could.
uint32_t PoolingType(Pooling pooling, std::vector<std::string>& warnings) {
  const PoolingNames& names = kPoolingNames[pooling];
  if (!names.gguf) {
    warnings.push_back(fmt::format(
        "llama.cpp has no pooling '{}': the file asks for none, and llama.cpp gives a vector for "
        "each token to pool",
        names.word));
  }
  return names.gguf.value_or(kPoolNone);
}

void RefuseOtherArchitectures(const MergeSource& source) {
  if (!source.base_weights->config().residual_from_layernorm) return;
  throw UserError(fmt::format(
      "[{}/config.json: apply_residual_connection_post_layernorm] is true; expected false, the "
      "only way in which llama.cpp computes BLOOM; use `format` safetensors",
      source.base_path));
}

int64_t ContextLength(const MergeSource& source) {
  const auto length = source.base_weights->config_json().Find("seq_length");
  return length && length->IsInteger() && length->AsInt() > 0 ? length->AsInt() : kContextLength;
}

void WriteMetadata(const MergeSource& source, const GgufOptions& options, uint32_t pooling,
                   GgufWriter& writer) {
  const BloomConfig& config = source.base_weights->config();
  const std::string& named = source.adapter.empty() ? source.model : source.adapter;
  writer.Set("general.architecture", "bloom");
  writer.Set("general.type", "model");
  writer.Set("general.name", fs::path(AbsolutePath(named)).filename().string());
  if (const std::string license = ReadLicense(source.model); !license.empty()) {
    writer.Set("general.license", license);
  }
  writer.Set("bloom.context_length", static_cast<uint32_t>(ContextLength(source)));
  writer.Set("bloom.embedding_length", static_cast<uint32_t>(config.hidden_size));
  writer.Set("bloom.feed_forward_length", static_cast<uint32_t>(4 * config.hidden_size));
  writer.Set("bloom.block_count", static_cast<uint32_t>(config.layers));
  writer.Set("bloom.attention.head_count", static_cast<uint32_t>(config.heads));
  writer.Set("bloom.attention.head_count_kv", static_cast<uint32_t>(config.heads));
  writer.Set("bloom.attention.layer_norm_epsilon", static_cast<float>(config.layer_norm_epsilon));
  writer.Set("bloom.pooling_type", pooling);
  writer.Set("general.file_type", FileType(options.type));
  if (options.type == GgmlType::kQ8_0)
    writer.Set("general.quantization_version", kQuantizationVersion);
}

// Writes everything into one file at `path`. At the end `commit` is called with the writer to
// complete the file.
MergeReport WriteGguf(MergeSource& source, const std::string& path, const GgufOptions& options,
                      const std::function<void(GgufWriter&)>& commit) {
  const std::string tokenizer_path = MergedTokenizerPath(source);
  if (tokenizer_path.empty()) {
    throw UserError(fmt::format(
        "[{}] has no tokenizer.json; expected the one that belongs to the model, since a GGUF file "
        "holds it; copy it from the original BLOOM folder",
        source.base_path));
  }
  std::vector<std::string> warnings;
  const TokenizerFiles files = ReadTokenizerFiles(fs::path(tokenizer_path).parent_path().string(),
                                                  source.tokenizer_overrides, warnings);
  const GgufTokenizer tokenizer =
      MakeGgufTokenizer(tokenizer_path, files.options, source.base_weights->config().vocab_size,
                        source.base_weights->config_json());
  warnings.insert(warnings.end(), tokenizer.warnings.begin(), tokenizer.warnings.end());
  const Pooling pooling =
      options.pooling ? *options.pooling : source.settings.pooling.value_or(Pooling::kMean);
  const uint32_t pooling_type = PoolingType(pooling, warnings);
  if (source.settings.strip.value_or(false)) {
    warnings.emplace_back(
        "the model strips whitespace around a text, llama.cpp does not: strip texts before "
        "they go there");
  }
  const std::optional<int64_t> max_length =
      source.settings.max_length ? source.settings.max_length : files.max_length;
  if (max_length && *max_length < ContextLength(source)) {
    warnings.push_back(fmt::format(
        "the model cuts texts after {} tokens, llama.cpp does not: vectors of longer texts differ",
        *max_length));
  }
  if (source.settings.truncate_dim) {
    warnings.push_back(fmt::format(
        "the model keeps the first {} values of a vector, llama.cpp keeps all: cut them there",
        *source.settings.truncate_dim));
  }
  const auto tied = source.base_weights->config_json().Find("tie_word_embeddings");
  if (tied && !tied->AsBool()) {
    warnings.emplace_back(
        "config.json says that the output layer is not the word embedding, which the file uses "
        "for both: vectors are the same, texts that llama.cpp writes with the file are not");
  }
  GgufWriter writer(path);
  WriteMetadata(source, options, pooling_type, writer);
  WriteGgufTokenizer(tokenizer, writer);
  const MergedWeights weights(source.base_weights, std::move(source.values));
  MergeReport report = GgufExporter(weights, options, writer).Run();
  commit(writer);
  report.warnings.insert(report.warnings.begin(), warnings.begin(), warnings.end());
  return report;
}

}  // namespace

MergeReport ExportGguf(const std::string& model, const std::string& adapter,
                       const std::string& output, const GgufOptions& options) {
  const bool to_file = output.ends_with(".gguf");
  const bool overwrite = options.writing.overwrite;
  CheckOutput(output, {.kind = to_file ? OutputKind::kFile : OutputKind::kFolder,
                       .overwrite = overwrite,
                       .inputs = {model}});
  MergeSource source = OpenMergeSource(model, adapter);
  RefuseOtherArchitectures(source);
  const std::vector<std::string> warnings = source.warnings;
  if (to_file) {
    MergeReport report = WriteGguf(source, output, options, [&](GgufWriter& writer) {
      FileRecord record(output, options.writing, MergeRecord(model, adapter));
      writer.Finish();
      record.Keep();
    });
    report.warnings.insert(report.warnings.end(), warnings.begin(), warnings.end());
    return report;
  }
  RefuseAsOutput(output, source, overwrite);
  AtomicFolder folder(output, overwrite);
  const std::string base_name = source.base_name;
  MergeReport report = WriteGguf(source, (fs::path(folder.temporary()) / "model.gguf").string(),
                                 options, [](GgufWriter& writer) { writer.Finish(); });
  Json extra = Json::Object();
  extra.Set("lacos_version", kLacosVersion);
  extra.Set("kind", "gguf");
  extra.Set("original", base_name);
  if (!adapter.empty()) extra.Set("adapter", AbsolutePath(adapter));
  CommitFolder(folder, options.writing, MergeRecord(model, adapter), extra);
  report.warnings.insert(report.warnings.end(), warnings.begin(), warnings.end());
  return report;
}

}  // namespace lacos
