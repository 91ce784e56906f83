// Tasks on a user's own files, outside of any suite.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lacos/data/rows.h"
#include "lacos/eval/tasks/tasks.h"

namespace lacos {

struct FileTaskOptions {
  TableOptions table;
  std::string split = "test";  // rows that are scored of a table with a column 'split'
  // classification: the file to train on; else the same file's rows of split 'train'
  std::string train_data;
  ClassificationProtocol classification;
};

// The task over `path`:
//   sts                  ReadScoredPairs
//   pair_classification  columns sentence1, sentence2, label: 1, true, yes or paraphrase against 0, false, no
//   bitext               columns sentence1, sentence2, or two columns without a header
//   clustering           columns text, label
//   classification       the same; without rows to train on, by cross-validation
//   retrieval            a folder in BEIR's layout: corpus.jsonl, queries.jsonl, and qrels.tsv or
//   qrels/SPLIT.tsv
// Throws UserError.
std::unique_ptr<EvaluationTask> FileTask(const std::string& task, const std::string& path,
                                         const FileTaskOptions& options);

}  // namespace lacos
