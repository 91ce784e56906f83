// Tasks that vectors are measured on: each names its texts, then scores the vectors of all texts
// together.
#include "lacos/eval/tasks/tasks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/rng.h"
#include "lacos/data/cells.h"
#include "lacos/eval/measures/bitext.h"
#include "lacos/eval/measures/classification.h"
#include "lacos/eval/measures/clustering.h"
#include "lacos/eval/measures/pair_classification.h"
#include "lacos/eval/measures/retrieval.h"
#include "lacos/eval/measures/statistics.h"
#include "lacos/search/kmeans.h"

namespace lacos {
namespace {

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The result of trials with different seeds: the means of each measure, and the main measure of
// every trial.
template <class T>
void AverageTrials(const std::vector<T>& trials,
                   std::vector<std::pair<const char*, double T::*>> measures, TaskResult& result) {
  for (const auto& [name, member] : measures) {
    std::vector<double> values;
    for (const T& trial : trials) values.push_back(100 * (trial.*member));
    result.measures.push_back({name, Mean(values)});
    if (result.measures.size() == 1) result.resamples = values;
  }
  result.trials = true;
}

// Tasks that compare the similarities of given pairs with people's judgements of them.
class PairTask : public EvaluationTask {
 public:
  PairTask(TaskName name, std::vector<std::string> first, std::vector<std::string> second)
      : EvaluationTask(std::move(name)),
        first_texts_(std::move(first)),
        second_texts_(std::move(second)) {}
  void Collect(TextTable& texts) override {
    first_ = Use(texts, first_texts_);
    second_ = Use(texts, second_texts_);
  }

 protected:
  // A result that has the pairs and their similarities, and no gold values or measures yet.
  TaskResult SimilaritiesOfPairs(const Scoring& scoring) const {
    TaskResult result{.set = name(),
                      .n = static_cast<int64_t>(first_.size()),
                      .similarity = scoring.similarity,
                      .first = first_,
                      .second = second_};
    for (size_t i = 0; i < first_.size(); ++i) {
      result.items.push_back(SimilarityOf(scoring.similarity, scoring.vectors.Row(first_[i]),
                                          scoring.vectors.Row(second_[i])));
    }
    return result;
  }

 private:
  std::vector<std::string> first_texts_, second_texts_;
  std::vector<int64_t> first_, second_;
};

class StsTask final : public PairTask {
 public:
  StsTask(TaskName name, ScoredPairs pairs)
      : PairTask(std::move(name), std::move(pairs.first), std::move(pairs.second)),
        gold_(std::move(pairs.score)) {}
  TaskResult Score(const Scoring& scoring) const override {
    TaskResult result = SimilaritiesOfPairs(scoring);
    result.gold = gold_;
    result.measures = {{"spearman", 100 * Spearman(result.items, result.gold)},
                       {"pearson", 100 * Pearson(result.items, result.gold)}};
    return result;
  }

 private:
  std::vector<double> gold_;
};

class PairClassificationTask final : public PairTask {
 public:
  PairClassificationTask(TaskName name, LabelledPairs pairs)
      : PairTask(std::move(name), std::move(pairs.first), std::move(pairs.second)),
        same_(std::move(pairs.label)) {}
  TaskResult Score(const Scoring& scoring) const override {
    TaskResult result = SimilaritiesOfPairs(scoring);
    result.gold.assign(same_.begin(), same_.end());
    const PairClassificationResult scores = EvaluatePairs(result.items, same_);
    result.measures = {{"average_precision", 100 * scores.average_precision},
                       {"best_f1", 100 * scores.best_f1},
                       {"best_accuracy", 100 * scores.best_accuracy},
                       {"precision", 100 * scores.precision},
                       {"recall", 100 * scores.recall}};
    return result;
  }

