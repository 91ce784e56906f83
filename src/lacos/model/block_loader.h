// Runs base weights that are larger than memory: while one block computes, the matrices of the next
// one are read into memory of their own.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "lacos/io/direct_reader.h"
#include "lacos/model/bloom_model.h"

namespace lacos {

// Memory for two blocks, and a thread that fills it past the kernel's page cache. Compared with
// reading ahead into the cache and using the mapped pages, this costs the memory of a second block.
// It saves the processor the page faults, the bookkeeping of the cache and dropping every page
// again (docs/performance.md). If the system refuses to start the thread, blocks are read when they
// are used.
class BlockLoader {
 public:
  explicit BlockLoader(BloomModel& model);  // The model must outlive the loader.
  ~BlockLoader();
  BlockLoader(const BlockLoader&) = delete;
  BlockLoader& operator=(const BlockLoader&) = delete;

  // Waits until `layer` has been read and makes the model use its matrices at their place in this
  // memory. Then starts to read `next`, which may be the same block. Rethrows errors of reading.
  void Use(int64_t layer, int64_t next);
  // Waits until nothing reads the block's memory here, then makes the model use the matrices in the
  // mapped file again.
  void Release(int64_t layer);
  // Discards everything that was read; used by measurements.
  void Forget();

 private:
  static constexpr int kSlots = 2;
  static constexpr int64_t kNone = -1;
  struct Slot {
    int64_t layer = kNone;  // the block that lies in this slot or is being read into it
    bool ready = false;
    std::vector<QuantizedMatrix> matrices;  // the block's matrices in this slot
  };

  void Run();
  // The slot to read next, with its layer set; null while there is nothing to do.
  Slot* NextToRead();
  // Reads the slot's block. The lock is released meanwhile.
  void ReadInto(Slot& slot, std::unique_lock<std::mutex>& lock);
  void Read(int64_t layer, std::byte* memory, std::vector<QuantizedMatrix>& matrices);

  BloomModel& model_;
  std::vector<std::pair<const MappedFile*, std::unique_ptr<DirectReader>>> readers_;
  int64_t slot_bytes_ = 0;
  Buffer memory_;
  std::mutex mutex_;
  std::condition_variable wake_, read_;
  std::array<Slot, kSlots> slots_;
  std::array<int64_t, kSlots> wanted_ = {kNone, kNone};
  int64_t placed_ = kNone;  // the block whose matrices the model uses from this memory
  std::exception_ptr error_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace lacos
