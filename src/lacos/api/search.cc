// Cosines and nearest neighbours of a caller's vectors.
#include "lacos/search.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacos.h"
#include "lacos/api/call.h"
#include "lacos/base/error.h"
#include "lacos/base/word_value.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/search/nearest.h"
#include "lacos/search/vectors.h"

namespace lacos::v0 {
namespace {

void RequireOneDimension(const Vectors& a, const Vectors& b) {
  if (a.dimension == b.dimension || a.size() == 0 || b.size() == 0) return;
  throw UserError(
      fmt::format("[vectors] found dimensions {} and {}; expected one; take vectors of one model",
                  a.dimension, b.dimension));
}

lacos::Vectors View(const Vectors& vectors) {
  return {.values = vectors.values, .d = static_cast<int64_t>(vectors.dimension)};
}

}  // namespace

std::vector<float> Cosines(const Vectors& a, const Vectors& b) {
  return Similarities(a, b, std::string(Name(Similarity::kCosine)));
}

std::vector<float> Similarities(const Vectors& a, const Vectors& b, const std::string& similarity) {
  return Call([&] {
    const Similarity kind = WordValue<Similarity>("similarity", similarity);
    RequireOneDimension(a, b);
    std::vector<float> values(a.size() * b.size());
    RequireOk(lacos_compare(kSimilarityNames[kind].c_value, a.values.data(), a.size(),
                            b.values.data(), b.size(), a.dimension, values.data(), values.size()));
    return values;
  });
}

std::vector<std::vector<Neighbor>> Nearest(const Vectors& queries, const Vectors& corpus,
                                           size_t k) {
  return Call([&] {
    RequireOneDimension(queries, corpus);
    std::vector<std::vector<Neighbor>> found(queries.size());
    k = std::min(k, corpus.size());
    if (k == 0 || found.empty()) return found;
    const std::unique_ptr<Backend> backend = MakeBackend({.compute = Compute::kF32});
    const auto nearest =
        NearestNeighbours(*backend, View(queries), View(corpus), static_cast<int64_t>(k));
    for (size_t i = 0; i < found.size(); ++i) {
      for (const Neighbour& hit : nearest[i])
        found[i].push_back({.index = static_cast<size_t>(hit.index), .cosine = hit.similarity});
    }
    return found;
  });
}

}  // namespace lacos::v0
