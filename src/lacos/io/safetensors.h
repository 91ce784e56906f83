// The safetensors format: reading by map, writing tensor by tensor in the memory of one tensor.
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

// An open file. The header is checked as strictly as the specification demands: offsets inside the
// file, without holes or overlap, sizes equal to shape times type, no duplicate names; a short
// file's message says how much is missing.
class SafetensorsFile : public TensorFile {
 public:
  explicit SafetensorsFile(const std::string& path);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  std::map<std::string, std::string> metadata_;
};

// SHA-256 of the bytes of each tensor of a file, by name.
using TensorHashes = std::map<std::string, std::string>;

// Writes one file. All tensors are declared first (types and shapes fix the header), then their
// bytes are written in the order of `order()`: wider element types first, so that every tensor is
// aligned to its element.
class SafetensorsWriter {
 public:
  explicit SafetensorsWriter(const std::string& path,
                             std::map<std::string, std::string> metadata = {{"format", "pt"}});
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  void Declare(const std::string& name, DType dtype, std::vector<int64_t> shape);
  // Writes the header; returns the declared tensors in the order in which their bytes must follow.
  std::vector<TensorEntry> Begin();
  // Appends bytes of the current tensor; it is complete after exactly its size.
  void Write(std::span<const std::byte> bytes);
  // Writes at a position inside the file instead: for callers that fill several tensors in turn.
  void WriteAt(const TensorEntry& entry, int64_t offset_in_tensor,
               std::span<const std::byte> bytes);
  // Checks completeness, flushes and fsyncs. Throws UserError on any failed write ("disk full"
  // included). Returns every tensor with the hash of what was written (not read back), empty where
  // its bytes came out of order.
  TensorHashes Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
