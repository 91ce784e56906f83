#include "commands/bench/texts.h"

#include <algorithm>
#include <cmath>

namespace lacos::cli {
namespace {

// The search ends after this many words: enough that their embedding rows do not stay in a cache.
constexpr size_t kWords = 8192;
constexpr int kDraws = 100'000;

// Whether a text is one space followed by ASCII letters, such as " house". Byte-level BPE splits
// before the space, so such words stay one token each at any place in a text.
bool IsWord(const std::string& text) {
  return text.size() > 1 && text[0] == ' ' &&
         std::all_of(text.begin() + 1, text.end(),
                     [](unsigned char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; });
}

}  // namespace

BenchTexts::BenchTexts(const Tokenizer& tokenizer, uint64_t seed)
    : random_(seed, RandomStream::kBatch) {
  const auto size = static_cast<uint64_t>(tokenizer.VocabularySize());
  std::vector<int32_t> ids;
  for (int draw = 0; draw < kDraws && words_.size() < kWords; ++draw) {
    const auto id = static_cast<int32_t>(random_.Below(size));
    const std::string word = tokenizer.Decode(std::span(&id, 1), /*skip_special_tokens=*/true);
    if (!IsWord(word)) continue;
    ids.clear();
    tokenizer.Encode(word, ids);
    if (ids.size() == 1) words_.push_back(word);
  }
  // A tokenizer of bytes has no words, but each letter is a token.
  if (words_.size() < 100) {
    words_.clear();
    for (char letter = 'a'; letter <= 'z'; ++letter) words_.emplace_back(1, letter);
  }
}

std::string BenchTexts::Make(const LengthDistribution& lengths, int64_t max_tokens) {
  const double mu = std::log(lengths.mean) - 0.5 * lengths.spread * lengths.spread;
  const auto drawn =
      static_cast<int64_t>(std::lround(std::exp(mu + lengths.spread * random_.Normal())));
  // Texts of at least three words, out of thousands, are rarely equal. If two are, drawing again a
  // few times makes them differ.
  const int64_t tokens = std::min(std::max<int64_t>(drawn, 3), max_tokens);
  std::string text;
  for (int attempt = 0; attempt < 100; ++attempt) {
    text.clear();
    for (int64_t i = 0; i < tokens; ++i) text += words_[random_.Below(words_.size())];
    if (made_.insert(text).second) break;
  }
  return text;
}

ExampleFile BenchTexts::MakeExamples(const LossInputs& inputs, int64_t count, int64_t max_tokens) {
  ExampleFile file{.path = "generated", .kind = inputs.kinds.front(), .rows = count};
  for (int64_t i = 0; i < count; ++i) {
    Example& example = file.examples.emplace_back();
    for (int k = 0; k < inputs.Texts(); ++k)
      example.texts.push_back(Make(LengthDistribution(), max_tokens));
    example.label = static_cast<int32_t>(i % 3);
    example.score = random_.Uniform();
    example.line = i + 1;
  }
  return file;
}

}  // namespace lacos::cli
