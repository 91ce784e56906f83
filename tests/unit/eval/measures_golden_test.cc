// Measures agree with the results of scipy, scikit-learn, trec_eval and sentence-transformers for
// the same vectors (tools/golden/make_eval_golden.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lacos/eval/measures/bitext.h"
#include "lacos/eval/measures/classification.h"
#include "lacos/eval/measures/clustering.h"
#include "lacos/eval/measures/pair_classification.h"
#include "lacos/eval/measures/retrieval.h"
#include "lacos/eval/measures/statistics.h"
#include "lacos/io/json.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/search/kmeans.h"
#include "test_paths.h"

namespace lacos {
namespace {

constexpr double kExact = 1e-12;  // covers some hundred roundings in double

Json Golden(const std::string& part) {
  return Json::ReadFile(std::string(LACOS_SOURCE_DIR) + "/tests/golden/eval/measures.json")
      .At(part);
}

std::vector<double> Doubles(const Json& list) {
  std::vector<double> values;
  for (size_t i = 0; i < list.size(); ++i) values.push_back(list[i].AsDouble());
  return values;
}
std::vector<int32_t> Integers(const Json& list) {
  std::vector<int32_t> values;
  for (size_t i = 0; i < list.size(); ++i) values.push_back(static_cast<int32_t>(list[i].AsInt()));
  return values;
}

struct Matrix {
  explicit Matrix(const Json& rows) : d(static_cast<int64_t>(rows[0].size())) {
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t j = 0; j < rows[i].size(); ++j)
        values.push_back(static_cast<float>(rows[i][j].AsDouble()));
    }
  }
  operator Vectors() const {
    return {.values = values, .d = d};
  }  // NOLINT: a matrix is used as its rows
  std::vector<float> values;
  int64_t d;
};

TEST(Correlations, AreThoseOfScipy) {
  const Json golden = Golden("correlation");
  const auto x = Doubles(golden.At("x")), y = Doubles(golden.At("y"));
  EXPECT_NEAR(Pearson(x, y), golden.At("pearson").AsDouble(), kExact);
  EXPECT_NEAR(Spearman(x, y), golden.At("spearman").AsDouble(), kExact);
}

TEST(Retrieval, IsMeasuredAsTrecEvalDoes) {
  const Json golden = Golden("retrieval");
  std::vector<std::vector<Judgement>> judgements;
  for (size_t q = 0; q < golden.At("judgements").size(); ++q) {
    judgements.emplace_back();
    const Json list = golden.At("judgements")[q];
    for (size_t i = 0; i < list.size(); ++i)
      judgements.back().push_back({list[i][0].AsInt(), list[i][1].AsInt()});
  }
  const auto backend = MakeCpuBackend({});
  const RetrievalResult result = EvaluateRetrieval(*backend, Matrix(golden.At("queries")),
                                                   Matrix(golden.At("documents")), judgements);
  size_t at = 0;
  int64_t unjudged = 0;
  for (size_t q = 0; q < judgements.size(); ++q) {
    const Json expected = golden.At("each")[q];
    if (expected.IsNull()) {
      ++unjudged;
      continue;
    }
    const QueryScores& scores = result.each.at(at++);
    EXPECT_NEAR(scores.ndcg10, expected.At("ndcg10").AsDouble(), kExact) << q;
    EXPECT_NEAR(scores.mrr10, expected.At("mrr10").AsDouble(), kExact) << q;
    EXPECT_NEAR(scores.map, expected.At("map").AsDouble(), kExact) << q;
    EXPECT_NEAR(scores.recall1, expected.At("recall1").AsDouble(), kExact) << q;
    EXPECT_NEAR(scores.recall10, expected.At("recall10").AsDouble(), kExact) << q;
    EXPECT_NEAR(scores.recall100, expected.At("recall100").AsDouble(), kExact) << q;
  }
  EXPECT_EQ(at, result.each.size());
  EXPECT_EQ(result.unjudged, unjudged);
  EXPECT_GT(unjudged, 0) << "the golden has a query without a relevant document";
}