 private:
  std::vector<int32_t> same_;
};

class RetrievalTask final : public EvaluationTask {
 public:
  RetrievalTask(TaskName name, RetrievalData data, bool keep_identical_ids)
      : EvaluationTask(std::move(name)),
        data_(std::move(data)),
        keep_identical_ids_(keep_identical_ids) {
    if (!keep_identical_ids) FindIdenticalIds();
  }
  void Collect(TextTable& texts) override {
    queries_ = Use(texts, data_.queries.texts, TextRole::kQuery);
    documents_ = Use(texts, data_.documents.texts, TextRole::kDocument);
  }
  TaskResult Score(const Scoring& scoring) const override {
    std::vector<std::vector<Judgement>> judgements(queries_.size());
    for (const Relevance& relevance : data_.relevant) {
      judgements[static_cast<size_t>(relevance.query)].push_back(
          {.document = relevance.document, .grade = static_cast<int64_t>(relevance.score)});
    }
    const std::vector<float> queries = GatherVectors(scoring.vectors, queries_);
    const std::vector<float> documents = GatherVectors(scoring.vectors, documents_);
    const RetrievalResult found = EvaluateRetrieval(
        scoring.backend, {.values = queries, .d = scoring.vectors.d},
        {.values = documents, .d = scoring.vectors.d}, judgements,
        {.left_out = left_out_, .similarity = scoring.similarity, .progress = scoring.progress});
    TaskResult result{.set = name(),
                      .n = found.queries,
                      .similarity = scoring.similarity,
                      .identical_ids = identical_ids_,
                      .keeps_identical_ids = keep_identical_ids_};
    const QueryScores& mean = found.mean;
    result.measures = {{"ndcg_at_10", 100 * mean.ndcg10},
                       {"mrr_at_10", 100 * mean.mrr10},
                       {"map", 100 * mean.map},
                       {"recall_at_1", 100 * mean.recall1},
                       {"recall_at_10", 100 * mean.recall10},
                       {"recall_at_100", 100 * mean.recall100}};
    for (const QueryScores& scores : found.each) result.items.push_back(scores.ndcg10);
    return result;
  }

 private:
  void FindIdenticalIds() {
    std::unordered_map<std::string_view, int64_t> rows;  // of documents, by id
    for (size_t i = 0; i < data_.documents.ids.size(); ++i)
      rows.emplace(data_.documents.ids[i], static_cast<int64_t>(i));
    left_out_.assign(data_.queries.ids.size(), -1);
    for (size_t i = 0; i < left_out_.size(); ++i) {
      const auto found = rows.find(data_.queries.ids[i]);
      if (found == rows.end()) continue;
      left_out_[i] = found->second;
      ++identical_ids_;
    }
    if (identical_ids_ == 0) return;
    const int64_t relevant = std::ranges::count_if(data_.relevant, [&](const Relevance& judgement) {
      return judgement.score > 0 &&
             left_out_[static_cast<size_t>(judgement.query)] == judgement.document;
    });
    AddNote(fmt::format(
        "[{}] {} of {} queries have the id of a document, which is left out of their ranking, as BEIR "
        "and MTEB do; `keep_identical_ids` ranks it too",
        name().Label(), identical_ids_, left_out_.size()));
    if (relevant == 0) return;
    AddWarning(fmt::format(
        "[{}] {} documents that are relevant for a query have its id and so count as not found; if "
        "queries and documents are numbered independently of each other, pass `keep_identical_ids`",
        name().Label(), relevant));
  }

  RetrievalData data_;
  bool keep_identical_ids_;
  std::vector<int64_t> queries_, documents_;
  // For each query, the document with the same id, or -1; empty if these are kept.
  std::vector<int64_t> left_out_;
  int64_t identical_ids_ = 0;
};

class BitextTask final : public EvaluationTask {
 public:
  BitextTask(TaskName name, TextPairs pairs)
      : EvaluationTask(std::move(name)), pairs_(std::move(pairs)) {}
  void Collect(TextTable& texts) override {
    first_ = Use(texts, pairs_.first);
    second_ = Use(texts, pairs_.second);
  }
  TaskResult Score(const Scoring& scoring) const override {
    const std::vector<float> first = GatherVectors(scoring.vectors, first_);
    const std::vector<float> second = GatherVectors(scoring.vectors, second_);
    const int64_t d = scoring.vectors.d;
    BitextResult found = EvaluateBitext(scoring.backend, {.values = first, .d = d},
                                        {.values = second, .d = d}, {}, scoring.progress);
    TaskResult result{.set = name(), .n = found.n, .similarity = Similarity::kCosine};
    result.measures = {{"accuracy", 100 * found.cosine.Mean()},
                       {"accuracy_forward", 100 * found.cosine.forward},
                       {"accuracy_backward", 100 * found.cosine.backward},
                       {"accuracy_margin", 100 * found.margin.Mean()},
                       {"f1", 100 * found.f1_cosine},
                       {"mining_f1", 100 * found.mining_f1}};
    result.items = std::move(found.right);
    result.first = first_;
    result.second = second_;
    return result;
  }

