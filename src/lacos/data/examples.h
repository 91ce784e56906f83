// Training and evaluation examples that are read from tables: pairs, triplets, scored pairs,
// classes and plain texts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lacos/data/columns.h"
#include "lacos/data/labels.h"
#include "lacos/data/rows.h"

namespace lacos {

enum class ExampleKind : uint8_t {
  kPairs,       // anchor, positive, negatives (possibly none)
  kLabelled,    // sentence1, sentence2, NLI label: for the softmax objective
  kScored,      // sentence1, sentence2, score
  kClasses,     // text, class
  kUnlabelled,  // text alone
};

struct Example {
  // For kPairs the anchor, the positive, and then any number of negatives, which may differ between
  // examples. For kLabelled and kScored two texts, otherwise one.
  std::vector<std::string> texts;
  int32_t label =
      -1;  // kLabelled: 0 entailment, 1 neutral, 2 contradiction; kClasses: index into class_names
  int32_t shard = 0;  // index into the file's shards
  double score = 0;   // kScored
  int64_t line = 0;   // in its file, for messages
};

// Why rows, or texts of a row, were read and not used.
struct DroppedRows {
  int64_t no_gold_label = 0;  // an empty label, '-' or -1, or an empty score
  // Rows labelled neutral or contradiction, where only entailment makes pairs.
  int64_t other_label = 0;
  int64_t not_the_same = 0;     // the same for pairs whose labels say whether they mean the same
  int64_t identical_texts = 0;  // both texts of a pair are equal: no training signal
  int64_t no_positive = 0;      // an empty list of positives, or a set of fewer than two texts
  int64_t other_split = 0;
  int64_t beyond_fraction = 0;  // examples that KeepFraction left out

  // Calls visit(reason, count) for every reason, such as "without a gold label".
  template <class Visit>
  void ForEachReason(const Visit& visit) const {
    visit("with another label than entailment", other_label);
    visit("with the label of texts that do not mean the same", not_the_same);
    visit("without a gold label", no_gold_label);
    visit("with two identical texts", identical_texts);
    visit("without a positive", no_positive);
    visit("of another split", other_split);
    visit("beyond --data-fraction", beyond_fraction);
  }
};

struct ExampleFile {
  std::string path;
  std::vector<std::string> shards;  // the files of a folder; for a file, the file itself
  ExampleKind kind = ExampleKind::kPairs;
  std::vector<Example> examples;
  std::vector<std::string> class_names;
  // Every command prints what was dropped, so that nothing is skipped silently.
  int64_t rows = 0;
  DroppedRows dropped;
  // Negatives that are empty or equal their anchor, their positive or an earlier negative.
  int64_t dropped_negatives = 0;
  std::vector<std::string> unused_columns;
  // How the columns were found, and what each of them is: its name and its role, which is "not used"
  // for the unused ones.
  TableColumns::Found found = TableColumns::Found::kByName;
  std::vector<std::string> column_notes;
  std::vector<std::pair<std::string, std::string>> columns;
  // For files of pairs or texts with labels, how often each label occurs in the rows of the split, as
  // it is spelled. After kMaxLabels different ones, others are not counted.
  static constexpr size_t kMaxLabels = 1000;
  std::map<std::string, int64_t> label_counts;
  bool has_nli_labels = false;
  bool labels_are_open = false;  // only if VisitExamples read the file: the labels do not tell

  // The place of an example for messages: "file:line".
  std::string PlaceOf(const Example& example) const;
  // What a reader of the file should be told beside counts, such as columns that are not used.
  std::vector<std::string> Notes() const;
  // What is probably not as the user wants it, such as lists that are read as one text.
  std::vector<std::string> warnings;
};

struct ExampleOptions {
  TableOptions table;
  std::string split;  // keep rows whose `split` column says so ("train", "dev", "test"); empty: all
  bool hard_negatives = false;  // whether contradictions of the same premise become negatives
  bool labelled =
      false;  // whether to keep all three NLI labels as kLabelled instead of making pairs
  // What the labels 0 and 1 of pairs mean where the names of columns do not tell.
  LabelScheme label_scheme = LabelScheme::kAuto;
  // A file with both a score and an NLI label (SICK) is read as kScored. With this option, or
  // either of the two above, its labels are used instead.
  bool ignore_score = false;
};

// Reads a table and recognizes its kind by its columns (columns.h, docs/data.md). Pairs of identical
// texts are dropped from kPairs only, because a label or a score says something about them. A list
// of positives makes an example of each, a set of texts pairs of its first text with each of the
// others; so all texts are used, and texts of one set are never negatives of each other, because no
// text occurs twice in a batch.
// Labels of pairs: those of NLI if the names of columns say so or a label is 2, -1, '-' or a word of
// NLI; labels that say whether two texts mean the same if they are words such as "true"; scores if
// they are other numbers. If there is nothing but 0 and 1, `label_scheme` decides.
// Throws UserError for a file without any usable column, for an unknown label, for nothing but the
// labels 0 and 1 without `label_scheme`, and for a file that leaves no example. ReadScoredPairs reads
// STS files without header.
ExampleFile ReadExamples(const std::string& path, const ExampleOptions& options);
// The same without keeping the examples: calls `visit` for each. Labels that do not tell what they
// are, and files that leave no example, are no errors. Memory does not grow with the file, except
// while its labels have told nothing.
ExampleFile VisitExamples(const std::string& path, const ExampleOptions& options,
                          const std::function<void(const Example&)>& visit);

// Keeps the share `fraction` (above 0, at most 1) of the examples, at least one, in their order.
// The seed alone decides which ones, so a smaller share of a file is part of a larger one with the
// same seed.
void KeepFraction(ExampleFile& file, double fraction, uint64_t seed);

struct ScoredPairs {
  std::string path;
  int64_t rows = 0;
  std::vector<std::string> first, second;
  std::vector<double> score;
  int64_t dropped_no_score = 0, dropped_other_split = 0;
  std::vector<std::string> unused_columns;
  std::string layout;  // for a file without header: which columns are used, as a note
  // What a reader of the file should be told: rows that were left out, columns that are not used.
  std::vector<std::string> Notes() const;
  std::vector<std::string> warnings;  // what is probably not as the user wants it
};
// Reads STS data. With a header, the columns are a pair and a score, or a label whose values are
// scores: some number among them is not one of -1, 0, 1 and 2. Without one, the
// layout is that of the STS benchmark (genre file year id score s1 s2 ...; its companion file has
// no genre), `s1,s2,score` as csv, or `score s1 s2` or `s1 s2 score` as tsv; the numbers among the
// cells decide. A .csv file with five tabs or more in its first line is the STS benchmark's: it has
// tabs and no quotes.
ScoredPairs ReadScoredPairs(const std::string& path, const TableOptions& options,
                            const std::string& split);

}  // namespace lacos
