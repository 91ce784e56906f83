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
#include "lacos/convert/weight_output.h"
#include "lacos/formats/side_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/manifest.h"
#include "lacos/io/safetensors.h"

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

  // Writes one file's tensors under their stored names; returns what was written.
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
  // A tied head that is the word embedding's memory.
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
      CopyTensor(source, target, writer, [&](int64_t bytes) { Done(bytes); });
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
    if (options_.progress) options_.progress(done_, total_);
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
  MergeSource source = OpenMergeSource(model, adapter);
  RefuseAsOutput(output, source);
  AtomicFolder folder(output, options.overwrite);
  CopyMergedSideFiles(source, folder.temporary());
  const fs::path target = fs::path(folder.temporary()) / source.transformer_subfolder;

  const MergedWeights weights(source.base_weights, std::move(source.values));
  FolderMerger merger(weights, options);
  std::map<std::string, std::string> weight_map;
  RecordedTensors recorded;
  bool sharded = source.base_weights->files().size() > 1;
  for (const auto& file : source.base_weights->files()) {
    const std::string name =
        SafetensorsName(fs::path(file->path()).lexically_relative(source.base_path).string());
    sharded = sharded || name != "model.safetensors";
    fs::create_directories((target / name).parent_path());
    TensorHashes written = merger.WriteFile(file, (target / name).string());
    for (const auto& [tensor, hash] : written) weight_map[tensor] = name;
    recorded[(fs::path(source.transformer_subfolder) / name).lexically_normal().generic_string()] =
        std::move(written);
  }
  if (sharded)
    WriteWeightIndex(source.base_path, target.string(), weight_map, merger.report().bytes);

  Json extra = Json::Object();
  extra.Set("lacos_version", kLacosVersion);
  extra.Set("kind", "merged");
  extra.Set("original", source.base_name);
  if (!adapter.empty()) extra.Set("adapter", AbsolutePath(adapter));
  if (source.settings.strip && !source.modules_path.empty())
    extra.Set("strip", *source.settings.strip);
  WriteRunRecord(folder.temporary(), options.run_record);
  WriteManifest(folder.temporary(), extra, recorded);
  folder.Commit();
  return merger.report();
}

}  // namespace lacos
