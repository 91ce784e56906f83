#include "lacos/io/tensor_file.h"

#include <utility>

#include "lacos/io/safetensors.h"

namespace lacos {

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
  return file_->bytes().subspan(static_cast<size_t>(entry.offset), static_cast<size_t>(entry.bytes));
}

std::shared_ptr<TensorFile> OpenTensorFile(const std::string& path) {
  return std::make_shared<SafetensorsFile>(path);
}

}  // namespace lacos