TEST(Retrieval, LeavesADocumentWithTheQuerysIdOutAsBeirDoes) {
  const Json golden = Golden("identical_ids");
  std::vector<std::vector<Judgement>> judgements;
  RetrievalOptions options;
  for (size_t q = 0; q < golden.At("judgements").size(); ++q) {
    judgements.emplace_back();
    const Json list = golden.At("judgements")[q];
    for (size_t i = 0; i < list.size(); ++i)
      judgements.back().push_back({list[i][0].AsInt(), list[i][1].AsInt()});
    options.left_out.push_back(golden.At("own")[q].AsInt());
  }
  const auto backend = MakeCpuBackend({});
  const Matrix queries(golden.At("queries")), documents(golden.At("documents"));
  const RetrievalResult result =
      EvaluateRetrieval(*backend, queries, documents, judgements, options);
  ASSERT_EQ(result.each.size(), judgements.size());
  for (size_t q = 0; q < judgements.size(); ++q) {
    const Json expected = golden.At("each")[q];
    EXPECT_NEAR(result.each[q].ndcg10, expected.At("ndcg10").AsDouble(), kExact) << q;
    EXPECT_NEAR(result.each[q].mrr10, expected.At("mrr10").AsDouble(), kExact) << q;
    EXPECT_NEAR(result.each[q].map, expected.At("map").AsDouble(), kExact) << q;
    EXPECT_NEAR(result.each[q].recall1, expected.At("recall1").AsDouble(), kExact) << q;
    EXPECT_NEAR(result.each[q].recall10, expected.At("recall10").AsDouble(), kExact) << q;
    EXPECT_NEAR(result.each[q].recall100, expected.At("recall100").AsDouble(), kExact) << q;
  }
  // Without the rule, a query's own document stands before the others, or is found.
  const RetrievalResult kept = EvaluateRetrieval(*backend, queries, documents, judgements);
  EXPECT_GT(result.each[1].ndcg10, kept.each[1].ndcg10);
  EXPECT_LT(result.each[0].ndcg10, kept.each[0].ndcg10);
}

TEST(Similarities, AreThoseOfSentenceTransformersAndItsEvaluators) {
  constexpr double kFloat = 4e-6;  // the package computes 7 products in f32
  const Json golden = Golden("similarities");
  const Matrix queries(golden.At("queries")), documents(golden.At("documents"));
  std::vector<std::vector<Judgement>> judgements;
  for (size_t q = 0; q < golden.At("relevant").size(); ++q) {
    judgements.emplace_back();
    for (size_t i = 0; i < golden.At("relevant")[q].size(); ++i)
      judgements.back().push_back({golden.At("relevant")[q][i].AsInt(), 1});
  }
  const auto backend = MakeCpuBackend({});
  for (const SimilarityNames& names : kSimilarityNames) {
    const Json expected = golden.At("by").At(std::string(names.word));
    const std::vector<double> pairs =
        PairSimilarities(names.value, queries, Vectors(documents).Rows(0, Vectors(queries).n()));
    ASSERT_EQ(pairs.size(), expected.At("pairs").size());
    for (size_t i = 0; i < pairs.size(); ++i)
      EXPECT_NEAR(pairs[i], expected.At("pairs")[i].AsDouble(), kFloat) << names.word << " " << i;
    EXPECT_NEAR(Spearman(pairs, Doubles(golden.At("gold"))), expected.At("spearman").AsDouble(),
                kExact);
    const RetrievalResult found =
        EvaluateRetrieval(*backend, queries, documents, judgements, {.similarity = names.value});
    EXPECT_NEAR(found.mean.ndcg10, expected.At("ndcg10").AsDouble(), kExact) << names.word;
    EXPECT_NEAR(found.mean.mrr10, expected.At("mrr10").AsDouble(), kExact) << names.word;
    EXPECT_NEAR(found.mean.map, expected.At("map").AsDouble(), kExact) << names.word;
    EXPECT_NEAR(found.mean.recall10, expected.At("recall10").AsDouble(), kExact) << names.word;
  }
}

TEST(Bitext, AccuracyAndF1AreThoseOfTheirDefinitions) {
  const Json golden = Golden("bitext");
  const auto backend = MakeCpuBackend({});
  const BitextResult result =
      EvaluateBitext(*backend, Matrix(golden.At("first")), Matrix(golden.At("second")));
  EXPECT_NEAR(result.cosine.forward, golden.At("cosine")[0].AsDouble(), kExact);
  EXPECT_NEAR(result.cosine.backward, golden.At("cosine")[1].AsDouble(), kExact);
  EXPECT_NEAR(result.margin.forward, golden.At("margin")[0].AsDouble(), kExact);
  EXPECT_NEAR(result.margin.backward, golden.At("margin")[1].AsDouble(), kExact);
  EXPECT_NEAR(result.f1_cosine, golden.At("f1_cosine").AsDouble(), kExact);
}