 private:
  TextPairs pairs_;
  std::vector<int64_t> first_, second_;
};

class ClusteringTask final : public EvaluationTask {
 public:
  ClusteringTask(TaskName name, LabelledTexts texts)
      : EvaluationTask(std::move(name)), texts_(std::move(texts)) {}
  void Collect(TextTable& texts) override { rows_ = Use(texts, texts_.texts); }
  TaskResult Score(const Scoring& scoring) const override {
    constexpr uint64_t kTrials = 10;
    const std::vector<float> values = GatherVectors(scoring.vectors, rows_);
    std::vector<int32_t> classes = texts_.label;
    std::sort(classes.begin(), classes.end());
    const auto clusters = std::unique(classes.begin(), classes.end()) - classes.begin();
    std::vector<ClusterScores> trials;
    for (uint64_t trial = 0; trial < kTrials; ++trial) {
      const KMeansResult found =
          MiniBatchKMeans({.values = values, .d = scoring.vectors.d},
                          {.clusters = clusters, .seed = Mix64(scoring.seed, trial)});
      trials.push_back(ScoreClusters(texts_.label, found.clusters));
    }
    TaskResult result{.set = name(), .n = static_cast<int64_t>(rows_.size())};
    AverageTrials(trials,
                  {{"v_measure", &ClusterScores::v_measure},
                   {"homogeneity", &ClusterScores::homogeneity},
                   {"completeness", &ClusterScores::completeness}},
                  result);
    return result;
  }

 private:
  LabelledTexts texts_;
  std::vector<int64_t> rows_;
};

class ClassificationTask final : public EvaluationTask {
 public:
  ClassificationTask(TaskName name, LabelledTexts train, LabelledTexts test,
                     const ClassificationProtocol& protocol)
      : EvaluationTask(std::move(name)),
        train_(std::move(train)),
        test_(std::move(test)),
        protocol_(protocol) {
    for (int32_t& label : test_.label) {
      const std::string& class_name = test_.labels.at(static_cast<size_t>(label));
      const auto place = std::ranges::find(train_.labels, class_name);
      label = static_cast<int32_t>(place - train_.labels.begin());
      if (place == train_.labels.end()) train_.labels.push_back(class_name);
    }
    CheckClasses();
  }
  void Collect(TextTable& texts) override {
    train_rows_ = Use(texts, train_.texts);
    test_rows_ = Use(texts, test_.texts);
  }
  TaskResult Score(const Scoring& scoring) const override {
    const int64_t d = scoring.vectors.d;
    const std::vector<float> train_values = GatherVectors(scoring.vectors, train_rows_);
    const std::vector<float> test_values = GatherVectors(scoring.vectors, test_rows_);
    const LabelledVectors train{.rows = {.values = train_values, .d = d}, .labels = train_.label};
    const LabelledVectors test{.rows = {.values = test_values, .d = d}, .labels = test_.label};
    TaskResult result{.set = name()};
    const std::vector<std::pair<const char*, double ClassificationScores::*>> measures = {
        {"accuracy", &ClassificationScores::accuracy},
        {"macro_f1", &ClassificationScores::macro_f1}};
    if (test_rows_.empty()) {
      result.n = static_cast<int64_t>(train_rows_.size());
      AverageTrials(CrossValidate(train, protocol_.folds, protocol_.seed), measures, result);
    } else if (protocol_.shots > 0) {
      result.n = static_cast<int64_t>(test_rows_.size());
      AverageTrials(EvaluateFewShot(train, test, protocol_.shots, protocol_.trials, protocol_.seed),
                    measures, result);
    } else {
      result.n = static_cast<int64_t>(test_rows_.size());
      const std::vector<int32_t> predicted =
          LogisticRegression(train.rows, train.labels).Predict(test.rows);
      const ClassificationScores scores = ScoreClasses(test.labels, predicted);
      result.measures = {{"accuracy", 100 * scores.accuracy}, {"macro_f1", 100 * scores.macro_f1}};
      for (size_t i = 0; i < predicted.size(); ++i)
        result.items.push_back(predicted[i] == test.labels[i] ? 1 : 0);
    }
    return result;
  }

