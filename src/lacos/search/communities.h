// Communities: groups of rows that are all within a threshold of one of them.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/search/block_search.h"
#include "lacos/search/vectors.h"

namespace lacos {

struct CommunityOptions {
  Similarity similarity = Similarity::kCosine;
  double threshold = 0.75;  // the least similarity of a member to the centre
  int64_t min_size = 10;    // smaller groups are no communities
  SearchProgress progress = {};
};

// Rows within the threshold of the first of them, which is the centre; then the nearest to it first.
using Community = std::vector<int64_t>;

// The communities of `rows` [n, d], the largest first; no row is in two of them. This is the method
// of sentence-transformers' community_detection: every row with at least `min_size` rows within the
// threshold, itself among them, is a candidate. Candidates are taken by size (of equal ones the
// earlier row first), without rows that are taken already, if the candidate is not among these and
// enough are left. Members are decided on exact similarities. Memory is a few numbers for each row
// beside the rows, and at most n or some millions of neighbours at a time.
std::vector<Community> FindCommunities(Backend& backend, const Vectors& rows,
                                       const CommunityOptions& options);

}  // namespace lacos
