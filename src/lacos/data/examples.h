// Training and evaluation examples read from tables: pairs, triplets, scored pairs, classes, plain
// texts.
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
  // kPairs: anchor, positive, then this example's own negatives, of which it may have none or more
  // than its neighbours; kLabelled and kScored: two; else one.
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
  // What was read and not used, by reason; printed by every command, so nothing is skipped
  // silently.
  int64_t rows = 0;
  int64_t dropped_no_gold_label = 0;  // '-' or empty label, or an empty score
  // neutral or contradiction rows where only entailment makes pairs
  int64_t dropped_other_label = 0;
  int64_t dropped_identical_texts = 0;  // sentence1 equals sentence2: no training signal
  int64_t dropped_other_split = 0;
  int64_t dropped_beyond_fraction = 0;  // examples that KeepFraction left out
  // negatives equal to their anchor, their positive or an earlier negative
  int64_t dropped_negatives = 0;
};

struct ExampleOptions {
  TableOptions table;
  std::string split;  // keep rows whose `split` column says so ("train", "dev", "test"); empty: all
  bool hard_negatives = false;  // contradictions of the same premise become negatives
  bool labelled = false;        // keep all three NLI labels as kLabelled instead of making pairs
  // A file with both a score and an NLI label (SICK) is read as kScored; with this, or either of
  // the two above, its labels are used.
  bool ignore_score = false;
};

// Reads and classifies a file by its columns (CONTRACT section 3): sentence1|premise|anchor,
// sentence2|hypothesis|positive, negative|negative_1..n, label|gold_label, score, text, and SICK's
// names for them. Identical texts are dropped from kPairs only: a label or a score says something
// about them. A file without any usable column, an unknown label, a file that leaves no example:
// UserError. For STS files without header see ReadScoredPairs.
ExampleFile ReadExamples(const std::string& path, const ExampleOptions& options);

// Keeps the share `fraction` (above 0, at most 1) of the examples, at least one, in their order.
// Which ones is drawn by `seed` alone, so a smaller share of a file lies inside a larger one of the
// same seed.
void KeepFraction(ExampleFile& file, double fraction, uint64_t seed);

struct ScoredPairs {
  std::string path;
  int64_t rows = 0;
  std::vector<std::string> first, second;
  std::vector<double> score;
  int64_t dropped_no_score = 0, dropped_other_split = 0;
};
// STS data: columns sentence1, sentence2, score with a header; or without one, the STS-benchmark
// layout (genre file year id score s1 s2 ...; its companion has no genre), `s1,s2,score` csv, or
// `score s1 s2` / `s1 s2 score` tsv, told by which cells are numbers. A .csv whose first line has
// five tabs or more is the STS benchmark's: tabs, no quotes.
ScoredPairs ReadScoredPairs(const std::string& path, const TableOptions& options,
                            const std::string& split);

}  // namespace lacos
