#include "lacos/convert/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/version.h"
#include "lacos/convert/merge_source.h"
#include "lacos/convert/merged_weights.h"
#include "lacos/convert/output/row_stream.h"
#include "lacos/convert/output/weight_files.h"
#include "lacos/formats/side_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/safetensors.h"
#include "lacos/record/run_record.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

class FolderMerger {
 public:
  FolderMerger(const MergedWeights& weights, const MergeOptions& options)
      : weights_(weights), options_(options) {
    for (const TensorSpec& spec : ListTensors(weights.base().config())) {
      const StoredTensor& tensor = weights.base().Tensor(spec.name);
      plain_names_[{tensor.file.get(), tensor.entry.name}] = spec.name;
    }
    for (const auto& file : weights.base().files()) {
      for (const TensorEntry& entry : file->tensors()) total_ += entry.bytes;
    }
  }

  // Writes the tensors of one file under their stored names and returns what was written.
  TensorHashes WriteFile(const std::shared_ptr<TensorFile>& input, const std::string& output) {
    SafetensorsWriter writer(output);
    for (const TensorEntry& entry : input->tensors()) {
      if (!IsTied(*input, entry)) writer.Declare(entry.name, entry.dtype, entry.shape);
    }
    for (const TensorEntry& target : writer.Begin()) {
      const StoredTensor source{input, *input->Find(target.name)};
      const auto plain = plain_names_.find({input.get(), target.name});
      Write(source, plain == plain_names_.end() ? "" : plain->second, target, writer);
      report_.bytes += target.bytes;
      ++report_.tensors;
    }
    return writer.Finish();
  }

  const MergeReport& report() const { return report_; }

 private:
  // Whether the tensor is a tied head, which shares the memory of the word embedding.
  bool IsTied(const TensorFile& file, const TensorEntry& entry) const {
    return !plain_names_.contains({&file, entry.name}) && IsAlias(file, entry);
  }

  void Write(const StoredTensor& source, const std::string& plain, const TensorEntry& target,
             SafetensorsWriter& writer) {
    const TensorEntry& entry = source.entry;
    const bool changed = !plain.empty() && weights_.Changes(plain);
    const int64_t cols = entry.shape.size() == 2 ? entry.shape[1] : 1;
    const auto size = static_cast<int64_t>(SizeOf(entry.dtype));
    if (!changed) {
      CopyTensor(source, target, writer, {.done = [&](int64_t bytes) { Done(bytes); }});
      return;
    }
    ++report_.merged;
    StreamRows({.rows = entry.Elements() / cols,
                .row_elements = cols,
                .row_bytes = cols * size,
                .make = [&](int64_t begin, int64_t count,
                            std::byte* out) { weights_.ReadRows(plain, begin, count, out); },
                .write =
                    [&](int64_t begin, int64_t count, std::span<const std::byte> bytes) {
                      writer.WriteAt(target, begin * cols * size, bytes);
                      weights_.DropRows(plain, begin, count);
                      Done(count * cols * size);
                    }});
  }

  void Done(int64_t bytes) {
    done_ += bytes;
    options_.writing.Report({.done = done_, .total = total_});
  }

  const MergedWeights& weights_;
  const MergeOptions& options_;
  std::map<std::pair<const TensorFile*, std::string>, std::string> plain_names_;
  int64_t done_ = 0, total_ = 0;
  MergeReport report_;
};

}  // namespace

MergeReport MergeFolder(const std::string& model, const std::string& adapter,
                        const std::string& output, const MergeOptions& options) {
  CheckOutput(output, {.overwrite = options.writing.overwrite, .inputs = {model}});
  MergeSource source = OpenMergeSource(model, adapter);
  RefuseAsOutput(output, source, options.writing.overwrite);
  AtomicFolder folder(output, options.writing.overwrite);
  CopyMergedSideFiles(source, folder.temporary());
  const fs::path target = fs::path(folder.temporary()) / source.transformer_subfolder;

  const MergedWeights weights(source.base_weights, std::move(source.values));
  FolderMerger merger(weights, options);
  const RecordedTensors written = WriteWeightFiles(
      *source.base_weights, source.base_path, target.string(),
      [&](const auto& file, const std::string& path) { return merger.WriteFile(file, path); });
  WriteWeightIndex(target.string(), written, merger.report().bytes, /*like=*/source.base_path);
  RecordedTensors recorded;  // names relative to the whole folder
  for (const auto& [name, tensors] : written) {
    recorded[(fs::path(source.transformer_subfolder) / name).lexically_normal().generic_string()] =
        tensors;
  }

  Json extra = Json::Object();
  extra.Set("lacos_version", kLacosVersion);
  extra.Set("kind", "merged");
  extra.Set("original", source.base_name);
  if (!adapter.empty()) extra.Set("adapter", AbsolutePath(adapter));
  if (source.settings.strip && !source.modules_path.empty())
    extra.Set("strip", *source.settings.strip);
  CommitFolder(folder, options.writing, MergeRecord(model, adapter), extra, recorded);
  MergeReport report = merger.report();
  report.warnings.insert(report.warnings.end(), source.warnings.begin(), source.warnings.end());
  return report;
}

}  // namespace lacos
