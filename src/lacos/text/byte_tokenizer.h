// The simplest tokenizer that is BLOOM's in construction: byte symbols without merges, for models
// with random weights.
#pragma once

#include <cstdint>

#include "lacos/io/json.h"

namespace lacos {

constexpr int64_t kByteTokenizerSize = 4 + 256;

// tokenizer.json: ids 0 to 3 <unk> <s> </s> <pad>, then one id for each byte, BLOOM's Split
// pattern, no merges.
Json ByteTokenizerJson();
// tokenizer_config.json and special_tokens_map.json that belong to it.
Json ByteTokenizerConfigJson();
Json SpecialTokensMapJson();

}  // namespace lacos
