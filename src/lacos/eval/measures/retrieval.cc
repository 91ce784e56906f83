// Retrieval: how high a query's relevant documents stand among all documents, measured as trec_eval
// does.
#include "lacos/eval/measures/retrieval.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "lacos/base/check.h"

namespace lacos {
namespace {

double Discount(int64_t rank) { return 1 / std::log2(static_cast<double>(rank) + 1); }

// The list of all measures of a query, over which sums and means run.
constexpr double QueryScores::*kMeasures[] = {&QueryScores::ndcg10,   &QueryScores::mrr10,
                                              &QueryScores::map,      &QueryScores::recall1,
                                              &QueryScores::recall10, &QueryScores::recall100};

}  // namespace

QueryScores ScoreQuery(const std::vector<int64_t>& ranks, const std::vector<int64_t>& grades) {
  LACOS_CHECK(ranks.size() == grades.size() && !ranks.empty(),
              "a rank and a grade for each relevant document");
  constexpr int64_t kCut = 10;
  std::vector<std::pair<int64_t, int64_t>> found;  // rank, grade
  for (size_t i = 0; i < ranks.size(); ++i) found.emplace_back(ranks[i], grades[i]);
  std::sort(found.begin(), found.end());
  std::vector<int64_t> ideal = grades;
  std::sort(ideal.begin(), ideal.end(), std::greater<>());

  QueryScores scores;
  const auto relevant = static_cast<double>(found.size());
  double gain = 0, ideal_gain = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const auto [rank, grade] = found[i];
    const auto place = static_cast<int64_t>(i) + 1;
    if (rank <= kCut) gain += static_cast<double>(grade) * Discount(rank);
    if (place <= kCut) ideal_gain += static_cast<double>(ideal[i]) * Discount(place);
    if (rank != kNotRanked)
      scores.map += static_cast<double>(place) / static_cast<double>(rank) / relevant;
    scores.recall1 += rank <= 1 ? 1 / relevant : 0;
    scores.recall10 += rank <= 10 ? 1 / relevant : 0;
    scores.recall100 += rank <= 100 ? 1 / relevant : 0;
  }
  scores.ndcg10 = gain / ideal_gain;
  scores.mrr10 = found[0].first <= kCut ? 1 / static_cast<double>(found[0].first) : 0;
  return scores;
}

RetrievalResult EvaluateRetrieval(Backend& backend, const Vectors& queries,
                                  const Vectors& documents,
                                  const std::vector<std::vector<Judgement>>& judgements,
                                  const RetrievalOptions& options) {
  LACOS_CHECK(options.left_out.empty() || options.left_out.size() == judgements.size(),
              "a document or -1 for each query");
  std::vector<std::vector<int64_t>> relevant(judgements.size()), grades(judgements.size());
  for (size_t i = 0; i < judgements.size(); ++i) {
    for (const Judgement& judgement : judgements[i]) {
      if (judgement.grade <= 0) continue;
      relevant[i].push_back(judgement.document);
      grades[i].push_back(judgement.grade);
    }
  }
  // The rank of a document that is left out is needed too: further documents move up by one.
  std::vector<std::vector<int64_t>> targets = relevant;
  for (size_t i = 0; i < options.left_out.size(); ++i) {
    if (options.left_out[i] >= 0 && !relevant[i].empty()) targets[i].push_back(options.left_out[i]);
  }
  auto ranks = RanksOf(backend, queries, documents, targets,
                       {.similarity = options.similarity, .progress = options.progress});
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i].size() == relevant[i].size()) continue;
    const int64_t own = ranks[i].back();
    ranks[i].pop_back();
    for (int64_t& rank : ranks[i]) rank = rank == own ? kNotRanked : rank - (rank > own ? 1 : 0);
  }

  RetrievalResult result{.documents = documents.n()};
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i].empty()) {
      ++result.unjudged;
      continue;
    }
    result.each.push_back(ScoreQuery(ranks[i], grades[i]));
  }
  result.queries = static_cast<int64_t>(result.each.size());
  for (const auto measure : kMeasures) {
    for (const QueryScores& scores : result.each) {
      result.mean.*measure += scores.*measure / static_cast<double>(result.queries);
    }
  }
  return result;
}

}  // namespace lacos
