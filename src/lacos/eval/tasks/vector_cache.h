// Vectors of texts kept on disk: a text that a model has embedded once need not be embedded again,
// by any run.
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

// One append-only file for each identity (model/embedding_identity.h) in a folder that may be
// shared. Every vector stands with the SHA-256 of its text and a checksum of both, so that it is
// used only as it was written; a run that is killed leaves at most one unfinished vector, which the
// next one cuts off. One process adds at a time, others read.
class VectorCache {
 public:
  // Throws UserError when the folder cannot be made or the file cannot be opened; damage in the
  // file only costs its vectors. `tell` gets a line about that.
  VectorCache(const std::string& folder, const Json& identity, int64_t d,
              const std::function<void(const std::string&)>& tell);

  // The vector of a text (with its prompt) [d]; false when there is none or it is damaged.
  bool Read(const std::string& text, std::span<float> vector) const;
  // Keeps it, unless another run is writing, or the disk is full.
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
  // SHA-256 of the text (32 bytes), offset of its record
  std::unordered_map<std::string, int64_t> places_;
};

}  // namespace lacos
