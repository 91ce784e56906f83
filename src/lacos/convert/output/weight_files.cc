#include "lacos/convert/output/weight_files.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>

#include "lacos/convert/output/row_stream.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSafetensors = ".safetensors";
constexpr std::string_view kWholeModel = "model.safetensors";
constexpr std::string_view kIndexName = "model.safetensors.index.json";
constexpr int64_t kSliceElements = int64_t{4} << 20;

}  // namespace

std::string SafetensorsName(const std::string& file) {
  if (file.ends_with(kSafetensors)) return file;
  const fs::path path(file);
  std::string stem = path.stem().string();
  constexpr std::string_view kTorch = "pytorch_";
  if (stem.starts_with(kTorch)) stem.erase(0, kTorch.size());
  return (path.parent_path() / (stem + std::string(kSafetensors))).string();
}

bool IsAlias(const TensorFile& file, const TensorEntry& entry) {
  if (entry.bytes == 0) return false;
  return std::any_of(file.tensors().begin(), file.tensors().end(), [&](const TensorEntry& other) {
    return other.name != entry.name && other.offset == entry.offset;
  });
}

void CopyTensor(const StoredTensor& source, const TensorEntry& target, SafetensorsWriter& writer,
                const CopySteps& steps) {
  const TensorEntry& entry = source.entry;
  const auto size = static_cast<int64_t>(SizeOf(entry.dtype));
  const std::span<const std::byte> data = source.file->Data(entry);
  for (int64_t begin = 0; begin < entry.Elements(); begin += kSliceElements) {
    const int64_t count = std::min(kSliceElements, entry.Elements() - begin);
    if (steps.check) steps.check(begin, count);
    writer.WriteAt(
        target, begin * size,
        data.subspan(static_cast<size_t>(begin * size), static_cast<size_t>(count * size)));
    DropElements(source, begin, count);
    if (steps.done) steps.done(count * size);
  }
}

RecordedTensors WriteWeightFiles(const BaseWeights& base, const std::string& original,
                                 const std::string& target, const WriteWeightFile& write,
                                 const std::function<bool(const TensorFile&)>& keeps) {
  RecordedTensors written;
  for (const auto& file : base.files()) {
    if (keeps && !keeps(*file)) continue;
    const std::string name =
        SafetensorsName(fs::path(file->path()).lexically_relative(original).string());
    const fs::path output = fs::path(target) / name;
    fs::create_directories(output.parent_path());
    written[name] = write(file, output.string());
  }
  return written;
}

void WriteWeightIndex(const std::string& target, const RecordedTensors& written,
                      int64_t total_bytes, const std::string& like) {
  if (written.size() == 1 && written.begin()->first == kWholeModel) return;
  std::map<std::string, std::string> files;  // file of each tensor
  for (const auto& [file, tensors] : written) {
    for (const auto& [tensor, hash] : tensors) files[tensor] = file;
  }
  Json map = Json::Object(), metadata = Json::Object();
  const fs::path original = fs::path(like) / kIndexName;
  if (!like.empty() && FileExists(original.string())) {
    const Json index = Json::ReadFile(original.string());
    if (const auto found = index.Find("metadata")) metadata = *found;
    for (const std::string& tensor : index.At("weight_map").Keys()) {
      if (const auto file = files.find(tensor); file != files.end()) map.Set(tensor, file->second);
    }
  }
  for (const auto& [tensor, file] : files) {
    if (!map.Has(tensor)) map.Set(tensor, file);
  }
  metadata.Set("total_size", total_bytes);
  Json index = Json::Object();
  index.Set("metadata", metadata);
  index.Set("weight_map", map);
  WriteFileAtomically((fs::path(target) / kIndexName).string(), index.Dump(2) + "\n");
}

}  // namespace lacos
