// From example files to packed batches: tokenised once, batched without duplicates, laid out as the losses
// expect.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/data/batcher.h"
#include "lacos/data/examples.h"
#include "lacos/model/encoder.h"
#include "lacos/model/loaded_model.h"
#include "lacos/train/losses.h"

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
  PackedTexts texts;
  LossBatch loss;
  std::vector<std::string> where;  // "file:line" of each example, for messages
};

class TrainingData {
 public:
  // Checks that every file suits the loss, tokenises every text (in parallel) and keeps the ids. Throws
  // UserError for a text without tokens (file, line), for files of the wrong kind, and when no batch of two
  // examples can be made.
  TrainingData(std::vector<ExampleFile> files, const Tokenizer& tokenizer,
               const TrainingDataOptions& options);

  const std::vector<ExampleFile>& files() const { return files_; }
  int64_t truncated() const { return truncated_; }  // texts longer than max_length, each counted once
  int64_t examples() const;
  double score_maximum() const { return options_.score_maximum; }

  // The batches of an epoch, a pure function of (seed, epoch).
  Epoch MakeEpoch(int64_t epoch) const;
  // Builds a batch; `keys` adds dropout keys from (seed, step, example, view, position).
  TrainingBatch Build(const Batch& batch, int64_t step, bool keys) const;
  // Tokens and texts of the largest batch of an epoch.
  struct Extent {
    int64_t tokens = 0, texts = 0, longest = 0;
  };
  Extent LargestBatch(const Epoch& epoch) const;

 private:
  struct TextIds {
    int64_t begin = 0;
    int32_t length = 0;
  };
  std::span<const int32_t> Ids(int32_t file, int64_t example, size_t text) const;
  // Calls visit(example, text index, view) in row order.
  template <class F>
  void ForEachRow(const Batch& batch, F&& visit) const;

  std::vector<ExampleFile> files_;
  TrainingDataOptions options_;
  std::vector<int32_t> ids_;
  std::vector<std::vector<TextIds>> index_;       // per file: all texts of all examples in order
  std::vector<std::vector<int64_t>> first_text_;  // per file: index of an example's first text
  int64_t truncated_ = 0;
};

}  // namespace lacos
