// The vectors that a model gives the texts of a table. Each text is embedded once, or its vector is
// read from a cache.
#include "lacos/eval/embed_table.h"

#include <algorithm>
#include <map>
#include <span>

#include "lacos/base/parallel.h"

namespace lacos {

TableEncoder::TableEncoder(SentenceEncoder& encoder)
    : embedder(encoder),
      dimension(encoder.dimension()),
      truncate_dim(encoder.text_encoder().options().truncate_dim),
      normalize(encoder.normalize()),
      encode([&encoder](std::span<const std::string> texts, const TextPrompt& prompt,
                        std::span<float> out) { return encoder.Encode(texts, prompt, out); }) {}

EmbeddedTable EmbedTable(
    const TableEncoder& encoder, const TextTable& texts, const RolePrompts& prompts,
    VectorCache* cache,
    const std::function<void(int64_t texts, int64_t tokens, int64_t all_tokens)>& progress) {
  const auto n = static_cast<size_t>(texts.size());
  const int64_t d = encoder.dimension;
  const SentenceEncoder& embedder = encoder.embedder;
  EmbeddedTable table{.values = std::vector<float>(n * static_cast<size_t>(d)), .d = d};
  const auto prompt_of = [&](int64_t row) -> const TextPrompt& {
    const TextRole role = texts.role(row);
    return role == TextRole::kQuery      ? prompts.query
           : role == TextRole::kDocument ? prompts.document
                                         : prompts.plain;
  };
  const auto vector_of = [&](int64_t row) {
    return std::span(table.values).subspan(static_cast<size_t>(row * d), static_cast<size_t>(d));
  };

  // All texts are tokenized first: their lengths decide the order of the work, and truncated and
  // empty texts are reported for cached ones too.
  std::vector<TokenizedText> tokenized(n);
  std::map<TextPrompt, TokenizeOptions> tokenize;
  for (const TextPrompt* prompt : {&prompts.plain, &prompts.query, &prompts.document})
    tokenize.emplace(*prompt, embedder.text_encoder().TokenizeOptionsFor(*prompt));
  ParallelFor(texts.size(), [&](int64_t row) {
    const TextPrompt& prompt = prompt_of(row);
    tokenized[static_cast<size_t>(row)] =
        TokenizeText(embedder.tokenizer(), prompt.text + texts.text(row), tokenize.at(prompt));
  });
  std::vector<int64_t> lengths(n);
  for (size_t i = 0; i < n; ++i) {
    lengths[i] = static_cast<int64_t>(tokenized[i].ids.size());
    table.is_empty.push_back(lengths[i] == 0);
    table.is_truncated.push_back(tokenized[i].truncated);
    table.stripped += tokenized[i].stripped ? 1 : 0;
    tokenized[i] = {};
  }

  std::vector<int64_t> missing;
  int64_t all_tokens = 0, done_tokens = 0, done = 0;
  for (int64_t row = 0; row < texts.size(); ++row) {
    if (cache != nullptr && cache->Read(prompt_of(row).Key(texts.text(row)), vector_of(row))) {
      ++table.cached;
      continue;
    }
    missing.push_back(row);
    all_tokens += lengths[static_cast<size_t>(row)];
  }
  std::stable_sort(missing.begin(), missing.end(), [&](int64_t a, int64_t b) {
    if (prompt_of(a) != prompt_of(b)) return prompt_of(a) < prompt_of(b);
    return lengths[static_cast<size_t>(a)] > lengths[static_cast<size_t>(b)];
  });

  // number of texts after which progress is reported and vectors are added to the cache
  constexpr size_t kBlock = 256;
  for (size_t begin = 0; begin < missing.size();) {
    size_t end = begin;
    std::vector<std::string> block;
    while (end < missing.size() && end - begin < kBlock &&
           prompt_of(missing[end]) == prompt_of(missing[begin])) {
      block.push_back(texts.text(missing[end++]));
    }
    std::vector<float> vectors(block.size() * static_cast<size_t>(d));
    table.statistics += encoder.encode(block, prompt_of(missing[begin]), vectors);
    for (size_t i = 0; i < block.size(); ++i) {
      const int64_t row = missing[begin + i];
      const auto vector = std::span<const float>(vectors).subspan(i * static_cast<size_t>(d),
                                                                  static_cast<size_t>(d));
      std::copy(vector.begin(), vector.end(), vector_of(row).begin());
      if (cache != nullptr) cache->Add(prompt_of(row).Key(texts.text(row)), vector);
      done_tokens += lengths[static_cast<size_t>(row)];
    }
    done += static_cast<int64_t>(block.size());
    if (progress) progress(done, done_tokens, all_tokens);
    begin = end;
  }
  return table;
}

}  // namespace lacos
