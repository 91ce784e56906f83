// The vectors that a model gives the texts of a table. Each text is embedded once, or its vector is
// read from a cache.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lacos/eval/tasks/text_table.h"
#include "lacos/eval/tasks/vector_cache.h"
#include "lacos/model/sentence_encoder.h"

namespace lacos {

// A model as it encodes the texts of a table. By default it encodes as its SentenceEncoder does. The C
// interface, whose callers share an encoder, has encodings of its own.
struct TableEncoder {
  // NOLINTNEXTLINE(google-explicit-constructor): an encoder may be used as it is
  TableEncoder(SentenceEncoder& encoder);

  SentenceEncoder& embedder;
  int64_t dimension;     // values of a vector
  int64_t truncate_dim;  // leading values that are kept of a vector; 0 = all
  bool normalize;
  // Writes the vectors [texts, dimension] of texts with one prompt; may throw to end the work.
  std::function<EncodeStatistics(std::span<const std::string> texts, const TextPrompt& prompt,
                                 std::span<float> out)>
      encode;
  // Runs work while no other caller uses the embedder.
  std::function<void(const std::function<void()>& work)> alone = [](const auto& work) { work(); };
};

struct EmbeddedTable {
  std::vector<float> values;  // [texts, D]
  int64_t d = 0;
  int64_t stripped = 0;                      // texts whose whitespace at the ends was left out
  int64_t cached = 0;                        // texts whose vectors were read from the cache
  EncodeStatistics statistics;               // statistics of the vectors that were computed
  std::vector<bool> is_empty, is_truncated;  // for each text, computed or cached
  // NOLINTNEXTLINE(google-explicit-constructor): a table may be used as its vectors
  operator Vectors() const { return {.values = values, .d = d}; }
};

// `cache` may be null. The longest texts come first, so that the remaining time is overestimated
// rather than underestimated. `progress` gets the texts and tokens done, and the number of all
// tokens. It may throw to end the work; vectors computed so far are then cached.
EmbeddedTable EmbedTable(
    const TableEncoder& encoder, const TextTable& texts, const RolePrompts& prompts,
    VectorCache* cache,
    const std::function<void(int64_t texts, int64_t tokens, int64_t all_tokens)>& progress);

}  // namespace lacos
