// Safetensors files: tensors lie inside the file, do not overlap, and have as many bytes as their
// shape says.
#include "lacos/io/safetensors.h"

#include <algorithm>
#include <cstdint>

#include "targets.h"

namespace lacos::fuzz {

void Safetensors(Input input) {
  std::string file(Text(input));
  // The input has the header without its length, because most mutations of the length would only
  // test its check.
  if (file.starts_with('{')) {
    const size_t end = std::min(file.find('\0'), file.size());
    const uint64_t length = end;
    std::string made(reinterpret_cast<const char*>(&length), 8);
    made.append(file, 0, end);
    if (end < file.size()) made.append(file, end + 1);
    file = std::move(made);
  }
  const SafetensorsFile tensors(WriteScratch("input.safetensors", file));
  int64_t bytes = 0;
  for (const TensorEntry& entry : tensors.tensors()) {
    int64_t elements = 1;
    bool empty = false;
    for (const int64_t d : entry.shape) empty = empty || d == 0;
    for (const int64_t d : entry.shape) elements = empty ? 0 : elements * d;
    Require(entry.Elements() == elements, "a tensor has the elements of its shape");
    Require(tensors.Find(entry.name) != nullptr, "a tensor is found by its name");
    Touch(tensors.Data(entry));
    bytes += entry.bytes;
  }
  Require(bytes <= static_cast<int64_t>(file.size()), "tensors do not overlap");
}

}  // namespace lacos::fuzz
