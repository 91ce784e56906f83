// How alike two vectors are, as sentence-transformers' similarity_fn_name says it.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "lacos/base/enum_names.h"

namespace lacos {

// A larger value always means more alike: distances are negative.
enum class Similarity : uint8_t { kCosine, kDot, kEuclidean, kManhattan };

struct SimilarityNames {
  Similarity value;
  std::string_view word;   // in flags, folders, results and Python
  std::string_view title;  // in texts for people
  int32_t c_value;         // lacos_similarity_fn of include/lacos.h
};
inline constexpr auto kSimilarityNames = MakeEnumNames<SimilarityNames>({
    {Similarity::kCosine, "cosine", "cosine", 1},
    {Similarity::kDot, "dot", "dot product", 2},
    {Similarity::kEuclidean, "euclidean", "negative Euclidean distance", 3},
    {Similarity::kManhattan, "manhattan", "negative Manhattan distance", 4},
});
constexpr const auto& NamesOf(Similarity) { return kSimilarityNames; }

// Calls work(std::integral_constant<Similarity, similarity>), so that loops over pairs of vectors
// are compiled for each similarity.
template <class Work>
auto WithSimilarity(Similarity similarity, const Work& work) {
  switch (similarity) {
    case Similarity::kDot:
      return work(std::integral_constant<Similarity, Similarity::kDot>());
    case Similarity::kEuclidean:
      return work(std::integral_constant<Similarity, Similarity::kEuclidean>());
    case Similarity::kManhattan:
      return work(std::integral_constant<Similarity, Similarity::kManhattan>());
    case Similarity::kCosine:
      break;
  }
  return work(std::integral_constant<Similarity, Similarity::kCosine>());
}

}  // namespace lacos
