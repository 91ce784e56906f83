#include "lacos/model/block_loader.h"

#include <algorithm>

#include "lacos/base/check.h"
#include "lacos/base/thread.h"

namespace lacos {
namespace {

// Calls visit(file, offset, bytes, pointer to it in `matrix`) for each mapped part of a matrix: its
// values, and its scales unless their type or alignment made a copy necessary.
template <class Visit>
void ForEachMappedPart(const BaseWeights& base_weights, QuantizedMatrix& matrix,
                       const Visit& visit) {
  base_weights.ForEachPart(matrix.name, [&](const StoredTensor& part) {
    const std::byte* data = part.file->Data(part.entry).data();
    if (data == matrix.codes) {
      visit(*part.file->file(), part.entry.offset, part.entry.bytes,
            [&](const std::byte* p) { matrix.codes = p; });
    } else if (data == reinterpret_cast<const std::byte*>(matrix.absmax)) {
      visit(*part.file->file(), part.entry.offset, part.entry.bytes,
            [&](const std::byte* p) { matrix.absmax = reinterpret_cast<const float*>(p); });
    }
  });
}

// Bytes of memory for the largest block as DirectReader reads it.
int64_t SlotBytes(const BloomModel& model) {
  int64_t largest = 0;
  for (int64_t layer = 0; layer < model.config().layers; ++layer) {
    int64_t bytes = 0;
    for (QuantizedMatrix matrix : model.StoredMatrices(layer)) {
      ForEachMappedPart(model.base_weights(), matrix,
                        [&](const MappedFile&, int64_t offset, int64_t size, const auto&) {
                          bytes += DirectReader::Room(offset, size);
                        });
    }
    largest = std::max(largest, bytes);
  }
  return largest;
}

}  // namespace

BlockLoader::BlockLoader(BloomModel& model)
    : model_(model),
      slot_bytes_(SlotBytes(model)),
      memory_(AllocateForDirectReads(kSlots * slot_bytes_)),
      thread_(TryStartThread([this] { Run(); })) {}

BlockLoader::~BlockLoader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (placed_ != kNone) Release(placed_);  // an exception left a block in use
}

void BlockLoader::Use(int64_t layer, int64_t next) {
  std::unique_lock lock(mutex_);
  if (thread_.joinable()) {
    wanted_ = {layer, next};
    wake_.notify_one();
  } else {
    wanted_ = {layer, kNone};
    if (Slot* const slot = NextToRead()) ReadInto(*slot, lock);
  }
  const auto held = [&] {
    return std::find_if(slots_.begin(), slots_.end(),
                        [&](const Slot& slot) { return slot.ready && slot.layer == layer; });
  };
  read_.wait(lock, [&] { return error_ != nullptr || held() != slots_.end(); });
  const auto slot = held();
  if (slot == slots_.end()) {
    wanted_ = {kNone, kNone};
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
  model_.MoveBlock(layer, slot->matrices);
  placed_ = layer;
}

void BlockLoader::Release(int64_t layer) {
  model_.AwaitBlockMemory(layer);
  model_.MoveBlock(layer, model_.StoredMatrices(layer));
  placed_ = kNone;
}

void BlockLoader::Forget() {
  std::unique_lock lock(mutex_);
  wanted_ = {kNone, kNone};
  read_.wait(lock, [&] {
    return std::all_of(slots_.begin(), slots_.end(),
                       [](const Slot& slot) { return slot.ready || slot.layer == kNone; });
  });
  for (Slot& slot : slots_) slot = {};
  error_ = nullptr;
}

// The block in use is always the first of the wanted ones, so its memory is never taken.
BlockLoader::Slot* BlockLoader::NextToRead() {
  const auto holds = [](const Slot& slot, int64_t layer) { return slot.layer == layer; };
  for (const int64_t layer : wanted_) {
    if (layer == kNone || error_ != nullptr) continue;
    if (std::any_of(slots_.begin(), slots_.end(), [&](const Slot& s) { return holds(s, layer); }))
      continue;
    for (Slot& slot : slots_) {
      if (std::find(wanted_.begin(), wanted_.end(), slot.layer) == wanted_.end() ||
          slot.layer == kNone) {
        slot = {.layer = layer, .ready = false, .matrices = {}};
        return &slot;
      }
    }
  }
  return nullptr;
}

void BlockLoader::Read(int64_t layer, std::byte* memory, std::vector<QuantizedMatrix>& matrices) {
  matrices = model_.StoredMatrices(layer);
  for (QuantizedMatrix& matrix : matrices) {
    ForEachMappedPart(
        model_.base_weights(), matrix,
        [&](const MappedFile& file, int64_t offset, int64_t bytes, const auto& moved) {
          auto reader = std::find_if(readers_.begin(), readers_.end(),
                                     [&](const auto& known) { return known.first == &file; });
          if (reader == readers_.end()) {
            reader = readers_.insert(reader, {&file, std::make_unique<DirectReader>(file)});
          }
          moved(reader->second->Read(offset, bytes, memory));
          memory += DirectReader::Room(offset, bytes);
        });
  }
}

void BlockLoader::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    Slot* slot = nullptr;
    wake_.wait(lock, [&] { return stop_ || (slot = NextToRead()) != nullptr; });
    if (stop_) return;
    ReadInto(*slot, lock);
    read_.notify_all();
  }
}

void BlockLoader::ReadInto(Slot& slot, std::unique_lock<std::mutex>& lock) {
  const int64_t layer = slot.layer;
  std::byte* memory = memory_.data() + (&slot - slots_.data()) * slot_bytes_;
  std::exception_ptr error;
  lock.unlock();
  std::vector<QuantizedMatrix> matrices;
  try {
    Read(layer, memory, matrices);
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  if (error != nullptr) {
    slot = {};
    error_ = error;
  } else {
    slot.matrices = std::move(matrices);
    slot.ready = true;
  }
}

}  // namespace lacos
