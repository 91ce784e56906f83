// PyTorch's .bin files: complete files, and pickles in an otherwise intact archive.
#include "lacos/io/torch_file.h"

#include "targets.h"
#include "unit/io/torch_bytes.h"

namespace lacos::fuzz {
namespace {

void Open(std::string_view file) {
  const lacos::TorchFile tensors(WriteScratch("input.bin", file));
  for (const TensorEntry& entry : tensors.tensors()) {
    int64_t bytes = static_cast<int64_t>(SizeOf(entry.dtype));
    bool empty = false;
    for (const int64_t d : entry.shape) empty = empty || d == 0;
    for (const int64_t d : entry.shape) bytes = empty ? 0 : bytes * d;
    Require(entry.bytes == bytes, "a tensor has the bytes of its shape");
    Require(tensors.Find(entry.name) != nullptr, "a tensor is found by its name");
    Touch(tensors.Data(entry));
  }
}

}  // namespace

void TorchFile(Input input) { Open(Text(input)); }

void TorchPickle(Input input) { Open(TorchArchive(std::string(Text(input))).Write()); }

}  // namespace lacos::fuzz
