// Classification: how much of what a text is about can be read off its vector by a linear model.
#include "lacos/eval/measures/classification.h"

#include <linear.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/base/rng.h"

namespace lacos {
namespace {

constexpr double kBias = 1;  // the constant input that carries the intercept

// Appends a row in liblinear's form: (index from 1, value) for every value that is not zero, then
// the constant input, then an end mark.
void AppendNodes(std::span<const float> row, std::vector<feature_node>& nodes) {
  for (size_t j = 0; j < row.size(); ++j) {
    if (row[j] != 0) nodes.push_back({static_cast<int>(j) + 1, row[j]});
  }
  nodes.push_back({static_cast<int>(row.size()) + 1, kBias});
  nodes.push_back({-1, 0});
}

// Rows that are copied into a matrix of their own.
struct Selection {
  Selection(const LabelledVectors& from, const std::vector<int64_t>& which) {
    for (const int64_t i : which) {
      const auto row = from.rows.Row(i);
      values.insert(values.end(), row.begin(), row.end());
      selected.labels.push_back(from.labels[static_cast<size_t>(i)]);
    }
    selected.rows = {.values = values, .d = from.rows.d};
  }
  Selection(const Selection&) = delete;
  Selection& operator=(const Selection&) = delete;
  std::vector<float> values;
  LabelledVectors selected;
};

// The rows of each class, in random order.
std::map<int32_t, std::vector<int64_t>> ShuffledClasses(const std::vector<int32_t>& labels,
                                                        Random& random) {
  std::map<int32_t, std::vector<int64_t>> classes;
  for (const int64_t i : RandomPermutation(static_cast<int64_t>(labels.size()), random)) {
    classes[labels[static_cast<size_t>(i)]].push_back(i);
  }
  return classes;
}

}  // namespace

struct LogisticRegression::Model {
  model* linear = nullptr;
  ~Model() { free_and_destroy_model(&linear); }
};

LogisticRegression::LogisticRegression(const Vectors& rows, const std::vector<int32_t>& labels,
                                       const LogisticRegressionOptions& options)
    : model_(std::make_unique<Model>()) {
  LACOS_CHECK(static_cast<int64_t>(labels.size()) == rows.n() && rows.n() > 0,
              "a label for each row");
  if (std::set<int32_t>(labels.begin(), labels.end()).size() < 2) {
    throw UserError(
        "[classification] found texts of one class only; expected two or more; check the labels");
  }
  static std::once_flag quiet;
  std::call_once(quiet, [] { set_print_string_function([](const char*) {}); });

  std::vector<feature_node> nodes;
  std::vector<size_t> begins;
  for (int64_t i = 0; i < rows.n(); ++i) {
    begins.push_back(nodes.size());
    AppendNodes(rows.Row(i), nodes);
  }
  std::vector<feature_node*> starts;
  for (const size_t begin : begins) starts.push_back(nodes.data() + begin);
  std::vector<double> targets(labels.begin(), labels.end());

  const problem all{.l = static_cast<int>(labels.size()),
                    .n = static_cast<int>(rows.d) + 1,
                    .y = targets.data(),
                    .x = starts.data(),
                    .bias = kBias};
  parameter settings{};
  settings.solver_type = L2R_LR;
  settings.eps = options.tolerance;
  settings.C = options.c;
  const char* problem_found = check_parameter(&all, &settings);
  LACOS_CHECK(problem_found == nullptr, "liblinear accepts the settings");
  model_->linear = train(&all, &settings);
}

LogisticRegression::~LogisticRegression() = default;

std::vector<int32_t> LogisticRegression::Predict(const Vectors& rows) const {
  std::vector<int32_t> labels;
  std::vector<feature_node> nodes;
  for (int64_t i = 0; i < rows.n(); ++i) {
    nodes.clear();
    AppendNodes(rows.Row(i), nodes);
    labels.push_back(static_cast<int32_t>(predict(model_->linear, nodes.data())));
  }
  return labels;
}

ClassificationScores ScoreClasses(const std::vector<int32_t>& gold,
                                  const std::vector<int32_t>& predicted) {
  LACOS_CHECK(gold.size() == predicted.size() && !gold.empty(), "a prediction for each text");
  struct Counts {
    double gold = 0, predicted = 0, right = 0;
  };
  std::map<int32_t, Counts> classes;
  double right = 0;
  for (size_t i = 0; i < gold.size(); ++i) {
    ++classes[gold[i]].gold;
    ++classes[predicted[i]].predicted;
    if (gold[i] != predicted[i]) continue;
    ++classes[gold[i]].right;
    ++right;
  }
  ClassificationScores scores{.accuracy = right / static_cast<double>(gold.size())};
  for (const auto& [label, counts] : classes) {
    scores.macro_f1 +=
        2 * counts.right / (counts.gold + counts.predicted) / static_cast<double>(classes.size());
  }
  return scores;
}

ClassificationScores EvaluateClassification(const LabelledVectors& train,
                                            const LabelledVectors& test,
                                            const LogisticRegressionOptions& options) {
  return ScoreClasses(test.labels,
                      LogisticRegression(train.rows, train.labels, options).Predict(test.rows));
}

std::vector<ClassificationScores> EvaluateFewShot(const LabelledVectors& train,
                                                  const LabelledVectors& test, int64_t shots,
                                                  int64_t trials, uint64_t seed,
                                                  const LogisticRegressionOptions& options) {
  std::vector<ClassificationScores> scores;
  for (int64_t trial = 0; trial < trials; ++trial) {
    Random random(seed, RandomStream::kFolds, static_cast<uint64_t>(trial));
    std::vector<int64_t> which;
    for (const auto& [label, rows] : ShuffledClasses(train.labels, random)) {
      which.insert(which.end(), rows.begin(),
                   rows.begin() + std::min<int64_t>(shots, static_cast<int64_t>(rows.size())));
    }
    const Selection few(train, which);
    scores.push_back(EvaluateClassification(few.selected, test, options));
  }
  return scores;
}

std::vector<ClassificationScores> CrossValidate(const LabelledVectors& all, int64_t folds,
                                                uint64_t seed,
                                                const LogisticRegressionOptions& options) {
  LACOS_CHECK(folds > 1, "one part is for testing, others for training");
  Random random(seed, RandomStream::kFolds);
  std::vector<std::vector<int64_t>> parts(static_cast<size_t>(folds));
  size_t next = 0;
  for (const auto& [label, rows] : ShuffledClasses(all.labels, random)) {
    for (const int64_t row : rows) parts[next++ % parts.size()].push_back(row);
  }
  std::vector<ClassificationScores> scores;
  for (size_t fold = 0; fold < parts.size(); ++fold) {
    if (parts[fold].empty()) continue;
    std::vector<int64_t> rest;
    for (size_t other = 0; other < parts.size(); ++other) {
      if (other != fold) rest.insert(rest.end(), parts[other].begin(), parts[other].end());
    }
    const Selection train(all, rest), test(all, parts[fold]);
    scores.push_back(EvaluateClassification(train.selected, test.selected, options));
  }
  return scores;
}

}  // namespace lacos
