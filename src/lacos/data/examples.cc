#include "lacos/data/examples.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/base/rng.h"
#include "lacos/data/cells.h"

namespace lacos {
namespace {

// keeps the random numbers of KeepFraction apart from other uses of the seed
constexpr uint64_t kSubset = 0xF4AC7104;

// The positions of a table's known columns, or -1.
struct Columns {
  int first = -1, second = -1, label = -1, score = -1, text = -1, split = -1;
  std::vector<int> negatives;
};

Columns FindColumns(const TableReader& table) {
  Columns columns;
  columns.first = table.Column(FirstSentenceNames());
  columns.second = table.Column(SecondSentenceNames());
  columns.label = table.Column({"label", "gold_label", "entailment_judgment"});
  columns.score = table.Column(ScoreNames());
  columns.text = table.Column({"text"});
  columns.split = table.Column({"split"});
  if (const int plain = table.Column({"negative", "hard_neg"}); plain >= 0)
    columns.negatives.push_back(plain);
  for (int i = 1;; ++i) {
    const int numbered = table.Column({fmt::format("negative_{}", i)});
    if (numbered < 0) break;
    columns.negatives.push_back(numbered);
  }
  return columns;
}

ExampleKind Classify(const TableReader& table, const Columns& columns,
                     const ExampleOptions& options) {
  const bool pair = columns.first >= 0 && columns.second >= 0;
  const bool want_labels = options.labelled || options.hard_negatives || options.ignore_score;
  if (pair && columns.score >= 0 && !(want_labels && columns.label >= 0) && !options.labelled) {
    return ExampleKind::kScored;
  }
  if (pair && options.labelled) {
    if (columns.label < 0) {
      throw UserError(fmt::format(
          "[{}] has the columns {}; expected a label or gold_label beside the sentences; choose "
          "another `loss` or file",
          table.name(), fmt::join(table.columns(), ", ")));
    }
    return ExampleKind::kLabelled;
  }
  if (pair) return ExampleKind::kPairs;
  if (columns.first < 0 && columns.second < 0 && columns.text >= 0) {
    return columns.label >= 0 ? ExampleKind::kClasses : ExampleKind::kUnlabelled;
  }
  std::string found = fmt::format("{}", fmt::join(table.columns(), ", "));
  if (found.size() > 200) found = TruncateForMessage(found, 200);
  throw UserError(fmt::format(
      "[{}] has the columns ({}); expected a header that names sentence1|premise|anchor and "
      "sentence2|hypothesis|positive "
      "(with negative, negative_1..n, label|gold_label or score), or text (with label); add a header line",
      table.name(), found));
}

enum NliLabel : int32_t { kEntailment = 0, kNeutral = 1, kContradiction = 2, kMissing = -1 };

int ParseNliLabel(const std::optional<std::string>& cell, const TableReader& table) {
  if (!cell || cell->empty() || *cell == "-") return kMissing;
  static const std::unordered_map<std::string_view, int> kLabels = {
      {"entailment", kEntailment},
      {"e", kEntailment},
      {"0", kEntailment},
      {"neutral", kNeutral},
      {"n", kNeutral},
      {"1", kNeutral},
      {"contradiction", kContradiction},
      {"contradictory", kContradiction},  // XNLI-MT
      {"c", kContradiction},
      {"2", kContradiction}};
  const auto it = kLabels.find(LowerAscii(*cell));
  if (it == kLabels.end()) {
    throw UserError(fmt::format(
        "{} found the label '{}'; expected entailment, neutral or contradiction, e, n or c, 0, 1 or "
        "2, or '-' for none; correct it",
        table.Where(), TruncateForMessage(*cell, 60)));
  }
  return it->second;
}

// Reads the rows of one table into an ExampleFile.
class ExampleReader {
 public:
  ExampleReader(const std::string& path, const ExampleOptions& options)
      : options_(options), table_(path, options.table) {
    file_.path = path;
  }

  ExampleFile Read() {
    if (table_.columns().empty()) {
      throw UserError(fmt::format("[{}] is empty; expected a table with a header; check the path",
                                  table_.name()));
    }
    Locate();
    file_.kind = Classify(table_, columns_, options_);
    while (table_.Next(cells_)) {
      if (table_.columns().size() != known_columns_) Locate();  // a .jsonl row with a new key
      ++file_.rows;
      if (splits_.Keep(Cell(columns_.split), columns_.split >= 0)) ReadRow();
    }
    file_.dropped_other_split = splits_.dropped();
    if (file_.kind == ExampleKind::kPairs && options_.hard_negatives) AddContradictions();
    RequireExamples();
    return std::move(file_);
  }

 private:
  void Locate() {
    columns_ = FindColumns(table_);
    known_columns_ = table_.columns().size();
  }

  std::optional<std::string> Cell(int column) const {
    if (column < 0 || static_cast<size_t>(column) >= cells_.size()) return std::nullopt;
    return cells_[static_cast<size_t>(column)];
  }

  std::string TakeText(int column, const char* name) {
    const auto place = static_cast<size_t>(column);
    if (column < 0 || place >= cells_.size() ||
        !cells_[place]) {  // the row may have fewer cells than the header
      throw UserError(
          fmt::format("{} has no text for {}; expected a string; correct the row", table_.Where(),
                      column < 0 ? std::string(name) : "'" + table_.columns()[place] + "'"));
    }
    return std::move(*cells_[place]);
  }

