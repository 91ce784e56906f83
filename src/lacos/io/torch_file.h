// PyTorch's .bin and .pt files as tensors in place: what torch.save makes of a flat state dict.
#pragma once

#include <map>
#include <string>

#include "lacos/io/tensor_file.h"

namespace lacos {

// An open file of torch.save: a zip archive (since 1.6) or the older run of pickles. Its pickle is
// read by a machine that executes nothing (pickle.h) and must hold one flat dict from names to
// dense, contiguous, little-endian tensors. Tensors may share their storage. Throws UserError
// naming what else was found: an object, an opcode, a nested dict, strides, a type, a compressed
// member, or how much of the file is missing.
class TorchFile : public TensorFile {
 public:
  explicit TorchFile(const std::string& path);

  // Whether the file begins as torch.save begins one.
  static bool Recognizes(std::span<const std::byte> file);

  // Entries that are text rather than tensors (old bitsandbytes kept its weight_format so), by
  // name.
  const std::map<std::string, std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, std::string> texts_;
};

}  // namespace lacos
