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

// The set of test data that a result belongs to.
struct TaskName {
  std::string task;    // sts, retrieval, bitext, clustering, classification, pair_classification
  std::string name;    // such as "STS12"; for a user's file, its path
  std::string subset;  // such as "MSRpar" or "en-ar"; may be empty
  std::string split;
  std::vector<std::string> languages;
  bool usual = true;  // whether the set is part of the usual averages

  std::string Label() const { return subset.empty() ? name : name + " " + subset; }
  // The subset and the split, without a split that goes without saying.
  std::string Part() const {
    const bool usual_split = split == "test" || split == "all" || split.empty();
    return usual_split ? subset : subset + (subset.empty() ? "" : " ") + split;
  }
  std::string Title() const { return Part().empty() ? name : name + " " + Part(); }
};

struct Measure {
  std::string name;  // "spearman", "ndcg_at_10", ...
  double value = 0;  // times 100; NaN if it is undefined
};

// How much of a set was also among the training texts (overlap.h). Counts of seen texts include
// those that were seen exactly.
struct Overlap {
  int64_t texts = 0, texts_seen = 0, texts_seen_exactly = 0;  // distinct texts
  // for sts, pair_classification and bitext; otherwise 0
  int64_t pairs = 0, pairs_seen = 0, pairs_seen_exactly = 0;
  // The number of pairs without any seen text, and the main measure over these. The measure is NaN
  // except for sts and pair_classification.
  int64_t unseen_pairs = 0;
  double unseen_score = 0;
};

struct TaskResult {
  TaskName set;
  int64_t n = 0;                  // pairs, queries or texts that were scored
  std::vector<Measure> measures;  // the main one first
  // The main measure, times 100, on resamples of the items (bootstrap.h), or with `trials` on
  // repeated trials with other seeds. It serves intervals, averages and comparisons.
  std::vector<double> resamples;
  bool trials = false;
  // What sts, pair_classification, retrieval and bitext compared vectors by; nothing for other tasks.
  std::optional<Similarity> similarity;
  // The number of queries of retrieval whose own document was left out of their ranking.
  int64_t identical_ids = 0;
  std::vector<std::string> notes;    // the task's notes and warnings
  bool keeps_identical_ids = false;  // retrieval that ranks these documents too
  // The values from which the measure was made, one element for each item. For sts and
  // pair_classification they are the similarity and the gold value. For other tasks `items` has the
  // item's share of the main measure (nDCG of a query, 1 for a right answer), and `gold` is empty.
  std::vector<double> items, gold;
  // for sts, pair_classification and bitext: rows of the text table
  std::vector<int64_t> first, second;
  int64_t truncated = 0, empty = 0;  // distinct texts that were truncated, and that have no tokens

  std::optional<Overlap> overlap;  // present if the training texts are known

  double main() const { return measures.at(0).value; }
};

// Fills `resamples` from the items; results of trials stay as they are. Sets are resampled
// independently of each other, and one set in the same way for every system.
void Resample(TaskResult& result, const BootstrapOptions& bootstrap);

struct Scoring {
  Backend& backend;
  Vectors vectors;     // one vector for each row of the text table
  uint64_t seed = 42;  // seed for clustering
  Similarity similarity = Similarity::kCosine;
  std::function<void(int64_t done, int64_t total)> progress;  // for long searches; may be empty
};

class EvaluationTask {
 public:
  explicit EvaluationTask(TaskName name) : name_(std::move(name)) {}
  virtual ~EvaluationTask() = default;
  const TaskName& name() const { return name_; }
  // Adds the task's texts. Called once, before Score.
  virtual void Collect(TextTable& texts) = 0;
  virtual TaskResult Score(const Scoring& scoring) const = 0;
  // Messages for the user about data that was read but is not scored.
  const std::vector<std::string>& notes() const { return notes_; }
  void AddNote(std::string note) { notes_.push_back(std::move(note)); }
  // Messages about data that is scored but probably not as the user wants it.
  const std::vector<std::string>& warnings() const { return warnings_; }
  void AddWarning(std::string warning) { warnings_.push_back(std::move(warning)); }
  // From now on, notes, warnings and the task itself call the file `path` by `name`.
  void RenameFile(const std::string& path, const std::string& name);
  // The rows of the table that the task uses, each once, in ascending order.
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
  std::vector<std::string> notes_, warnings_;
  std::set<int64_t> rows_;
};

// Measures: spearman and pearson of similarities with gold scores.
std::unique_ptr<EvaluationTask> MakeStsTask(TaskName name, ScoredPairs pairs);
// Measures: average_precision, best_f1, best_accuracy and their thresholds.
std::unique_ptr<EvaluationTask> MakePairClassificationTask(TaskName name, LabelledPairs pairs);
// Measures: ndcg_at_10, mrr_at_10, map, recall_at_1, recall_at_10 and recall_at_100. A document that
// has a query's id is left out of the query's ranking, as BEIR and MTEB do, unless
// `keep_identical_ids` is set.
std::unique_ptr<EvaluationTask> MakeRetrievalTask(TaskName name, RetrievalData data,
                                                  bool keep_identical_ids);
// Measures: accuracy (the mean of both directions, nearest by cosine), accuracy by margin, f1 as in
// MTEB, and the F1 of mining. Cosines are used whatever Scoring says, as in sentence-transformers'
// TranslationEvaluator: the margin is a ratio of cosines.
std::unique_ptr<EvaluationTask> MakeBitextTask(TaskName name, TextPairs pairs);
// Measures: v_measure, homogeneity and completeness, as means over ten seeds of k-means with as
// many clusters as there are classes.
std::unique_ptr<EvaluationTask> MakeClusteringTask(TaskName name, LabelledTexts texts);

struct ClassificationProtocol {
  int64_t shots = 0;    // training rows of each class in each trial; 0 for all rows and one trial
  int64_t trials = 10;  // number of trials if shots is not 0
  int64_t folds = 10;   // number of folds for a set without a test split
  uint64_t seed = 42;
};
// Measures: accuracy and macro_f1. If `test` is empty they are found by cross-validation. Throws
// UserError that counts the texts of each class if there are too few to train on two classes.
std::unique_ptr<EvaluationTask> MakeClassificationTask(TaskName name, LabelledTexts train,
                                                       LabelledTexts test,
                                                       const ClassificationProtocol& protocol);

}  // namespace lacos
