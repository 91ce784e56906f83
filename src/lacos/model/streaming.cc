#include "lacos/model/streaming.h"

#include <signal.h>

#include <algorithm>
#include <map>
#include <string>

#include "lacos/base/process.h"

namespace lacos {

int64_t ResidentBaseBytes(const Checkpoint& checkpoint, bool streamed) {
  int64_t all = 0, vectors = 0, largest_block = 0;
  std::map<std::string, int64_t> blocks;  // by "h.N."
  for (const TensorSpec& spec : ListTensors(checkpoint.config())) {
    if (spec.kind == "word_embeddings") continue;
    int64_t bytes = checkpoint.Tensor(spec.name).entry.bytes;
    // Single matrices of a quantised folder may have kept their type (bitsandbytes' llm_int8_skip_modules).
    if (spec.IsMatrix() && checkpoint.Matrix(spec.name).scheme != QuantScheme::kNone) {
      bytes += checkpoint.Tensor(spec.name + ".absmax").entry.bytes;
    }
    all += bytes;
    if (spec.IsMatrix()) {
      int64_t& block = blocks[spec.name.substr(0, spec.name.find('.', 2))];
      largest_block = std::max(largest_block, block += bytes);
    } else {
      vectors += bytes;
    }
  }
  return streamed ? vectors + largest_block : all;
}

WeightStreaming ChooseStreaming(const Checkpoint& checkpoint) {
  return ResidentBaseBytes(checkpoint) > AvailableMemoryBytes() / 2 ? WeightStreaming::kDropCached
                                                                    : WeightStreaming::kKeepCached;
}

BlockReader::BlockReader(const BloomModel& model) : model_(model), thread_([this] { Run(); }) {}

BlockReader::~BlockReader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void BlockReader::Request(int64_t layer) {
  if (layer < 0 || layer >= model_.config().layers) return;
  {
    const std::lock_guard lock(mutex_);
    wanted_ = layer;
  }
  wake_.notify_one();
}

void BlockReader::Run() {
  sigset_t all;  // signals are for the threads that wait for input or compute
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || wanted_ >= 0; });
    if (stop_) return;
    const int64_t layer = std::exchange(wanted_, -1);
    lock.unlock();
    model_.PrefetchBlock(layer);
    lock.lock();
  }
}

}  // namespace lacos
