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
  std::string split = "test";  // the split that is scored, for tables with a column 'split'
  // For classification, the file to train on. If it is empty, the rows of split 'train' of the same
  // file are used.
  std::string train_data;
  ClassificationProtocol classification;
  bool keep_identical_ids = false;  // for retrieval, see MakeRetrievalTask
};

// The task on the data in `path`, which depends on the task:
//   sts                  a file that ReadScoredPairs reads
//   pair_classification  columns sentence1, sentence2 and label; 1, true, yes or paraphrase mean
//                        the same, and 0, false or no mean something else
//   bitext               columns sentence1 and sentence2, or two columns without a header
//   clustering           columns text and label
//   classification       columns text and label; cross-validated if there are no rows to train on
//   retrieval            a folder in BEIR's layout: corpus.jsonl, queries.jsonl, and qrels.tsv or
//                        qrels/SPLIT.tsv
// Throws UserError for an unknown task and for data that is not as described.
std::unique_ptr<EvaluationTask> FileTask(const std::string& task, const std::string& path,
                                         const FileTaskOptions& options);

}  // namespace lacos
