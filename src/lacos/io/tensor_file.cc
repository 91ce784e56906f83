#include "lacos/io/tensor_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/io/safetensors.h"
#include "lacos/io/torch_file.h"

namespace lacos {
namespace {

// A text such as "3.1 of 9.9 GB", or with exact bytes if the rounded numbers would be equal.
std::string Share(int64_t found, int64_t expected) {
  static constexpr const char* kUnits[] = {"bytes", "kB", "MB", "GB", "TB"};
  double scale = 1;
  int unit = 0;
  while (static_cast<double>(expected) / scale >= 1000 && unit < 4) scale *= 1000, ++unit;
  const std::string a = fmt::format("{:.1f}", static_cast<double>(found) / scale);
  const std::string b = fmt::format("{:.1f}", static_cast<double>(expected) / scale);
  if (unit == 0 || a == b) return fmt::format("{} of {} bytes", found, expected);
  return fmt::format("{} of {} {}", a, b, kUnits[unit]);
}

// Decides by content. A file of neither kind goes to the reader that suits its name, which reports
// what is wrong with it.
bool BelongsToTorch(const std::string& path, std::span<const std::byte> file) {
  if (TorchFile::Recognizes(file)) return true;
  const bool named = path.ends_with(".bin") || path.ends_with(".pt") || path.ends_with(".pth");
  const std::string_view start(reinterpret_cast<const char*>(file.data()),
                               std::min<size_t>(file.size(), 9));
  const bool other = start.starts_with('<') || start.ends_with('{');
  return named && !other;
}

}  // namespace

void FailTruncated(const std::string& path, int64_t found, int64_t expected) {
  throw UserError(
      fmt::format("[{}] is {}: truncated; expected the whole file; copy or download it again", path,
                  Share(found, expected)));
}

int64_t TensorEntry::Elements() const { return bytes / static_cast<int64_t>(SizeOf(dtype)); }

TensorFile::TensorFile(const std::string& path) : file_(std::make_shared<MappedFile>(path)) {}

void TensorFile::SetTensors(std::vector<TensorEntry> tensors) {
  tensors_ = std::move(tensors);
  index_.clear();
  for (size_t i = 0; i < tensors_.size(); ++i) index_[tensors_[i].name] = i;
}

const TensorEntry* TensorFile::Find(const std::string& name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &tensors_[it->second];
}

std::span<const std::byte> TensorFile::Data(const TensorEntry& entry) const {
  return file_->bytes().subspan(static_cast<size_t>(entry.offset),
                                static_cast<size_t>(entry.bytes));
}

std::shared_ptr<TensorFile> OpenTensorFile(const std::string& path) {
  // This mapping serves to look at the first bytes; the class that reads the file maps it again.
  if (BelongsToTorch(path, MappedFile(path).bytes())) return std::make_shared<TorchFile>(path);
  return std::make_shared<SafetensorsFile>(path);
}

}  // namespace lacos