  void ReadRow() {
    Example example;
    example.line = table_.line_number();
    switch (file_.kind) {
      case ExampleKind::kUnlabelled:
        example.texts.push_back(TakeText(columns_.text, "text"));
        file_.examples.push_back(std::move(example));
        return;
      case ExampleKind::kClasses:
        ReadClass(example);
        return;
      case ExampleKind::kScored: {
        const std::optional<std::string> score = Cell(columns_.score);
        if (!score || score->empty()) {
          ++file_.dropped_no_gold_label;
          return;
        }
        example.score = ParseScore(*score, table_.Where());
        TakeSentences(example);
        file_.examples.push_back(std::move(example));
        return;
      }
      case ExampleKind::kLabelled:
        example.label = ParseNliLabel(Cell(columns_.label), table_);
        if (example.label == kMissing) {
          ++file_.dropped_no_gold_label;
          return;
        }
        TakeSentences(example);
        file_.examples.push_back(std::move(example));
        return;
      case ExampleKind::kPairs:
        ReadPair(example);
        return;
    }
  }

  void ReadClass(Example& example) {
    const std::optional<std::string> label = Cell(columns_.label);
    if (!label || label->empty()) {  // '-' is an ordinary class name here
      ++file_.dropped_no_gold_label;
      return;
    }
    example.texts.push_back(TakeText(columns_.text, "text"));
    const auto [it, added] =
        classes_.emplace(*label, static_cast<int32_t>(file_.class_names.size()));
    if (added) file_.class_names.push_back(*label);
    example.label = it->second;
    file_.examples.push_back(std::move(example));
  }

  void TakeSentences(Example& example) {
    example.texts.push_back(TakeText(columns_.first, "sentence1"));
    example.texts.push_back(TakeText(columns_.second, "sentence2"));
  }

  void ReadPair(Example& example) {
    int label = kEntailment;
    if (columns_.label >= 0) label = ParseNliLabel(Cell(columns_.label), table_);
    if (label == kMissing) {
      ++file_.dropped_no_gold_label;
      return;
    }
    if (label == kNeutral || (label == kContradiction && !options_.hard_negatives)) {
      ++file_.dropped_other_label;
      return;
    }
    TakeSentences(example);
    if (example.texts[0] == example.texts[1]) {
      ++file_.dropped_identical_texts;
      return;
    }
    if (label == kContradiction) {
      contradictions_[example.texts[0]].texts.push_back(std::move(example.texts[1]));
      return;
    }
    for (const int column : columns_.negatives) {
      std::optional<std::string> negative = Cell(column);
      if (negative && !negative->empty()) AddNegative(example, std::move(*negative));
    }
    file_.examples.push_back(std::move(example));
  }

  void AddNegative(Example& example, std::string text) {
    if (std::find(example.texts.begin(), example.texts.end(), text) != example.texts.end()) {
      ++file_.dropped_negatives;
    } else {
      example.texts.push_back(std::move(text));
    }
  }

  // Adds the contradictions of a premise to each of its entailment pairs. Contradictions of
  // premises without such a pair are of no use.
  void AddContradictions() {
    for (Example& example : file_.examples) {
      const auto it = contradictions_.find(example.texts[0]);
      if (it == contradictions_.end()) continue;
      it->second.used = true;
      for (const std::string& text : it->second.texts) AddNegative(example, text);
    }
    for (const auto& [premise, found] : contradictions_) {
      if (!found.used) file_.dropped_other_label += static_cast<int64_t>(found.texts.size());
    }
  }

  void RequireExamples() const {
    if (!file_.examples.empty()) return;
    if (file_.rows == 0) {
      throw UserError(
          fmt::format("[{}] has a header and no rows; expected at least one row; check the file",
                      table_.name()));
    }
    splits_.RequireSome(table_.name());
    throw UserError(fmt::format(
        "[{}] has {} rows and none of use: {} without a gold label or score, {} neutral or "
        "contradiction, {} with identical texts, {} of other splits; expected entailment rows or "
        "pairs; check the label column",
        table_.name(), file_.rows, file_.dropped_no_gold_label, file_.dropped_other_label,
        file_.dropped_identical_texts, file_.dropped_other_split));
  }

  struct Contradictions {
    std::vector<std::string> texts;
    bool used = false;
  };

  const ExampleOptions& options_;
  TableReader table_;
  Columns columns_;
  size_t known_columns_ = 0;
  SplitFilter splits_{options_.split};
  std::vector<std::optional<std::string>> cells_;
  ExampleFile file_;
  std::unordered_map<std::string, int32_t> classes_;
  std::unordered_map<std::string, Contradictions> contradictions_;  // for each premise
};

}  // namespace

ExampleFile ReadExamples(const std::string& path, const ExampleOptions& options) {
  return ExampleReader(path, options).Read();
}

void KeepFraction(ExampleFile& file, double fraction, uint64_t seed) {
  LACOS_CHECK(fraction > 0 && fraction <= 1, "a share of the examples");
  if (fraction == 1) return;
  const size_t all = file.examples.size();
  const uint64_t key = Mix64(seed, kSubset);
  // Every example has a random number of its own, so any prefix of this order is a sample.
  std::vector<std::pair<uint64_t, size_t>> order;
  for (size_t i = 0; i < all; ++i) order.emplace_back(Mix64(key, i), i);
  std::sort(order.begin(), order.end());
  order.resize(
      std::max<size_t>(1, static_cast<size_t>(std::llround(fraction * static_cast<double>(all)))));
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<Example> kept;
  for (const auto& [number, i] : order) kept.push_back(std::move(file.examples[i]));
  file.dropped_beyond_fraction = static_cast<int64_t>(all - kept.size());
  file.examples = std::move(kept);
}

}  // namespace lacos
