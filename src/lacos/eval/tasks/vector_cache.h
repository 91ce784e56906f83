// Vectors of texts that are kept on disk, so that a text which a model has embedded once need not
// be embedded again by any run.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/io/posix.h"

namespace lacos {

// One append-only file for each identity (model/embedding_identity.h), in a folder that may be
// shared. Every vector is stored with the SHA-256 of its text and a checksum of both, so that a
// damaged one is never used. A killed run leaves at most one unfinished vector, which the next run
// cuts off. One process adds vectors at a time; others read.
class VectorCache {
 public:
  // Throws UserError if the folder cannot be made or the file cannot be opened. Damage in the file
  // only costs the vectors concerned; `tell` gets a line about it.
  VectorCache(const std::string& folder, const Json& identity, int64_t d,
              const std::function<void(const std::string&)>& tell);

  // Reads the vector [d] of a text (with its prompt). Returns false if there is none or it is
  // damaged.
  bool Read(const std::string& text, std::span<float> vector) const;
  // Keeps the vector, unless another run is writing or the disk is full.
  void Add(const std::string& text, std::span<const float> vector);

  int64_t size() const { return static_cast<int64_t>(places_.size()); }
  const std::string& path() const { return path_; }

 private:
  void Scan(int64_t size);

  std::string path_, header_;
  int64_t d_, record_bytes_;
  std::function<void(const std::string&)> tell_;
  FileDescriptor file_;
  bool adding_ = true;
  int64_t end_ = 0;
  // The offset of each record, by the SHA-256 of its text (32 bytes).
  std::unordered_map<std::string, int64_t> places_;
};

}  // namespace lacos
