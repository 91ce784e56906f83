// Training and evaluation examples that are read from tables: pairs, triplets, scored pairs,
// classes and plain texts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
  double score = 0;  // kScored
  int64_t line = 0;  // in its file, for messages
};

struct ExampleFile {
  std::string path;
  ExampleKind kind = ExampleKind::kPairs;
  std::vector<Example> examples;
  std::vector<std::string> class_names;
  // Counts of rows that were read and not used, by reason. Every command prints them, so that
  // nothing is skipped silently.
  int64_t rows = 0;
  int64_t dropped_no_gold_label = 0;  // '-' or empty label, or an empty score
  // rows labelled neutral or contradiction, where only entailment makes pairs
  int64_t dropped_other_label = 0;
  int64_t dropped_identical_texts = 0;  // sentence1 equals sentence2: no training signal
  int64_t dropped_other_split = 0;
  int64_t dropped_beyond_fraction = 0;  // examples that KeepFraction left out
  // negatives that equal their anchor, their positive or an earlier negative
  int64_t dropped_negatives = 0;
};

struct ExampleOptions {
  TableOptions table;
  std::string split;  // keep rows whose `split` column says so ("train", "dev", "test"); empty: all
  bool hard_negatives = false;  // whether contradictions of the same premise become negatives
  bool labelled =
      false;  // whether to keep all three NLI labels as kLabelled instead of making pairs
  // A file with both a score and an NLI label (SICK) is read as kScored. With this option, or
  // either of the two above, its labels are used instead.
  bool ignore_score = false;
};

// Reads a file and recognizes its kind by its columns (docs/reference/input.md):
// sentence1|premise|anchor, sentence2|hypothesis|positive, negative|negative_1..n,
// label|gold_label, score, text, and SICK's names for them. Pairs of identical texts are dropped from kPairs only, because a label or a score
// says something about them. Throws UserError for a file without any usable column, for an unknown
// label, and for a file that leaves no example. ReadScoredPairs reads STS files without header.
ExampleFile ReadExamples(const std::string& path, const ExampleOptions& options);

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
};
// Reads STS data. With a header, the columns are sentence1, sentence2 and score. Without one, the
// layout is that of the STS benchmark (genre file year id score s1 s2 ...; its companion file has
// no genre), `s1,s2,score` as csv, or `score s1 s2` or `s1 s2 score` as tsv; the numbers among the
// cells decide. A .csv file with five tabs or more in its first line is the STS benchmark's: it has
// tabs and no quotes.
ScoredPairs ReadScoredPairs(const std::string& path, const TableOptions& options,
                            const std::string& split);

}  // namespace lacos
