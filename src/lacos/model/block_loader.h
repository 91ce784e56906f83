// Bases larger than memory: the next block's matrices are read into memory of their own while one
// computes.
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

// Two blocks' worth of memory and a thread that fills it past the kernel's page cache. Against
// reading ahead into the cache and using the mapped pages this costs a second block of memory, and
// spares the processor the page faults, the cache's bookkeeping and dropping each page again
// (docs/performance.md).
class BlockLoader {
 public:
  explicit BlockLoader(BloomModel& model);  // must outlive the loader
  ~BlockLoader();
  BlockLoader(const BlockLoader&) = delete;
  BlockLoader& operator=(const BlockLoader&) = delete;

  // Waits until `layer` has been read, and has the model's matrices of it read there from now on;
  // then `next` is read (it may be the same). Throws what reading threw.
  void Use(int64_t layer, int64_t next);
  // Waits until nothing reads the block's memory here; the model's matrices are then those of the
  // mapped file again.
  void Release(int64_t layer);
  // Forgets what was read: for measurements.
  void Forget();

 private:
  static constexpr int kSlots = 2;
  static constexpr int64_t kNone = -1;
  struct Slot {
    int64_t layer = kNone;  // that lies here, or is being read
    bool ready = false;
    std::vector<QuantizedMatrix> matrices;  // where they lie here
  };

  void Run();
  // The slot to read next, and its layer; null while there is nothing to do.
  Slot* NextToRead();
  void Read(int64_t layer, std::byte* memory, std::vector<QuantizedMatrix>& matrices);

  BloomModel& model_;
  std::vector<std::pair<const MappedFile*, std::unique_ptr<DirectReader>>> readers_;
  int64_t slot_bytes_ = 0;
  Buffer memory_;
  std::mutex mutex_;
  std::condition_variable wake_, read_;
  std::array<Slot, kSlots> slots_;
  std::array<int64_t, kSlots> wanted_ = {kNone, kNone};
  int64_t placed_ = kNone;  // the block whose matrices the model reads here
  std::exception_ptr error_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace lacos
