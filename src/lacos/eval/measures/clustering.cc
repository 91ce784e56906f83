// Clustering: whether groups found in the vectors are the classes that people gave the texts.
#include "lacos/eval/measures/clustering.h"

#include <cmath>
#include <map>
#include <utility>

#include "lacos/base/check.h"

namespace lacos {
namespace {

double Entropy(const std::map<int32_t, double>& counts, double n) {
  double entropy = 0;
  for (const auto& [label, count] : counts) entropy -= count / n * std::log(count / n);
  return entropy;
}

}  // namespace

ClusterScores ScoreClusters(const std::vector<int32_t>& classes,
                            const std::vector<int32_t>& clusters) {
  LACOS_CHECK(classes.size() == clusters.size() && !classes.empty(), "a cluster for each class");
  const auto n = static_cast<double>(classes.size());
  std::map<int32_t, double> of_class, of_cluster;
  std::map<std::pair<int32_t, int32_t>, double> of_both;
  for (size_t i = 0; i < classes.size(); ++i) {
    ++of_class[classes[i]];
    ++of_cluster[clusters[i]];
    ++of_both[{classes[i], clusters[i]}];
  }
  double shared = 0;  // mutual information
  for (const auto& [both, count] : of_both) {
    shared += count / n * std::log(n * count / (of_class[both.first] * of_cluster[both.second]));
  }
  const double class_entropy = Entropy(of_class, n), cluster_entropy = Entropy(of_cluster, n);
  ClusterScores scores;
  scores.homogeneity = class_entropy == 0 ? 1 : shared / class_entropy;
  scores.completeness = cluster_entropy == 0 ? 1 : shared / cluster_entropy;
  const double sum = scores.homogeneity + scores.completeness;
  scores.v_measure = sum == 0 ? 0 : 2 * scores.homogeneity * scores.completeness / sum;
  return scores;
}

}  // namespace lacos
