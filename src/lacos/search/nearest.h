// Exact search by similarity among any number of vectors, one block at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/search/block_search.h"
#include "lacos/search/vectors.h"

namespace lacos {

struct SearchOptions {
  Similarity similarity = Similarity::kCosine;
  SearchProgress progress = {};
};

// The k nearest rows of `corpus` [c, d] for every row of `queries` [q, d], nearest first; min(k, c)
// of them. The similarities equal those of SimilarityOf() to the last bit, and of equal ones the
// earlier row counts as nearer. Products of whole blocks in f32 only serve to exclude rows that
// cannot be among the nearest, by the bound on their rounding. With kManhattan they exclude few.
std::vector<std::vector<Neighbour>> NearestNeighbours(Backend& backend, const Vectors& queries,
                                                      const Vectors& corpus, int64_t k,
                                                      const SearchOptions& options = {});

// The rank, counted from 1, of each target of a query (a row of the corpus) among all rows of the
// corpus, in the same order of nearness. targets[i] are the targets of query i; the result has the
// same shape.
std::vector<std::vector<int64_t>> RanksOf(Backend& backend, const Vectors& queries,
                                          const Vectors& corpus,
                                          const std::vector<std::vector<int64_t>>& targets,
                                          const SearchOptions& options = {});

}  // namespace lacos
