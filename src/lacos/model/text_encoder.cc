#include "lacos/model/text_encoder.h"

#include <algorithm>
#include <vector>

#include "lacos/base/parallel.h"
#include "lacos/base/process.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/leading_values.h"
#include "lacos/model/prompt_pooling.h"
#include "lacos/model/repeats.h"

namespace lacos {

EncodeStatistics& EncodeStatistics::operator+=(const EncodeStatistics& other) {
  texts += other.texts;
  tokens += other.tokens;
  computed_tokens += other.computed_tokens;
  truncated += other.truncated;
  stripped += other.stripped;
  empty += other.empty;
  tokenize_seconds += other.tokenize_seconds;
  return *this;
}

int64_t TextEncoder::dimension() const {
  const int64_t all = encoder_.model().config().hidden_size;
  return options_.truncate_dim > 0 ? std::min(options_.truncate_dim, all) : all;
}

// As in sentence-transformers, this is the token count of the prompt alone, although its last tokens
// may differ when a text follows, and less a special token at its end.
int64_t SkippedTokens(const Tokenizer& tokenizer, const TextEncoderOptions& options,
                      const std::string& prompt) {
  if (options.pool_prompt || prompt.empty()) return 0;
  TokenizeOptions alone = options.tokenize;
  alone.after.clear();
  const std::vector<int32_t> ids = TokenizeText(tokenizer, prompt, alone).ids;
  const bool ends_special = !ids.empty() && tokenizer.IsNamedSpecial(ids.back());
  return static_cast<int64_t>(ids.size()) - (ends_special ? 1 : 0);
}

// Encodes one packed batch and writes its vectors to the given rows of `out`.
void TextEncoder::RunBatch(const PackedTexts& batch, std::span<const int64_t> rows, int64_t skipped,
                           std::span<float> out) {
  const int64_t d = encoder_.model().config().hidden_size, kept = dimension();
  Backend& backend = encoder_.model().backend();
  const ArenaScope scope(encoder_.arena());
  const TensorView vectors =
      encoder_.arena().Allocate(backend.Types().residual, {batch.Texts(), d});
  if (skipped > 0) {
    PoolAfterPrompt(encoder_, batch, skipped, vectors);
  } else {
    encoder_.Forward(batch, vectors);
  }
  const PhaseScope phase(backend, StepPhase::kVectors);
  // A vector that is cut is scaled afterwards.
  if (options_.normalize && kept == d) backend.L2Normalize(vectors, {}, vectors);
  const std::vector<float> host = DownloadFloats(backend, vectors);
  for (size_t i = 0; i < rows.size(); ++i) {
    CopyLeadingValues(std::span(host).subspan(i * static_cast<size_t>(d)),
                      options_.normalize && kept < d,
                      out.subspan(static_cast<size_t>(rows[i] * kept), static_cast<size_t>(kept)));
  }
}

TokenizeOptions FramedTokenizeOptions(const Tokenizer& tokenizer, TokenizeOptions options,
                                      const TextFrame& frame) {
  if (frame == TextFrame{}) return options;
  const auto ids = [&](const std::string& text) {
    std::vector<int32_t> found;
    if (!text.empty()) tokenizer.Encode(text, found);
    return found;
  };
  const std::vector<int32_t> before = ids(frame.before), after = ids(frame.after);
  options.before.insert(options.before.end(), before.begin(), before.end());
  options.after.insert(options.after.begin(), after.begin(), after.end());
  RequireRoomForText(tokenizer, options);
  return options;
}

TokenizeOptions TextEncoder::TokenizeOptionsFor(const TextPrompt& prompt) const {
  return FramedTokenizeOptions(tokenizer_, options_.tokenize, prompt.frame);
}

EncodeStatistics TextEncoder::Encode(std::span<const std::string> texts, const TextPrompt& prompt,
                                     std::span<float> out,
                                     const std::function<void(int64_t)>& progress) {
  EncodeStatistics statistics{.texts = static_cast<int64_t>(texts.size())};
  std::fill(out.begin(), out.end(), 0.0f);  // texts without tokens keep zero vectors

  const TokenizeOptions tokenize = TokenizeOptionsFor(prompt);
  const int64_t skipped = SkippedTokens(tokenizer_, options_, prompt.text);
  // Tokenize a slice of texts in parallel, then run it in batches of whole texts with at most
  // batch_tokens tokens.
  constexpr int64_t kSlice = 4096;
  for (int64_t begin = 0; begin < statistics.texts; begin += kSlice) {
    const int64_t count = std::min(kSlice, statistics.texts - begin);
    const Stopwatch tokenizing;
    std::vector<TokenizedText> tokenized(static_cast<size_t>(count));
    ParallelFor(count, [&](int64_t i) {
      const std::string& text = texts[begin + i];
      tokenized[i] =
          TokenizeText(tokenizer_, prompt.text.empty() ? text : prompt.text + text, tokenize);
    });
    statistics.tokenize_seconds += tokenizing.Seconds();
    // Only the first of several equal texts is computed. The others copy its vector, which would
    // have the same bytes.
    std::vector<std::span<const int32_t>> ids;
    for (const TokenizedText& text : tokenized) ids.emplace_back(text.ids);
    const Repeats repeats = FindRepeats(ids);
    PackedTexts batch;
    std::vector<int64_t> rows;
    const auto flush = [&](int64_t done) {
      if (batch.Tokens() > 0) RunBatch(batch, rows, skipped, out);
      batch = {};
      rows.clear();
      if (progress) progress(done);
    };
    for (int64_t i = 0; i < count; ++i) {
      const TokenizedText& text = tokenized[i];
      const auto length = static_cast<int64_t>(text.ids.size());
      statistics.truncated += text.truncated ? 1 : 0;
      statistics.stripped += text.stripped ? 1 : 0;
      statistics.tokens += length;
      if (length == 0) {
        ++statistics.empty;
        continue;
      }
      if (repeats.first[repeats.text[i]] != i) continue;
      statistics.computed_tokens += length;
      if (batch.Tokens() > 0 && batch.Tokens() + length > options_.batch_tokens) flush(begin + i);
      batch.Add(text.ids);
      rows.push_back(begin + i);
    }
    flush(begin + count);
    const int64_t d = dimension();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = repeats.first[repeats.text[i]];
      if (first != i)
        std::copy_n(out.begin() + (begin + first) * d, d, out.begin() + (begin + i) * d);
    }
  }
  return statistics;
}

}  // namespace lacos
