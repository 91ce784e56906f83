// Measures a model on a user's own data.
#ifndef LACOS_CPP_EVALUATE_H_
#define LACOS_CPP_EVALUATE_H_

#include <lacos/sentence_encoder.h>
#include <lacos/version.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

LACOS_BEGIN_NAMESPACE

struct EvaluateOptions {
  // What is put before texts, before queries and before documents. An absent prompt for queries or
  // documents is that for texts. If that is absent too, texts get the folder's default prompt, and
  // queries and documents get its prompts "query" and "document", or none.
  std::optional<std::string> prompt, query_prompt, document_prompt;
  std::string split = "test";  // the rows that are scored of a table with a column 'split'
  std::string train_data;      // for classification: the file to train on; "": rows of split train
  std::uint64_t seed = 42;     // of clustering and classification
  // Whether retrieval ranks a document that has the query's id. By default it is left out of that
  // query's ranking, as in BEIR.
  bool keep_identical_ids = false;
  // A folder for the results: report.html, results.json, results.csv, items.jsonl and run.json; "" for
  // none. `overwrite` replaces an earlier one.
  std::string output;
  bool overwrite = false;
  std::string cache;  // a folder where vectors are kept between calls; "" for none
  // Called with the number of texts done and of all texts. If it returns false, the call throws
  // Cancelled.
  std::function<bool(std::size_t done, std::size_t total)> progress;
};

struct Measure {
  std::string name;  // "spearman", "ndcg_at_10", ...
  double value = 0;  // times 100; NaN if it is undefined
};

struct Evaluation {
  std::int64_t items = 0;         // pairs, queries or texts that were scored
  std::vector<Measure> measures;  // the main one first
  // Messages about data that was read but is not scored, or that is probably not as it should be.
  std::vector<std::string> notes;
};

// Scores the model on the task in the file (or folder) `data`:
//   sts                  scored pairs: columns sentence1, sentence2 and score
//   pair_classification  columns sentence1, sentence2 and label
//   bitext               columns sentence1 and sentence2
//   clustering           columns text and label
//   classification       columns text and label; cross-validated if there are no rows to train on
//   retrieval            a folder in the layout of BEIR (Thakur et al., 2021)
// Every distinct text is encoded once, and vectors are compared by encoder.similarity() (bitext: by
// cosine). The measures are those of MTEB (Muennighoff et al., 2023).
// Throws Error for an unknown task and for data that is not as described.
LACOS_API Evaluation Evaluate(const SentenceEncoder& encoder, const std::string& task,
                              const std::string& data, const EvaluateOptions& options = {});

LACOS_END_NAMESPACE

#endif  // LACOS_CPP_EVALUATE_H_
