// From example files to packed batches: tokenised once, batched without duplicates, laid out as the
// losses expect.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/data/batcher.h"
#include "lacos/data/examples.h"
#include "lacos/model/encoder.h"
#include "lacos/model/loaded_model.h"
#include "lacos/text/tokenize.h"
#include "lacos/train/losses/loss.h"

namespace lacos {

struct TrainingDataOptions {
  LossKind loss = LossKind::kMnr;
  TokenizeOptions tokenize;
  BatchOptions batch;
  double score_maximum =
      0;  // gold scores are divided by this; 0 = 1 when all lie in [-1, 1], else 5 or the largest
};

// One step's input: texts in the row order of LossBatch.
struct TrainingBatch {
  PackedTexts texts;            // every row, repeated texts too
  int64_t distinct_tokens = 0;  // of the distinct texts: what a step without dropout computes
  int64_t truncated = 0;        // rows whose text is longer than max_length
  LossBatch loss;
};

class TrainingData {
 public:
  // Checks that every file suits the loss, tokenises every text (in parallel) and keeps the ids.
  // Throws UserError for a text without tokens (file, line), for files of the wrong kind, and when
  // no batch of two examples can be made.
  TrainingData(std::vector<ExampleFile> files, const Tokenizer& tokenizer,
               const TrainingDataOptions& options);

  const std::vector<ExampleFile>& files() const { return files_; }
  // texts longer than max_length, each counted once
  int64_t truncated() const { return truncated_; }
  int64_t examples() const;
  double score_maximum() const { return options_.score_maximum; }

  // The batches of an epoch, a pure function of (seed, epoch).
  Epoch MakeEpoch(int64_t epoch) const;
  // Builds a batch; `keys` adds dropout keys from (seed, step, example, view, position).
  TrainingBatch Build(const Batch& batch, int64_t step, bool keys) const;
  // "file:line" of every row that Build makes of the batch, for messages.
  std::vector<std::string> RowPlaces(const Batch& batch) const;
  // The batch of an epoch with the most computed tokens: what its step takes memory for. With
  // `keys` (dropout) every row is a text of its own, else rows of equal ids are one.
  struct Extent {
    int64_t tokens = 0;            // computed
    std::vector<int32_t> lengths;  // of the texts that are computed, in row order
    int64_t rows = 0;              // that the loss sees, at least as many
    int64_t examples = 0;          // that these rows belong to, as in LossBatch
  };
  Extent LargestBatch(const Epoch& epoch, bool keys) const;
  // Distinct texts of all files, and their tokens.
  int64_t distinct_texts() const { return distinct_texts_; }
  int64_t distinct_tokens() const { return distinct_tokens_; }

 private:
  struct TextIds {
    int64_t begin = 0;
    int32_t length = 0;
    int32_t number = 0;  // the same for equal ids
    bool truncated = false;
  };
  const TextIds& Entry(int32_t file, int64_t example, size_t text) const {
    return index_[file][first_text_[file][example] + static_cast<int64_t>(text)];
  }
  std::span<const int32_t> Ids(const TextIds& entry) const {
    return std::span(ids_).subspan(static_cast<size_t>(entry.begin),
                                   static_cast<size_t>(entry.length));
  }
  void NumberTexts();
  // The examples of a batch as the loss counts them: two texts of a class are one.
  int64_t LossExamples(const Batch& batch) const;
  // Calls visit(example, text index, view) in row order.
  template <class F>
  void ForEachRow(const Batch& batch, F&& visit) const;

  std::vector<ExampleFile> files_;
  TrainingDataOptions options_;
  std::vector<int32_t> ids_;
  std::vector<std::vector<TextIds>> index_;       // per file: all texts of all examples in order
  std::vector<std::vector<int64_t>> first_text_;  // per file: index of an example's first text
  int64_t truncated_ = 0, distinct_texts_ = 0, distinct_tokens_ = 0;
};

}  // namespace lacos
