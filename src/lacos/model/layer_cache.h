// Hidden states below the lowest trained block, kept on disk for each text. Frozen blocks then
// compute a text only once for all epochs and all runs on the same base.
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
  std::string folder;  // made if it does not exist; several runs may share it
  // Limit for all caches in the folder together; beyond it nothing is added.
  int64_t limit_bytes = 20'000'000'000;
  // Called with messages about damage or a full disk, which change the speed but not the result.
  std::function<void(const std::string&)> tell;
};

// One append-only file for one identity (base, number of blocks, kernels). Each entry holds token
// ids and states with a SHA-256 of both, so that it is used only if it is exactly what was written.
// A run that is killed leaves at most one unfinished entry, which the next run cuts off. One
// process at a time adds entries, under a lock; the others only read.
class LayerCache {
 public:
  // `identity` is everything besides the text that the states depend on; `row_bytes` is the size of
  // one token's state. Throws UserError if the folder cannot be made or the file cannot be opened.
  // Damage inside the file only costs the damaged entries.
  LayerCache(const LayerCacheOptions& options, const Json& identity, int64_t row_bytes);

  bool Has(std::span<const int32_t> ids) const;
  // Reads the states of a text, [tokens, row_bytes]. Returns false if there are none or they
  // are damaged.
  bool Read(std::span<const int32_t> ids, std::span<std::byte> rows);
  // Adds the states of a text, unless they are there already, or there is no room or no permission,
  // or another run is writing.
  void Add(std::span<const int32_t> ids, std::span<const std::byte> rows);

  const std::string& path() const { return path_; }
  int64_t texts() const { return static_cast<int64_t>(entries_.size()); }
  int64_t bytes() const { return end_; }
  // Counts since the cache was opened.
  int64_t read_tokens() const { return read_tokens_; }
  int64_t added_tokens() const { return added_tokens_; }

 private:
  void Open();
  bool HeaderIsRight(int64_t size) const;
  void WriteHeader();
  void ScanEntries(int64_t size);
  int64_t NextEntry(int64_t from, int64_t size) const;
  // Reads the ids of an entry. Returns the number of its tokens, or -1 if its head is damaged.
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
  int64_t other_bytes_ = 0;  // size of the other caches in the folder
  int64_t end_ = 0;          // where the next entry is written
  // From 64 bits of the SHA-256 of the ids to the position in the file.
  std::unordered_map<uint64_t, int64_t> entries_;
  int64_t read_tokens_ = 0, added_tokens_ = 0;
};

// Bytes on disk per token: its state and its id.
constexpr int64_t LayerCacheTokenBytes(int64_t row_bytes) { return row_bytes + 4; }

}  // namespace lacos
