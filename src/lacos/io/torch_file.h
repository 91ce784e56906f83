// PyTorch's .bin and .pt files: a flat state dict as torch.save writes it. The tensors are used
// where they lie in the file.
#pragma once

#include <map>
#include <string>

#include "lacos/io/tensor_file.h"

namespace lacos {

// An open file that torch.save wrote: a zip archive (since 1.6) or the older sequence of pickles.
// Its pickle is read by a machine that executes nothing (pickle.h). It must hold one flat dict from
// names to dense, contiguous, little-endian tensors, which may share their storage. Throws
// UserError naming anything else that was found (an object, an opcode, a nested dict, strides, a
// type, a compressed member), or how much of the file is missing.
class TorchFile : public TensorFile {
 public:
  explicit TorchFile(const std::string& path);

  // Whether the file begins like one that torch.save wrote.
  static bool Recognizes(std::span<const std::byte> file);

  // Entries that are texts rather than tensors, by name. Old versions of bitsandbytes kept their
  // weight_format in such an entry.
  const std::map<std::string, std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, std::string> texts_;
};

}  // namespace lacos
