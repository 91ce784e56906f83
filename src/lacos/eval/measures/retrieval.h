// Retrieval: how high a query's relevant documents stand among all documents, measured as trec_eval
// does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/search/nearest.h"

namespace lacos {

// A document that somebody judged for a query.
struct Judgement {
  int64_t document = 0;  // row of the corpus
  int64_t grade = 1;     // above 0: relevant, and by how much
};

// Measures of one query, each from 0 to 1. Source: trec_eval 9's ndcg_cut, recip_rank, map and
// recall; gains are grades, discounts 1 / log2(rank + 1).
struct QueryScores {
  double ndcg10 = 0, mrr10 = 0, map = 0;
  double recall1 = 0, recall10 = 0, recall100 = 0;
};

struct RetrievalResult {
  int64_t queries = 0, documents = 0;  // queries with a relevant document, which alone are scored
  int64_t unjudged = 0;                // queries without one
  QueryScores mean;
  std::vector<QueryScores> each;  // of the scored queries, in order
};

// The measures of a query from the ranks, counted from 1, and grades of its relevant documents.
QueryScores ScoreQuery(const std::vector<int64_t>& ranks, const std::vector<int64_t>& grades);

// judgements[i] are those of query i. Every document stands in the ranking: it is exact and not cut
// off.
RetrievalResult EvaluateRetrieval(Backend& backend, const Vectors& queries,
                                  const Vectors& documents,
                                  const std::vector<std::vector<Judgement>>& judgements,
                                  const SearchProgress& progress = {});

}  // namespace lacos
