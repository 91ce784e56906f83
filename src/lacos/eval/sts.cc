// Semantic textual similarity: correlation of similarities with gold scores.
#include "lacos/eval/sts.h"

#include <string_view>
#include <unordered_map>

#include "lacos/base/check.h"
#include "lacos/eval/measures/statistics.h"
#include "lacos/search/vectors.h"

namespace lacos {

StsResult ScoreSts(const std::string& name, const std::vector<double>& similarity,
                   const std::vector<double>& gold) {
  LACOS_CHECK(similarity.size() == gold.size(), "one similarity for each gold score");
  return {.name = name,
          .n = static_cast<int64_t>(gold.size()),
          .spearman = 100 * Spearman(similarity, gold),
          .pearson = 100 * Pearson(similarity, gold)};
}

StsResult EvaluateSts(TextEncoder& encoder, const ScoredPairs& pairs, const std::string& prompt,
                      Similarity similarity,
                      const std::function<void(int64_t, int64_t)>& progress) {
  std::vector<std::string> texts;  // distinct texts, in the order of first use
  std::unordered_map<std::string_view, size_t> index;
  const auto index_of = [&](const std::string& text) {
    const auto [place, is_new] = index.emplace(text, texts.size());
    if (is_new) texts.push_back(text);
    return place->second;
  };
  std::vector<size_t> first(pairs.first.size()), second(pairs.first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    first[i] = index_of(pairs.first[i]);
    second[i] = index_of(pairs.second[i]);
  }

  const auto d = static_cast<size_t>(encoder.dimension());
  const auto total = static_cast<int64_t>(texts.size());
  std::vector<float> vectors(texts.size() * d);  // [distinct texts, D]
  const EncodeStatistics encoding = encoder.Encode(texts, prompt, vectors, [&](int64_t done) {
    if (progress) progress(done, total);
  });

  std::vector<double> similarities(first.size());
  const Vectors all{.values = vectors, .d = encoder.dimension()};
  for (size_t i = 0; i < similarities.size(); ++i) {
    similarities[i] = SimilarityOf(similarity, all.Row(static_cast<int64_t>(first[i])),
                                   all.Row(static_cast<int64_t>(second[i])));
  }
  StsResult result = ScoreSts(pairs.path, similarities, pairs.score);
  result.encoding = encoding;
  return result;
}

}  // namespace lacos
