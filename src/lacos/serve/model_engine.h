// The engine over an opened model: batches of texts that may have different adapters.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "lacos/model/encoder.h"
#include "lacos/serve/engine.h"

namespace lacos::serve {

class ModelEngine : public Engine {
 public:
  // The encoder must outlive the engine.
  explicit ModelEngine(Encoder& encoder);

  std::vector<std::vector<float>> Compute(std::span<const EngineText> texts, int64_t& computed,
                                          const std::function<void()>& pause) override;
  // Batches pause between the blocks of the model, unless these are streamed. On a device they do not
  // pause either: blocks are queued there long before they are computed.
  int64_t pauses() const override { return pauses_; }
  int64_t width() const override;

 private:
  void ComputeGroup(std::span<const EngineText> texts, std::span<const size_t> group,
                    std::vector<std::vector<float>>& out);
  Encoder& encoder_;
  int64_t pauses_ = 0;
};

}  // namespace lacos::serve
