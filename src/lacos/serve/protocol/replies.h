// The bodies of good replies, in both dialects.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/serve/message.h"
#include "lacos/text/tokenizer.h"

namespace lacos::serve {

using Vector = std::shared_ptr<const std::vector<float>>;

// What the texts of a request have become.
struct EmbedResult {
  std::vector<Vector> vectors;  // one a text, [D], or [T * D] for the states of its tokens
  std::vector<int64_t> tokens;  // of each text, after truncation
  std::vector<int64_t> truncated, empty;  // indexes of texts
  int64_t Tokens() const;
};

// How long the parts of a request took, in seconds.
struct Timings {
  double total = 0, tokenization = 0, queue = 0, inference = 0;
};

// {"object": "list", "data": [...], ...}
std::string OpenAiEmbeddings(const EmbedResult& result, bool base64, std::string_view model);
// [[0.1, ...], ...]
std::string TeiEmbeddings(const EmbedResult& result);
// [[[0.1, ...], ...], ...]; `width` is D.
std::string TeiTokenStates(const EmbedResult& result, int64_t width);
// [0.1, ...]
std::string Numbers(std::span<const double> values);

// The x-* headers that text-embeddings-inference sends with vectors, and ours.
HttpFields EmbedHeaders(const EmbedResult& result, int64_t characters, const Timings& timings,
                        std::string_view compute);

// One token, as TEI writes it.
struct TokenView {
  int32_t id = 0;
  std::string text;
  bool special = false;
  int64_t start = 0, stop = 0;  // in characters; not written for special tokens
};
void AppendTokens(std::span<const TokenView> tokens, std::string& out);

// The number of Unicode characters in valid UTF-8.
int64_t CountCharacters(std::string_view text);

Json ModelCardOf(std::string_view name, int64_t created);
Json ListOf(const std::vector<Json>& items);

}  // namespace lacos::serve
