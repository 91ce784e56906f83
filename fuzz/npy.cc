// .npy files: an array has as many bytes as its shape says.
#include "lacos/io/npy.h"

#include <algorithm>
#include <cstdint>

#include "targets.h"

namespace lacos::fuzz {

void Npy(Input input) {
  std::string file(Text(input));
  if (file.starts_with('{')) {
    const size_t end = std::min({file.find('\0'), file.size(), size_t{0xFFFF}});
    std::string made("\x93NUMPY\x01\x00", 8);
    made += static_cast<char>(end & 0xFF);
    made += static_cast<char>(end >> 8);
    made.append(file, 0, end);
    if (end < file.size()) made.append(file, end + 1);
    file = std::move(made);
  }
  const NpyArray array = ReadNpy(WriteScratch("input.npy", file));
  size_t bytes = SizeOf(array.dtype);
  for (const int64_t d : array.shape) bytes *= static_cast<size_t>(d);
  Require(array.data.size() == bytes, "an array has the bytes of its shape");
}

}  // namespace lacos::fuzz
