// Exact search by cosine among any number of vectors, a block at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/search/vectors.h"

namespace lacos {

struct Neighbour {
  int64_t index = 0;  // row of the corpus
  double cosine = 0;
};

// Told how many of all pairs' products are done, both counted in queries times rows of the corpus.
using SearchProgress = std::function<void(int64_t done, int64_t total)>;

// The k nearest rows of `corpus` [c, d] of every row of `queries` [q, d], nearest first; min(k, c)
// of them. Cosines are those of Cosine() to the last bit, and of equal ones the earlier row is
// nearer: products of whole blocks in f32 only tell which rows cannot be among the nearest, by the
// bound of their rounding.
std::vector<std::vector<Neighbour>> NearestNeighbours(Backend& backend, const Vectors& queries,
                                                      const Vectors& corpus, int64_t k,
                                                      const SearchProgress& progress = {});

// The place, counted from 1, of each of a query's targets (rows of the corpus) among all rows of
// the corpus, in the same order of nearness. targets[i] are those of query i; the result has the
// same shape.
std::vector<std::vector<int64_t>> RanksOf(Backend& backend, const Vectors& queries,
                                          const Vectors& corpus,
                                          const std::vector<std::vector<int64_t>>& targets,
                                          const SearchProgress& progress = {});

}  // namespace lacos
