// Retrieval: how high a query's relevant documents stand among all documents, measured as trec_eval
// does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/search/nearest.h"

namespace lacos {

// A judgement of a document for a query.
struct Judgement {
  int64_t document = 0;  // row of the corpus
  int64_t grade = 1;     // how relevant the document is; 0 or less means not relevant
};

// The measures of one query, each from 0 to 1. They are ndcg_cut, recip_rank, map and recall of
// trec_eval 9; gains are grades, and discounts are 1 / log2(rank + 1).
struct QueryScores {
  double ndcg10 = 0, mrr10 = 0, map = 0;
  double recall1 = 0, recall10 = 0, recall100 = 0;
};

struct RetrievalOptions {
  // For each query, the row of a document that is left out of its ranking, or -1; may be empty. If
  // it is relevant, it counts as not found. BEIR leaves out the document with the query's own id.
  std::vector<int64_t> left_out = {};
  Similarity similarity = Similarity::kCosine;
  SearchProgress progress = {};
};

struct RetrievalResult {
  int64_t queries = 0, documents = 0;  // queries with a relevant document; only these are scored
  int64_t unjudged = 0;                // queries without a relevant document
  QueryScores mean;
  std::vector<QueryScores> each;  // the scores of each scored query, in order
};

// The rank of a document that is not in the ranking.
inline constexpr int64_t kNotRanked = INT64_MAX;

// The measures of a query, given the ranks (counted from 1) and grades of its relevant documents.
QueryScores ScoreQuery(const std::vector<int64_t>& ranks, const std::vector<int64_t>& grades);

// judgements[i] are the judgements for query i. The ranking is exact and contains every document
// that is not left out.
RetrievalResult EvaluateRetrieval(Backend& backend, const Vectors& queries,
                                  const Vectors& documents,
                                  const std::vector<std::vector<Judgement>>& judgements,
                                  const RetrievalOptions& options = {});

}  // namespace lacos
