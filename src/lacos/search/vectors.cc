// Vectors of texts, which every measure takes. They come from a model, or from a file that another
// system wrote.
#include "lacos/search/vectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/io/npy.h"
#include "lacos/tensor/convert.h"

namespace lacos {

double Dot(std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  for (size_t i = 0; i < a.size(); ++i) dot += static_cast<double>(a[i]) * b[i];
  return dot;
}

double CosineOfProducts(double dot, double squares_a, double squares_b) {
  const double squares = squares_a * squares_b;
  return squares == 0 ? 0.0 : std::clamp(dot / std::sqrt(squares), -1.0, 1.0);
}

double Cosine(std::span<const float> a, std::span<const float> b) {
  return CosineOfProducts(Dot(a, b), Dot(a, a), Dot(b, b));
}

double SimilarityOf(Similarity similarity, std::span<const float> a, std::span<const float> b) {
  return WithSimilarity(similarity, [&](auto kind) {
    constexpr Similarity kSimilarity = kind();
    if constexpr (kSimilarity == Similarity::kCosine) return Cosine(a, b);
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += SimilarityTerm<kSimilarity>(a[i], b[i]);
    return SimilarityOfSum<kSimilarity>(sum, 0, 0);
  });
}

std::vector<double> PairSimilarities(Similarity similarity, const Vectors& a, const Vectors& b) {
  LACOS_CHECK(a.d == b.d && a.n() == b.n(), "two [n, d] matrices");
  std::vector<double> similarities;
  for (int64_t i = 0; i < a.n(); ++i)
    similarities.push_back(SimilarityOf(similarity, a.Row(i), b.Row(i)));
  return similarities;
}

void RequireUsable(const Vectors& vectors, const std::string& where) {
  for (int64_t i = 0; i < vectors.n(); ++i) {
    bool any = false;
    for (const float value : vectors.Row(i)) {
      if (!std::isfinite(value)) {
        throw UserError(fmt::format(
            "[{}: row {}] found the value {}; expected finite numbers; check what made the file",
            where, i, value));
      }
      any = any || value != 0;
    }
    if (!any) {
      throw UserError(fmt::format(
          "[{}: row {}] found a vector of zeros, which has no direction; expected a vector for "
          "every text; check that row's text and what made the file",
          where, i));
    }
  }
}

NpyArray ReadRowArray(const std::string& path) {
  NpyArray array = ReadNpy(path);
  if (array.shape.size() != 2 || array.shape[1] < 1) {
    throw UserError(fmt::format(
        "[{}] found an array of {} dimensions; expected two: texts and the values of each; save "
        "one row a text",
        path, array.shape.size()));
  }
  return array;
}

VectorFile ReadVectors(const std::string& path, int64_t rows, const std::string& texts) {
  const NpyArray array = ReadRowArray(path);
  if (array.shape[0] != rows) {
    throw UserError(fmt::format(
        "[{}] has {} rows; expected {}, one for each text of {}, in its order; embed those texts "
        "again",
        path, array.shape[0], rows, texts));
  }
  VectorFile file{.values = {}, .d = array.shape[1]};
  file.values.resize(static_cast<size_t>(rows * file.d));
  if (!DecodeToFloat(array.dtype, array.data.data(), file.values.size(), file.values.data())) {
    throw UserError(fmt::format(
        "[{}] holds elements of type {}; expected float16, float32 or float64; convert the "
        "vectors to float32",
        path, Name(array.dtype)));
  }
  RequireUsable(file, path);
  return file;
}

}  // namespace lacos