TEST(Clusters, AreScoredAsSklearnDoes) {
  const Json golden = Golden("clustering");
  const ClusterScores scores =
      ScoreClusters(Integers(golden.At("classes")), Integers(golden.At("clusters")));
  EXPECT_NEAR(scores.homogeneity, golden.At("homogeneity").AsDouble(), kExact);
  EXPECT_NEAR(scores.completeness, golden.At("completeness").AsDouble(), kExact);
  EXPECT_NEAR(scores.v_measure, golden.At("v_measure").AsDouble(), kExact);
}

// The random generator draws different batches, so single runs differ, but their median differs
// only a little.
TEST(MiniBatchKMeans, FindsClustersAsTightAsSklearns) {
  const Json golden = Golden("clustering");
  const Matrix rows(golden.At("rows"));
  std::vector<double> inertias;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const KMeansResult result =
        MiniBatchKMeans(rows, {.clusters = 6, .batch_size = 100, .seed = seed});
    EXPECT_EQ(result.clusters.size(), 400u);
    inertias.push_back(result.inertia);
  }
  std::sort(inertias.begin(), inertias.end());
  // inertia of full k-means, the best of 30 starts
  const double best = golden.At("inertia").AsDouble();
  const std::vector<double> theirs = Doubles(golden.At("mini_batch_inertia"));
  EXPECT_GT(inertias[0], 0.999 * best);
  EXPECT_LT(inertias[0], 1.05 * best);
  EXPECT_LT(inertias[10], 1.1 * theirs[10]);
}

TEST(LogisticRegression, PredictsWhatSklearnsDoes) {
  for (const char* name : {"binary", "five"}) {
    const Json golden = Golden("classification").At(name);
    const Matrix rows(golden.At("rows"));
    const std::vector<int32_t> labels = Integers(golden.At("labels"));
    const int64_t n = golden.At("train").AsInt();
    const LabelledVectors train{.rows = Vectors(rows).Rows(0, n),
                                .labels = {labels.begin(), labels.begin() + n}};
    const LabelledVectors test{.rows = Vectors(rows).Rows(n, Vectors(rows).n()),
                               .labels = {labels.begin() + n, labels.end()}};
    const LogisticRegression model(train.rows, train.labels);
    EXPECT_EQ(model.Predict(test.rows), Integers(golden.At("predicted"))) << name;
    const ClassificationScores scores = EvaluateClassification(train, test);
    EXPECT_NEAR(scores.accuracy, golden.At("accuracy").AsDouble(), kExact);
    EXPECT_NEAR(scores.macro_f1, golden.At("macro_f1").AsDouble(), kExact);
  }
}

TEST(Pairs, AreToldApartAsSklearnAndSentenceTransformersMeasure) {
  const Json golden = Golden("pairs");
  const std::vector<int32_t> same = Integers(golden.At("same"));
  const PairClassificationResult tied = EvaluatePairs(Doubles(golden.At("similarity")), same);
  EXPECT_NEAR(tied.average_precision, golden.At("average_precision").AsDouble(), kExact);
  const PairClassificationResult distinct = EvaluatePairs(Doubles(golden.At("distinct")), same);
  EXPECT_NEAR(distinct.best_f1, golden.At("best_f1").AsDouble(), kExact);
  EXPECT_NEAR(distinct.best_accuracy, golden.At("best_accuracy").AsDouble(), kExact);
}

// Half of the pairs are two equal vectors with all kinds of labels and scores, so their cosines
// tie (tools/golden/make_tie_golden.py).
TEST(EqualPairs, TieInAveragePrecisionAndSpearmanAsInSklearnAndScipy) {
  const Json golden =
      Json::ReadFile(std::string(LACOS_SOURCE_DIR) + "/tests/golden/eval/ties.json");
  Matrix first(golden.At("first")), second(golden.At("second"));
  for (Matrix* side : {&first, &second}) {
    for (float& value : side->values) value /= 1000;
  }
  const std::vector<double> cosines = PairSimilarities(Similarity::kCosine, first, second);
  EXPECT_EQ(std::count(cosines.begin(), cosines.end(), 1.0), golden.At("equal").AsInt());
  EXPECT_NEAR(EvaluatePairs(cosines, Integers(golden.At("same"))).average_precision,
              golden.At("average_precision").AsDouble(), kExact);
  EXPECT_NEAR(Spearman(cosines, Doubles(golden.At("gold"))), golden.At("spearman").AsDouble(),
              kExact);
}

}  // namespace
}  // namespace lacos
