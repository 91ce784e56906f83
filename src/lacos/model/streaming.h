// Bases larger than memory: how much of one is resident, and who reads its blocks ahead.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "lacos/model/bloom_model.h"

namespace lacos {

// What happens to the pages of a block's matrices after the block: they stay; the process gives them back,
// but the kernel may keep them cached; the kernel drops them too (for bases that do not fit into memory).
enum class WeightStreaming : uint8_t { kNone, kKeepCached, kDropCached };

// How `--stream-layers` streams a base: the kernel keeps what was read cached while there is room, but a base
// that takes more than half of it would push everything else out, page by page.
WeightStreaming ChooseStreaming(const Checkpoint& checkpoint);

// Bytes of the pages that a pass over all blocks maps in: every matrix but the word embedding; `streamed`,
// those of one block at a time.
int64_t ResidentBaseBytes(const Checkpoint& checkpoint, bool streamed = false);

// A thread that reads a block's matrices into the kernel's cache while another block computes. The kernel
// reads no more of a range at a time than its read-ahead window (128 kB by default), so the range is asked
// for in pieces, and each may have to wait for the disk: on the computing thread that would be no overlap.
class BlockReader {
 public:
  explicit BlockReader(const BloomModel& model);  // must outlive the reader
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  // Reads this block next; returns at once. A block asked for before and not yet begun is left out; nothing
  // happens where there is no such block.
  void Request(int64_t layer);

 private:
  void Run();

  const BloomModel& model_;
  std::mutex mutex_;
  std::condition_variable wake_;
  int64_t wanted_ = -1;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace lacos
