// Floors: vectors made by counting words, without any model.
#include "lacos/eval/tasks/floors.h"

#include <cmath>
#include <map>
#include <string_view>
#include <unordered_map>

#include "lacos/base/parallel.h"
#include "lacos/base/rng.h"
#include "lacos/io/utf8.h"
#include "lacos/text/regex.h"

namespace lacos {
namespace {

// Single characters of scripts that write words without spaces between them, and runs of other word
// characters.
constexpr const char* kWordPattern =
    R"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]|)"
    R"([[\p{L}\p{M}\p{N}]&&[^\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]+)";

// In Latin-1, Greek and Cyrillic, the distance between capital letters of two bytes and their small
// letters is fixed.
std::string LowerCase(std::string_view text) {
  std::string lower;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      lower += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
      continue;
    }
    if ((byte & 0xE0) != 0xC0 || i + 1 >= text.size()) {
      lower += text[i];
      continue;
    }
    int code = (byte & 0x1F) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F);
    const bool plus_32 = (code >= 0xC0 && code <= 0xDE && code != 0xD7) ||
                         (code >= 0x391 && code <= 0x3A9) || (code >= 0x410 && code <= 0x42F);
    if (plus_32) code += 0x20;
    if (code >= 0x400 && code <= 0x40F) code += 0x50;
    AppendUtf8(static_cast<char32_t>(code), lower);
  }
  return lower;
}

uint64_t HashOf(const std::string& word) {
  uint64_t hash = 0;
  for (const char c : word) hash = Mix64(hash, static_cast<unsigned char>(c));
  return hash;
}

}  // namespace

std::vector<std::string> Words(const std::string& text) {
  static const Regex pattern(kWordPattern, Regex::Syntax::kOniguruma, "words");
  std::vector<std::string> words;
  for (size_t from = 0; from < text.size();) {
    const auto match = pattern.Search(text, from);
    if (!match) break;
    words.push_back(
        LowerCase(std::string_view(text).substr(match->begin, match->end - match->begin)));
    from = match->end;
  }
  return words;
}

std::vector<float> FloorVectors(Floor floor, const std::vector<std::string>& texts,
                                int64_t dimension) {
  const auto n = static_cast<int64_t>(texts.size());
  std::vector<std::map<std::string, int64_t>> counts(texts.size());
  ParallelFor(n, [&](int64_t i) {
    for (const std::string& word : Words(texts[static_cast<size_t>(i)]))
      ++counts[static_cast<size_t>(i)][word];
  });
  std::unordered_map<std::string, int64_t> texts_with;
  for (const auto& words : counts) {
    for (const auto& [word, count] : words) ++texts_with[word];
  }
  std::vector<float> vectors(static_cast<size_t>(n * dimension));
  ParallelFor(n, [&](int64_t i) {
    for (const auto& [word, count] : counts[static_cast<size_t>(i)]) {
      double value = 1;
      if (floor == Floor::kTfIdf) {
        const auto with = static_cast<double>(texts_with.at(word));
        value = (1 + std::log(static_cast<double>(count))) *
                (std::log((1 + static_cast<double>(n)) / (1 + with)) + 1);
      }
      const uint64_t hash = HashOf(word);
      const auto place = static_cast<int64_t>(hash % static_cast<uint64_t>(dimension));
      vectors[static_cast<size_t>(i * dimension + place)] +=
          static_cast<float>(hash >> 63 != 0 ? -value : value);
    }
  });
  return vectors;
}

}  // namespace lacos
