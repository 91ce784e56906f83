// A file of named tensors that is mapped and never copied. This is the common interface to
// safetensors files and PyTorch's .bin files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lacos/io/mapped_file.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

struct TensorEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  int64_t offset = 0;  // distance of the first byte from the start of the file
  int64_t bytes = 0;
  int64_t Elements() const;
};

// An open file with checked contents: every tensor lies inside the file, in row-major order.
class TensorFile {
 public:
  virtual ~TensorFile() = default;
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;

  const std::string& path() const { return file_->path(); }
  const std::vector<TensorEntry>& tensors() const { return tensors_; }  // in the order of the file
  const TensorEntry* Find(const std::string& name) const;               // nullptr when absent
  std::span<const std::byte> Data(const TensorEntry& entry) const;      // mapped, any alignment
  const std::shared_ptr<MappedFile>& file() const { return file_; }

 protected:
  explicit TensorFile(const std::string& path);
  explicit TensorFile(std::shared_ptr<MappedFile> file) : file_(std::move(file)) {}
  // Called by constructors with the tensors that were found. Their names are distinct.
  void SetTensors(std::vector<TensorEntry> tensors);

 private:
  std::shared_ptr<MappedFile> file_;
  std::vector<TensorEntry> tensors_;
  std::map<std::string, size_t> index_;
};

// Opens a safetensors file or one that torch.save wrote; the first bytes decide which. Throws
// UserError if it is neither or is damaged.
std::shared_ptr<TensorFile> OpenTensorFile(const std::string& path);

// Throws UserError "[path] is 3.1 of 9.9 GB: truncated; ...", with exact bytes if the rounded
// numbers would be equal.
[[noreturn]] void FailTruncated(const std::string& path, int64_t found, int64_t expected);

}  // namespace lacos
