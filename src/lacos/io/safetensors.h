// The safetensors format: files are read through a mapping, and written tensor by tensor in the
// memory of one slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lacos/io/tensor_file.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

// An open file. The header is checked as strictly as the specification demands: offsets lie inside
// the file without holes or overlap, sizes equal shape times type, and no name occurs twice. The
// message for a truncated file says how much is missing.
class SafetensorsFile : public TensorFile {
 public:
  explicit SafetensorsFile(const std::string& path);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  std::map<std::string, std::string> metadata_;
};

// The SHA-256 hash of the bytes of each tensor in a file, by name.
using TensorHashes = std::map<std::string, std::string>;

// Writes one file. All tensors are declared first, because types and shapes fix the header. Then
// their bytes are written in the order that Begin returns: wider element types come first, so that
// every tensor is aligned to its element.
class SafetensorsWriter {
 public:
  explicit SafetensorsWriter(const std::string& path,
                             std::map<std::string, std::string> metadata = {{"format", "pt"}});
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  void Declare(const std::string& name, DType dtype, std::vector<int64_t> shape);
  // Writes the header. Returns the declared tensors in the order in which their bytes must follow.
  std::vector<TensorEntry> Begin();
  // Appends bytes to the current tensor. The next one follows once this one has all its bytes.
  void Write(std::span<const std::byte> bytes);
  // Writes at a position inside a tensor instead, for callers that fill several tensors in turn.
  void WriteAt(const TensorEntry& entry, int64_t offset_in_tensor,
               std::span<const std::byte> bytes);
  // Checks that all bytes were written, then calls fsync. Throws UserError for any failed write, a
  // full disk included. Returns the hash of what was written for each tensor (nothing is read
  // back), or an empty text for a tensor whose bytes came out of order.
  TensorHashes Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
