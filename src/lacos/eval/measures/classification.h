// Classification: how much of what a text is about can be read off its vector by a linear model.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lacos/search/vectors.h"

namespace lacos {

// Logistic regression with an L2 penalty, one class against the rest, by liblinear's trust region
// method (Fan et al., "LIBLINEAR: a library for large linear classification", JMLR 2008): the same
// problem as sklearn's LogisticRegression(solver="liblinear"), with the intercept as one more,
// penalised, input.
struct LogisticRegressionOptions {
  double c = 1;             // weight of the loss against the penalty
  double tolerance = 1e-4;  // sklearn's
};
class LogisticRegression {
 public:
  // labels[i] in [0, classes) is that of row i. Takes 16 bytes a value of `rows` that is not zero.
  // Throws UserError where fewer than two classes occur.
  LogisticRegression(const Vectors& rows, const std::vector<int32_t>& labels,
                     const LogisticRegressionOptions& options = {});
  ~LogisticRegression();
  LogisticRegression(const LogisticRegression&) = delete;
  LogisticRegression& operator=(const LogisticRegression&) = delete;

  std::vector<int32_t> Predict(const Vectors& rows) const;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

struct ClassificationScores {
  // 0 to 1; F1 averaged over the classes that occur or were predicted
  double accuracy = 0, macro_f1 = 0;
};
ClassificationScores ScoreClasses(const std::vector<int32_t>& gold,
                                  const std::vector<int32_t>& predicted);

struct LabelledVectors {
  Vectors rows;
  std::vector<int32_t> labels;  // one a row
};

// Trained on all of `train`, scored on `test`.
ClassificationScores EvaluateClassification(const LabelledVectors& train,
                                            const LabelledVectors& test,
                                            const LogisticRegressionOptions& options = {});

// The same for each of some trials with `shots` rows of every class of `train` (or all of a class
// that has fewer), drawn anew each time.
std::vector<ClassificationScores> EvaluateFewShot(const LabelledVectors& train,
                                                  const LabelledVectors& test, int64_t shots,
                                                  int64_t trials, uint64_t seed,
                                                  const LogisticRegressionOptions& options = {});

// For sets that come without a test split: each of `folds` parts, in which every class has its
// share, is scored by a model of the others. One result a fold.
std::vector<ClassificationScores> CrossValidate(const LabelledVectors& all, int64_t folds,
                                                uint64_t seed,
                                                const LogisticRegressionOptions& options = {});

}  // namespace lacos
