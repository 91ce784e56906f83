// Tables: every reader is applied to every form, and batches are made of the examples.
#include <cstdint>
#include <optional>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/data/batcher.h"
#include "lacos/data/examples.h"
#include "lacos/data/inspect.h"
#include "lacos/data/rows.h"
#include "lacos/data/training_texts.h"
#include "lacos/io/utf8.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

void ReadRows(const std::string& path, const TableOptions& options) {
  TableReader reader(path, options);
  std::vector<std::optional<std::string>> cells;
  while (reader.Next(cells)) {
    const bool may_differ = options.ragged;
    Require(may_differ || cells.size() == reader.columns().size(),
            "a row has a cell for each column");
    for (const auto& cell : cells) Require(!cell || IsValidUtf8(*cell), "a cell is valid UTF-8");
  }
  reader.Column({"sentence1", "premise"});
}

ExampleOptions OptionsOf(const TableOptions& table, unsigned choice) {
  static constexpr LabelScheme kSchemes[] = {LabelScheme::kAuto, LabelScheme::kNli,
                                             LabelScheme::kParaphrase, LabelScheme::kAuto};
  return {.table = table,
          .split = (choice & 1) ? "train" : "",
          .hard_negatives = (choice & 2) != 0,
          .labelled = (choice & 4) != 0,
          .label_scheme = kSchemes[choice >> 6],
          .ignore_score = (choice & 8) != 0};
}

// Every example of the file is visited, and each of its texts can be looked up.
void Inspect(const std::string& path, TableOptions table, unsigned choice) {
  table.ragged = false;  // only the reader of scored pairs has rows of any length
  ExampleOptions options = OptionsOf(table, choice);
  options.hard_negatives = false;
  int64_t visited = 0;
  const Inspection found = InspectExamples(
      path, {.examples = options, .progress = [&](int64_t examples) { visited = examples; }});
  Require(found.examples == visited && found.file.examples.empty(), "each example is visited once");
  int64_t dropped = 0;
  found.file.dropped.ForEachReason([&](const char*, int64_t count) { dropped += count; });
  Require(found.examples > 0 || dropped > 0 || found.file.rows == 0 || found.file.labels_are_open,
          "a row gives an example, or is counted");
  lacos::TrainingTexts texts;
  AddTrainingFile(path, table, texts);
  for (const Example& example : found.first) {
    for (const std::string& text : example.texts)
      Require(text.empty() || texts.FindText(text) == Seen::kExactly,
              "a text of an example is known");
  }
}

void ReadAllExamples(const std::string& path, const TableOptions& table, unsigned choice) {
  const ExampleFile file = ReadExamples(path, OptionsOf(table, choice));
  Require(!file.examples.empty(), "a file without examples is an error");
  for (const Example& example : file.examples) {
    const bool two = file.kind != ExampleKind::kClasses && file.kind != ExampleKind::kUnlabelled;
    Require(example.texts.size() >= (two ? 2 : 1), "an example has the texts of its kind");
    Require(
        file.kind != ExampleKind::kClasses ||
            (example.label >= 0 && example.label < static_cast<int32_t>(file.class_names.size())),
        "a class has a name");
  }
  const Epoch epoch = MakeEpoch({file}, {.batch_size = 3}, 0);
  for (const Batch& batch : epoch.batches) {
    for (const int64_t index : batch.examples) {
      Require(index >= 0 && index < static_cast<int64_t>(file.examples.size()),
              "a batch names examples");
    }
  }
}

}  // namespace

// Bytes 0 and 1 have the options. Byte 0: the form (bits 0-1), the reader (bits 2-3),
// replace_invalid (bit 4), given columns (bit 5), ragged (bit 6), .json (bit 7). Byte 1: options of
// the examples (bits 0-3), quoting inverted (bit 4), semicolons (bit 5), the label scheme (bits 6-7).
void Table(Input input) {
  if (input.size() < 2) return;
  const auto form = static_cast<unsigned>(input[0]), choice = static_cast<unsigned>(input[1]);
  static constexpr const char* kNames[] = {"input.tsv", "input.csv", "input.jsonl", "input.txt"};
  const std::string path =
      WriteScratch((form & 128) ? "input.json" : kNames[form & 3], Text(input.subspan(2)));
  TableOptions options{.replace_invalid = (form & 16) != 0, .ragged = (form & 64) != 0};
  if (form & 32) options.columns = {"sentence1", "sentence2", "label"};
  if (choice & 16) options.quoting = (form & 3) != 1;
  if (choice & 32) options.delimiter = ';';
  switch ((form >> 2) & 3) {
    case 0:
      return ReadRows(path, options);
    case 1: {
      const ScoredPairs pairs = ReadScoredPairs(path, options, (choice & 1) ? "dev" : "");
      Require(pairs.first.size() == pairs.score.size() && pairs.second.size() == pairs.score.size(),
              "a pair has two texts and a score");
      return;
    }
    case 2:
      return ReadAllExamples(path, options, choice);
    default:
      return Inspect(path, options, choice);
  }
}

}  // namespace lacos::fuzz