 private:
  // Refuses classes from which nothing can be learned, and warns of small ones.
  void CheckClasses() {
    std::vector<int64_t> counts(train_.labels.size());
    for (const int32_t label : train_.label) ++counts[static_cast<size_t>(label)];
    const bool divided = test_.label.empty();  // cross-validation holds a part of each class back
    const auto list = [&](int64_t most) {
      constexpr size_t kShown = 12;
      std::vector<std::string> shown;
      for (size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] <= most)
          shown.push_back(
              fmt::format("'{}' {}", TruncateForMessage(train_.labels[i], 40), counts[i]));
      }
      const size_t all = shown.size();
      shown.resize(std::min(all, kShown));
      return fmt::format("{}{}", fmt::join(shown, ", "),
                         all > kShown ? fmt::format(" and {} more", all - kShown) : "");
    };
    const auto with = [&](int64_t least) {
      return std::ranges::count_if(counts, [&](int64_t count) { return count >= least; });
    };
    // A class of one text is absent from the training texts while its part is tested.
    const bool enough = with(1) > 2 || with(divided ? 2 : 1) == 2;
    if (!enough) {
      throw UserError(fmt::format(
          "[{}] the classes have too few texts to train on: {}; expected at least two classes of {} "
          "text{} each; add texts, or check the column of labels",
          name().Label(), list(INT64_MAX), divided ? "two" : "one", divided ? "s" : ""));
    }
    const int64_t wanted = divided ? protocol_.folds : protocol_.shots;
    if (with(1) > with(wanted)) {
      AddWarning(fmt::format(
          "[{}] some classes have fewer texts than {}: {}; {}", name().Label(),
          divided ? fmt::format("the {} parts of the cross-validation", wanted)
                  : fmt::format("the {} that a trial trains on", wanted),
          list(wanted - 1),
          divided ? "parts without them say nothing about them" : "all of their texts are used"));
    }
    if (with(1) < static_cast<int64_t>(counts.size()))
      AddWarning(fmt::format("[{}] some classes have texts to test on and none to train on: {}",
                             name().Label(), list(0)));
  }

  LabelledTexts train_, test_;
  ClassificationProtocol protocol_;
  std::vector<int64_t> train_rows_, test_rows_;
};

}  // namespace

void EvaluationTask::RenameFile(const std::string& path, const std::string& name) {
  if (name_.name == path) name_.name = name;
  const auto replace = [](std::string& line, const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = line.find(from, at)) != std::string::npos; at += to.size())
      line.replace(at, from.size(), to);
  };
  for (std::vector<std::string>* lines : {&notes_, &warnings_}) {
    for (std::string& line : *lines) {
      replace(line, path + ":", name + ": row ");
      replace(line, path, name);
    }
  }
}

std::unique_ptr<EvaluationTask> MakeStsTask(TaskName name, ScoredPairs pairs) {
  return std::make_unique<StsTask>(std::move(name), std::move(pairs));
}
std::unique_ptr<EvaluationTask> MakePairClassificationTask(TaskName name, LabelledPairs pairs) {
  return std::make_unique<PairClassificationTask>(std::move(name), std::move(pairs));
}
std::unique_ptr<EvaluationTask> MakeRetrievalTask(TaskName name, RetrievalData data,
                                                  bool keep_identical_ids) {
  return std::make_unique<RetrievalTask>(std::move(name), std::move(data), keep_identical_ids);
}
std::unique_ptr<EvaluationTask> MakeBitextTask(TaskName name, TextPairs pairs) {
  return std::make_unique<BitextTask>(std::move(name), std::move(pairs));
}
std::unique_ptr<EvaluationTask> MakeClusteringTask(TaskName name, LabelledTexts texts) {
  return std::make_unique<ClusteringTask>(std::move(name), std::move(texts));
}
std::unique_ptr<EvaluationTask> MakeClassificationTask(TaskName name, LabelledTexts train,
                                                       LabelledTexts test,
                                                       const ClassificationProtocol& protocol) {
  return std::make_unique<ClassificationTask>(std::move(name), std::move(train), std::move(test),
                                              protocol);
}

}  // namespace lacos
