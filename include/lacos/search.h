// Vectors, their cosines and their nearest neighbours.
#ifndef LACOS_CPP_SEARCH_H_
#define LACOS_CPP_SEARCH_H_

#include <lacos/version.h>

#include <cstddef>
#include <string>
#include <vector>

LACOS_BEGIN_NAMESPACE

// N vectors of D values, row by row.
struct Vectors {
  std::vector<float> values;  // [N, D]
  std::size_t dimension = 0;  // D

  std::size_t size() const { return dimension > 0 ? values.size() / dimension : 0; }  // N
  // The D values of vector i.
  const float* operator[](std::size_t i) const { return values.data() + i * dimension; }
};

// The cosines of all pairs, [a.size(), b.size()]: element i * b.size() + j is the cosine of a[i] and
// b[j], from -1 to 1, summed in double. It is 0 if one of the vectors is zero. Throws Error if the
// dimensions differ.
LACOS_API std::vector<float> Cosines(const Vectors& a, const Vectors& b);

// The same by another similarity: dot, euclidean or manhattan (or cosine). Distances are negative,
// so that larger values always mean more alike. Throws Error for another word too.
LACOS_API std::vector<float> Similarities(const Vectors& a, const Vectors& b,
                                          const std::string& similarity);

struct Neighbor {
  std::size_t index = 0;  // row of the corpus
  double cosine = 0;
};

// For each query, the min(k, corpus.size()) nearest rows of the corpus, nearest first. The search
// is exact: cosines are computed in double, and of equal ones the earlier row counts as nearer.
// Throws Error if the dimensions differ.
LACOS_API std::vector<std::vector<Neighbor>> Nearest(const Vectors& queries, const Vectors& corpus,
                                                     std::size_t k);

LACOS_END_NAMESPACE

#endif  // LACOS_CPP_SEARCH_H_
