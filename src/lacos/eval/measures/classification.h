// Classification: how much of what a text is about can be read off its vector by a linear model.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lacos/search/vectors.h"

namespace lacos {

// Logistic regression with an L2 penalty, one class against the rest, by liblinear's trust region
// method. It solves the same problem as sklearn's LogisticRegression(solver="liblinear"): the
// intercept is one more input, with a penalty. Source: Fan et al., "LIBLINEAR: a library for large
// linear classification" (JMLR 2008).
struct LogisticRegressionOptions {
  double c = 1;             // weight of the loss relative to the penalty
  double tolerance = 1e-4;  // sklearn's default
};
class LogisticRegression {
 public:
  // labels[i] in [0, classes) is the label of row i. Takes 16 bytes for each value of `rows` that
  // is not zero. Throws UserError if fewer than two classes occur.
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
  // Both from 0 to 1. F1 is averaged over the classes that occur or were predicted.
  double accuracy = 0, macro_f1 = 0;
};
ClassificationScores ScoreClasses(const std::vector<int32_t>& gold,
                                  const std::vector<int32_t>& predicted);

struct LabelledVectors {
  Vectors rows;
  std::vector<int32_t> labels;  // one for each row
};

// The scores on `test` of a model that is trained on all of `train`.
ClassificationScores EvaluateClassification(const LabelledVectors& train,
                                            const LabelledVectors& test,
                                            const LogisticRegressionOptions& options = {});

// The same for each of several trials. A trial is trained on `shots` rows of every class of `train`
// (or on all rows of a class that has fewer), which are drawn anew each time.
std::vector<ClassificationScores> EvaluateFewShot(const LabelledVectors& train,
                                                  const LabelledVectors& test, int64_t shots,
                                                  int64_t trials, uint64_t seed,
                                                  const LogisticRegressionOptions& options = {});

// For sets without a test split: the rows are divided into `folds` parts in which every class has
// its share, and each part is scored by a model trained on the others. Returns one result for each
// part.
std::vector<ClassificationScores> CrossValidate(const LabelledVectors& all, int64_t folds,
                                                uint64_t seed,
                                                const LogisticRegressionOptions& options = {});

}  // namespace lacos
