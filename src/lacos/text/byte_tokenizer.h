// The simplest tokenizer that is built like BLOOM's: symbols for bytes without merges. It serves
// models with random weights.
#pragma once

#include <cstdint>

#include "lacos/io/json.h"

namespace lacos {

constexpr int64_t kByteTokenizerSize = 4 + 256;

// The contents of tokenizer.json: ids 0 to 3 for <unk> <s> </s> <pad>, then one id for each byte,
// BLOOM's Split pattern, and no merges.
Json ByteTokenizerJson();
// The contents of the tokenizer_config.json that belongs to it.
Json ByteTokenizerConfigJson();
Json SpecialTokensMapJson();

}  // namespace lacos
