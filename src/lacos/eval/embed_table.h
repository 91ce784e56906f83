// The vectors of a table of texts by a model, each text embedded once, or read from a cache.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lacos/eval/tasks/text_table.h"
#include "lacos/eval/tasks/vector_cache.h"
#include "lacos/model/sentence_encoder.h"

namespace lacos {

struct RolePrompts {
  std::string plain, query, document;  // what goes before texts of each role
};

struct EmbeddedTable {
  std::vector<float> values;  // [texts, D]
  int64_t d = 0;
  int64_t cached = 0;                        // texts whose vector was read
  EncodeStatistics statistics;               // of those that were computed
  std::vector<bool> is_empty, is_truncated;  // by text; of computed and of cached ones
  // NOLINTNEXTLINE(google-explicit-constructor): a table is used as its vectors
  operator Vectors() const { return {.values = values, .d = d}; }
};

// `cache` may be null. Longest texts first, so that what is left is overestimated rather than
// underestimated. `progress` gets texts and tokens done, and all tokens; it may throw to end the
// work: what was computed is cached.
EmbeddedTable EmbedTable(
    SentenceEncoder& embedder, const TextTable& texts, const RolePrompts& prompts,
    VectorCache* cache,
    const std::function<void(int64_t texts, int64_t tokens, int64_t all_tokens)>& progress);

}  // namespace lacos
