// Floors: vectors made by counting words, without any model, which are scored by the same measures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/base/enum_names.h"
#include "lacos/search/vectors.h"

namespace lacos {

enum class Floor : uint8_t {
  // 1 for each word that occurs. The cosine of two texts is then the number of shared words divided
  // by the root of the product of both numbers of words.
  kWordOverlap,
  kTfIdf,  // (1 + log(count)) * (log((1 + N) / (1 + texts with the word)) + 1), N: all texts given
};
inline constexpr auto kFloorNames = MakeEnumNames<EnumWord<Floor>>({
    {Floor::kWordOverlap, "word-overlap"},
    {Floor::kTfIdf, "tf-idf"},
});
constexpr const auto& NamesOf(Floor) { return kFloorNames; }

// Vectors [texts.size(), dimension]. Words are runs of letters, marks and digits, in lower case
// (Latin, Greek and Cyrillic), and single characters of scripts that do not separate words. The
// hash of a word chooses one of `dimension` places and a sign, so that words which share a place
// cancel on average. Texts without words get zeros. Source: Weinberger et al., "Feature hashing for
// large scale multitask learning" (ICML 2009).
std::vector<float> FloorVectors(Floor floor, const std::vector<std::string>& texts,
                                int64_t dimension);

// The words of a text, as FloorVectors counts them.
std::vector<std::string> Words(const std::string& text);

}  // namespace lacos
