// Runs base weights that are larger than memory: how much of them is resident, and who reads
// blocks ahead.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "lacos/model/bloom_model.h"

namespace lacos {

// Where the matrices of a block are while it computes:
//   kNone        in mapped pages that stay
//   kKeepCached  in mapped pages that the process gives back afterwards and the kernel may keep
//                cached (BlockReader)
//   kDropCached  in memory of their own, read past the kernel's cache (BlockLoader); for base
//                weights that do not fit into memory
enum class WeightStreaming : uint8_t { kNone, kKeepCached, kDropCached };

// How `--stream-layers` streams the base weights. The kernel keeps cached what was read while there
// is room, but weights that take more than half of the memory would push everything else out page
// by page.
WeightStreaming ChooseStreaming(const BaseWeights& base_weights);

// Bytes of the base weights that a pass over all blocks makes resident: every matrix but the word
// embedding. When streamed, these are the matrices of one block through the kernel's cache, or of
// two past it.
int64_t ResidentBaseBytes(const BaseWeights& base_weights,
                          WeightStreaming streaming = WeightStreaming::kNone);

// A thread that reads the matrices of coming blocks into the kernel's cache while a block computes.
// The kernel reads no more than its read-ahead window of a range at a time, so ranges are requested
// in pieces, and each request may wait for the disk; on the computing thread nothing would overlap.
// It reads several blocks ahead, because a forward computes half as long on a block as a backward:
// what is read during one of them is used in the other. If the system refuses to start the thread,
// nothing is read ahead, and the results are the same.
class BlockReader {
 public:
  explicit BlockReader(const BloomModel& model);  // The model must outlive the reader.
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  // The number of coming blocks to request: as many as an eighth of the free memory can cache, at
  // least one. Cached pages are not resident in the process, and the kernel may take them back.
  int64_t ahead() const { return ahead_; }
  // Starts to read these blocks in this order, except those read already, and returns at once.
  // Earlier requests that have not begun are dropped.
  void Request(std::vector<int64_t> layers);
  // Reports that a block has been used, and that it is no longer in the cache or may be dropped
  // from it.
  void Dropped(int64_t layer);

 private:
  void Run();

  const BloomModel& model_;
  int64_t ahead_ = 1;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<int64_t> wanted_;
  std::set<int64_t> read_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace lacos
