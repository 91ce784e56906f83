// What computes the texts of a batch. The service knows only this interface, so that it can be tested
// with an engine that fails or stands still.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lacos/base/pooling.h"

namespace lacos::serve {

enum class TextOutput : uint8_t {
  kPooled,      // [D]
  kNormalized,  // [D], with length 1
  kTokens,      // [T, D], the last hidden states
};

struct EngineText {
  std::span<const int32_t> ids;  // at least one
  int32_t adapter = 0;           // its number, or kNoAdapter
  Pooling pooling = Pooling::kMean;
  int64_t skipped = 0;  // leading tokens that pooling leaves out
  TextOutput output = TextOutput::kNormalized;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // The vectors of the texts, in their order. Each has the bytes that it has alone. Equal texts are
  // computed once; `computed` receives the tokens that ran through the model. Throws UserError if a
  // text cannot be computed, and std::bad_alloc if memory is missing. Only one thread calls it.
  // `pause`, if there is one, is called about pauses() times at equal distances while the texts are
  // computed. It may call Compute for other texts, without a pause.
  virtual std::vector<std::vector<float>> Compute(std::span<const EngineText> texts,
                                                  int64_t& computed,
                                                  const std::function<void()>& pause) = 0;
  // 0 if the engine cannot pause.
  virtual int64_t pauses() const = 0;
  virtual int64_t width() const = 0;  // D
};

}  // namespace lacos::serve
