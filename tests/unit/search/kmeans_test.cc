// k-means, communities and pairs against scikit-learn and sentence-transformers
// (tools/golden/make_groups_golden.py), and properties of k-means.
#include "lacos/search/kmeans.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/rng.h"
#include "lacos/io/json.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/search/communities.h"
#include "lacos/search/pairs.h"
#include "test_paths.h"

namespace lacos {
namespace {

Json GoldenGroups(const char* name) {
  return Json::ReadFile(LACOS_SOURCE_DIR "/tests/golden/search/groups.json").At(name);
}

struct Rows {
  explicit Rows(const Json& json) {
    json.ForEachElement([&](const Json& row) {
      d = static_cast<int64_t>(row.size());
      row.ForEachElement(
          [&](const Json& value) { values.push_back(static_cast<float>(value.AsDouble())); });
    });
  }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator Vectors() const { return {.values = values, .d = d}; }
  std::vector<float> values;
  int64_t d = 0;
};

template <class T>
std::vector<T> IntegersOf(const Json& json) {
  std::vector<T> list;
  json.ForEachElement([&](const Json& value) { list.push_back(static_cast<T>(value.AsInt())); });
  return list;
}

TEST(KMeans, GivesScikitLearnsClustersFromTheSameFirstCentres) {
  const Json golden = GoldenGroups("kmeans");
  const Rows rows(golden.At("rows"));
  const auto backend = MakeCpuBackend({});
  golden.At("cases").ForEachElement([&](const Json& one) {
    const Rows first(one.At("first")), centres(one.At("centres"));
    const KMeansResult found =
        KMeans(*backend, rows, {.clusters = Vectors(first).n(), .initial_centres = first.values});
    EXPECT_EQ(found.clusters, IntegersOf<int32_t>(one.At("labels")));
    EXPECT_EQ(found.iterations, one.At("iterations").AsInt());
    // Centres are kept in float32 here and in float64 there.
    EXPECT_NEAR(found.inertia, one.At("inertia").AsDouble(), 1e-6 * found.inertia);
    ASSERT_EQ(found.centres.size(), centres.values.size());
    for (size_t i = 0; i < found.centres.size(); ++i)
      EXPECT_NEAR(found.centres[i], centres.values[i], 1e-6);
  });
}

TEST(KMeans, DependsOnTheSeedAndNotOnThreads) {
  const Rows rows(GoldenGroups("kmeans").At("rows"));
  const auto backend = MakeCpuBackend({});
  std::set<std::vector<float>> different;
  for (const uint64_t seed : {1, 2, 3}) {
    SetThreadCount(1);
    const KMeansResult one = KMeans(*backend, rows, {.clusters = 12, .seed = seed});
    SetThreadCount(3);
    const KMeansResult three = KMeans(*backend, rows, {.clusters = 12, .seed = seed});
    EXPECT_EQ(one.clusters, three.clusters);
    EXPECT_EQ(one.centres, three.centres);
    EXPECT_EQ(one.inertia, three.inertia);
    different.insert(one.centres);
  }
  EXPECT_GT(different.size(), 1u);
}

TEST(KMeans, KeepsTheBestStart) {
  const Rows rows(GoldenGroups("kmeans").At("rows"));
  const auto backend = MakeCpuBackend({});
  const double one = KMeans(*backend, rows, {.clusters = 30}).inertia;
  const double many = KMeans(*backend, rows, {.clusters = 30, .starts = 20}).inertia;
  EXPECT_LT(many, one);
}

TEST(KMeans, EndsWithFewerDifferentRowsThanClusters) {
  const std::vector<float> values = {1, 2, 1, 2, 3, 4, 3, 4, 1, 2};
  const auto backend = MakeCpuBackend({});
  const KMeansResult found = KMeans(*backend, {.values = values, .d = 2}, {.clusters = 4});
  EXPECT_EQ(found.inertia, 0);
  EXPECT_EQ(found.clusters[0], found.clusters[1]);
  EXPECT_NE(found.clusters[0], found.clusters[2]);
  EXPECT_THROW(KMeans(*backend, {.values = values, .d = 2}, {.clusters = 6}), UserError);
}

TEST(Communities, AreThoseOfSentenceTransformers) {
  const Json golden = GoldenGroups("communities");
  const Rows rows(golden.At("rows"));
  const auto backend = MakeCpuBackend({});
  golden.At("cases").ForEachElement([&](const Json& one) {
    const std::vector<Community> found = FindCommunities(
        *backend, rows,
        {.threshold = one.At("threshold").AsDouble(), .min_size = one.At("min_size").AsInt()});
    const Json expected = one.At("communities");
    ASSERT_EQ(found.size(), expected.size()) << one.At("threshold").AsDouble();
    for (size_t c = 0; c < found.size(); ++c) EXPECT_EQ(found[c], IntegersOf<int64_t>(expected[c]));
  });
}

TEST(SimilarPairs, AreThoseOfSentenceTransformers) {
  const Json golden = GoldenGroups("pairs");
  const Rows rows(golden.At("rows"));
  const auto backend = MakeCpuBackend({});
  golden.At("cases").ForEachElement([&](const Json& one) {
    const SimilarPairs found = FindSimilarPairs(*backend, rows, {.top_k = one.At("top_k").AsInt()});
    const Json expected = one.At("pairs");
    ASSERT_EQ(found.pairs.size(), expected.size());
    for (size_t i = 0; i < found.pairs.size(); ++i) {
      EXPECT_EQ(found.pairs[i].first, expected[i][0].AsInt());
      EXPECT_EQ(found.pairs[i].second, expected[i][1].AsInt());
      EXPECT_NEAR(found.pairs[i].similarity, expected[i][2].AsDouble(), 1e-12);
    }
  });
}

}  // namespace
}  // namespace lacos
