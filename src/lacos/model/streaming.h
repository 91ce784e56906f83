// Bases larger than memory: how much of one is resident, and who reads its blocks ahead.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "lacos/model/bloom_model.h"

namespace lacos {

// Where a block's matrices are while it computes: in mapped pages that stay; in mapped pages that
// the process gives back afterwards, which the kernel may keep cached (BlockReader); in memory of
// their own, read past the kernel's cache (BlockLoader; for bases that do not fit into memory).
enum class WeightStreaming : uint8_t { kNone, kKeepCached, kDropCached };

// How `--stream-layers` streams a base: the kernel keeps what was read cached while there is room,
// but a base that takes more than half of it would push everything else out, page by page.
WeightStreaming ChooseStreaming(const BaseWeights& base_weights);

// Bytes of the base that a pass over all blocks makes resident: every matrix but the word
// embedding; one block's matrices at a time when they are streamed through the kernel's cache, two
// when past it.
int64_t ResidentBaseBytes(const BaseWeights& base_weights,
                          WeightStreaming streaming = WeightStreaming::kNone);

// A thread that reads matrices of coming blocks into the kernel's cache while a block computes. The
// kernel reads no more of a range at a time than its read-ahead window, so ranges are asked for in
// pieces, and each may have to wait for the disk: on the computing thread that would be no overlap.
// Several blocks ahead, because a forward computes half as long on a block as a backward: what is
// read during the one is used in the other.
class BlockReader {
 public:
  explicit BlockReader(const BloomModel& model);  // must outlive the reader
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  // How many coming blocks are to be asked for: those that an eighth of free memory can cache, at
  // least one. Cached pages are not resident in the process, and the kernel may take them back.
  int64_t ahead() const { return ahead_; }
  // Reads these blocks, in this order, but for those read already; returns at once. What was asked
  // for before and is not begun yet is forgotten.
  void Request(std::vector<int64_t> layers);
  // Says that a block has been used: it is no longer in the cache, or may be dropped from it.
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
