// Hidden states of texts below the lowest trained block, kept on disk: frozen blocks need to
// compute a text only once, for all epochs and all runs on the same base.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/io/posix.h"

namespace lacos {

struct LayerCacheOptions {
  std::string folder;  // made when absent; may be shared by runs
  // of all caches in the folder together; nothing is added beyond
  int64_t limit_bytes = 20'000'000'000;
  // damage, a full disk: what changes speed but no result
  std::function<void(const std::string&)> tell;
};

// One append-only file for one identity (base, number of blocks, kernels): entries of token ids and
// states, each with SHA-256 of both, so that an entry is used only as it was written. A run that is
// killed leaves at most one unfinished entry, which the next one cuts off. One process adds at a
// time (a lock); others read.
class LayerCache {
 public:
  // `identity` is everything but the text that the states depend on; `row_bytes` those of one
  // token's state. Throws UserError when the folder cannot be made or the file cannot be opened;
  // trouble with what is in the file only costs its entries.
  LayerCache(const LayerCacheOptions& options, const Json& identity, int64_t row_bytes);

  bool Has(std::span<const int32_t> ids) const;
  // States of a text, [tokens, row_bytes]; false when there are none or they are damaged.
  bool Read(std::span<const int32_t> ids, std::span<std::byte> rows);
  // Keeps them, unless they are there or there is no room (or no permission, or another run is
  // writing).
  void Add(std::span<const int32_t> ids, std::span<const std::byte> rows);

  const std::string& path() const { return path_; }
  int64_t texts() const { return static_cast<int64_t>(entries_.size()); }
  int64_t bytes() const { return end_; }
  // Since it was opened.
  int64_t read_tokens() const { return read_tokens_; }
  int64_t added_tokens() const { return added_tokens_; }

 private:
  void Open();
  bool HeaderIsRight(int64_t size) const;
  void WriteHeader();
  void ScanEntries(int64_t size);
  int64_t NextEntry(int64_t from, int64_t size) const;
  // The number of tokens of an entry whose head is whole, or -1; reads its ids.
  int64_t ReadHead(int64_t at, int64_t size, std::string& states_hash,
                   std::vector<int32_t>& ids) const;
  int64_t EntryBytes(int64_t tokens) const;
  void StopAdding(const std::string& why);
  void Tell(const std::string& message) const {
    if (options_.tell) options_.tell(message);
  }

  LayerCacheOptions options_;
  std::string header_, path_;
  int64_t row_bytes_;
  FileDescriptor file_;
  bool adding_ = true;
  int64_t other_bytes_ = 0;  // of the folder's other caches
  int64_t end_ = 0;          // where the next entry goes
  // 64 bits of SHA-256 of the ids -> place in the file
  std::unordered_map<uint64_t, int64_t> entries_;
  int64_t read_tokens_ = 0, added_tokens_ = 0;
};

// Bytes on disk that one token takes: its state and its id.
constexpr int64_t LayerCacheTokenBytes(int64_t row_bytes) { return row_bytes + 4; }

}  // namespace lacos
