#include "lacos/model/streaming.h"

#include <algorithm>
#include <map>
#include <string>

#include "lacos/base/process.h"
#include "lacos/base/thread.h"

namespace lacos {

int64_t ResidentBaseBytes(const BaseWeights& base_weights, WeightStreaming streaming) {
  int64_t all = 0, vectors = 0, largest_block = 0;
  std::map<std::string, int64_t> blocks;  // bytes by prefix "h.N."
  for (const TensorSpec& spec : ListTensors(base_weights.config())) {
    if (spec.kind == "word_embeddings") continue;
    int64_t bytes = base_weights.Tensor(spec.name).entry.bytes;
    // Single matrices of a quantized folder may have kept their type (llm_int8_skip_modules
    // in bitsandbytes).
    if (spec.IsMatrix() && base_weights.Matrix(spec.name).scheme != QuantScheme::kNone) {
      bytes += base_weights.Tensor(spec.name + ".absmax").entry.bytes;
    }
    all += bytes;
    if (spec.IsMatrix()) {
      int64_t& block = blocks[spec.name.substr(0, spec.name.find('.', 2))];
      largest_block = std::max(largest_block, block += bytes);
    } else {
      vectors += bytes;
    }
  }
  switch (streaming) {
    case WeightStreaming::kNone:
      return all;
    case WeightStreaming::kKeepCached:
      return vectors + largest_block;
    case WeightStreaming::kDropCached:
      return vectors + 2 * largest_block;
  }
  return all;
}

WeightStreaming ChooseStreaming(const BaseWeights& base_weights) {
  return ResidentBaseBytes(base_weights) > AvailableMemoryBytes() / 2
             ? WeightStreaming::kDropCached
             : WeightStreaming::kKeepCached;
}

namespace {

int64_t BlocksAhead(const BaseWeights& base_weights) {
  const int64_t block =
      std::max<int64_t>(ResidentBaseBytes(base_weights, WeightStreaming::kKeepCached), 1);
  return std::clamp<int64_t>(AvailableMemoryBytes() / 8 / block, 1, base_weights.config().layers);
}

}  // namespace

BlockReader::BlockReader(const BloomModel& model)
    : model_(model),
      ahead_(BlocksAhead(model.base_weights())),
      thread_(TryStartThread([this] { Run(); })) {}

BlockReader::~BlockReader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void BlockReader::Request(std::vector<int64_t> layers) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(layers);
  }
  wake_.notify_one();
}

void BlockReader::Dropped(int64_t layer) {
  const std::lock_guard lock(mutex_);
  read_.erase(layer);
}

void BlockReader::Run() {
  std::unique_lock lock(mutex_);
  const auto next = [&] {
    return std::find_if(wanted_.begin(), wanted_.end(),
                        [&](int64_t layer) { return !read_.contains(layer); });
  };
  while (true) {
    wake_.wait(lock, [&] { return stop_ || next() != wanted_.end(); });
    if (stop_) return;
    const int64_t layer = *next();
    try {
      read_.insert(layer);
      lock.unlock();
      model_.PrefetchBlock(layer);
      // for example out of memory: reading ahead only saves time, nothing depends on it
    } catch (...) {
    }
    if (!lock.owns_lock()) lock.lock();
    if (!read_.contains(layer)) wanted_.clear();  // otherwise it would be tried again without end
  }
}

}  // namespace lacos
