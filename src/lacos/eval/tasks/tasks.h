// Tasks that vectors are measured on: each names its texts, then scores the vectors of all texts
// together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lacos/data/suite.h"
#include "lacos/eval/measures/bootstrap.h"
#include "lacos/eval/tasks/text_table.h"
#include "lacos/kernels/backend.h"

namespace lacos {

// Which set of test data a result is about.
struct TaskName {
  std::string task;    // sts, retrieval, bitext, clustering, classification, pair_classification
  std::string name;    // "STS12"; for a user's file its path
  std::string subset;  // "MSRpar", "en-ar"; may be empty
  std::string split;
  std::vector<std::string> languages;
  bool usual = true;  // false: not part of the usual averages

  std::string Label() const { return subset.empty() ? name : name + " " + subset; }
};

struct Measure {
  std::string name;  // "spearman", "ndcg_at_10", ...
  double value = 0;  // x 100; NaN where it does not exist
};

// How much of a set was trained on (overlap.h). Counts of what was seen include what was seen
// exactly.
struct Overlap {
  int64_t texts = 0, texts_seen = 0, texts_seen_exactly = 0;  // distinct texts
  // sts, pair_classification, bitext; else none
  int64_t pairs = 0, pairs_seen = 0, pairs_seen_exactly = 0;
  // The main measure over the pairs none of whose texts was seen: sts and pair_classification; else
  // NaN.
  int64_t unseen_pairs = 0;
  double unseen_score = 0;
};

struct TaskResult {
  TaskName set;
  int64_t n = 0;                  // pairs, queries or texts that were scored
  std::vector<Measure> measures;  // the main one first
  // The main measure, x 100, on resamples of the items (bootstrap.h), or on repeated trials with
  // other seeds where `trials` says so; for intervals, averages and comparisons.
  std::vector<double> resamples;
  bool trials = false;
  // What the measure was made from, an element an item: sts and pair_classification: cosine and
  // gold; else the item's share of the main measure (nDCG of a query, 1 for a right answer), and no
  // gold.
  std::vector<double> items, gold;
  std::vector<int64_t> first, second;  // sts, pair_classification, bitext: rows of the text table
  int64_t truncated = 0, empty = 0;    // of its distinct texts: lost their end; have no tokens

  std::optional<Overlap> overlap;  // where the training texts are known

  double main() const { return measures.at(0).value; }
};

// Fills `resamples` from the items; leaves trials as they are. Sets are resampled independently of
// each other, and one set in the same way for every system.
void Resample(TaskResult& result, const BootstrapOptions& bootstrap);

struct Scoring {
  Backend& backend;
  Vectors vectors;                                            // of the rows of the text table
  uint64_t seed = 42;                                         // of clusters
  std::function<void(int64_t done, int64_t total)> progress;  // of long searches; may be empty
};

class EvaluationTask {
 public:
  explicit EvaluationTask(TaskName name) : name_(std::move(name)) {}
  virtual ~EvaluationTask() = default;
  const TaskName& name() const { return name_; }
  // Adds the task's texts; called once, before Score.
  virtual void Collect(TextTable& texts) = 0;
  virtual TaskResult Score(const Scoring& scoring) const = 0;
  // What was read and is not scored, for the user.
  const std::vector<std::string>& notes() const { return notes_; }
  void AddNote(std::string note) { notes_.push_back(std::move(note)); }
  // Rows of the table that it uses, each once, in ascending order.
  const std::set<int64_t>& rows() const { return rows_; }

 protected:
  std::vector<int64_t> Use(TextTable& table, const std::vector<std::string>& texts,
                           TextRole role = TextRole::kPlain) {
    std::vector<int64_t> rows = table.AddAll(texts, role);
    rows_.insert(rows.begin(), rows.end());
    return rows;
  }

 private:
  TaskName name_;
  std::vector<std::string> notes_;
  std::set<int64_t> rows_;
};

// Measures: spearman, pearson of cosines with gold scores.
std::unique_ptr<EvaluationTask> MakeStsTask(TaskName name, ScoredPairs pairs);
// average_precision, best_f1, best_accuracy and their thresholds.
std::unique_ptr<EvaluationTask> MakePairClassificationTask(TaskName name, LabelledPairs pairs);
// ndcg_at_10, mrr_at_10, map, recall_at_1, _10, _100.
std::unique_ptr<EvaluationTask> MakeRetrievalTask(TaskName name, RetrievalData data);
// accuracy (mean of both directions, nearest by cosine), accuracy by margin, f1 as MTEB's, mining
// F1.
std::unique_ptr<EvaluationTask> MakeBitextTask(TaskName name, TextPairs pairs);
// v_measure, homogeneity and completeness: means over ten seeds of k-means with as many clusters as
// classes.
std::unique_ptr<EvaluationTask> MakeClusteringTask(TaskName name, LabelledTexts texts);

struct ClassificationProtocol {
  int64_t shots = 0;    // rows of each class to train on, in 10 trials; 0: all
  int64_t trials = 10;  // with shots
  int64_t folds = 10;   // where a set has no test split
  uint64_t seed = 42;
};
// accuracy, macro_f1. Without test texts (empty) by cross-validation. The classes of both must have
// the same ids.
std::unique_ptr<EvaluationTask> MakeClassificationTask(TaskName name, LabelledTexts train,
                                                       LabelledTexts test,
                                                       const ClassificationProtocol& protocol);

}  // namespace lacos
