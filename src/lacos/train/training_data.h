// Turns example files into packed batches. Texts are tokenized once, batched without duplicates and
// laid out in the row order that the losses expect.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
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
  // Gold scores are divided by this value. 0 means: 1 when all scores lie in [-1, 1], otherwise 5
  // or the largest absolute score, whichever is greater.
  double score_maximum = 0;
};

// The input of one step. Its texts are in the row order of LossBatch.
struct TrainingBatch {
  PackedTexts texts;  // one text for every row, repeated texts included
  // Number of tokens in the distinct texts, which are all that is computed without dropout.
  int64_t distinct_tokens = 0;
  int64_t truncated = 0;  // number of rows whose text is longer than max_length
  LossBatch loss;
};

class TrainingData {
 public:
  // Checks that every file suits the loss, tokenizes every text (in parallel) and keeps the token
  // ids. Throws UserError for a text without tokens (naming file and line) and for a file that the
  // loss cannot use.
  TrainingData(std::vector<ExampleFile> files, const Tokenizer& tokenizer,
               const TrainingDataOptions& options);

  const std::vector<ExampleFile>& files() const { return files_; }
  // Number of texts in all files that are longer than max_length.
  // The part that truncated texts lose.
  std::string_view lost_part() const { return lost_part_; }
  int64_t truncated() const { return truncated_; }
  int64_t examples() const;
  double score_maximum() const { return options_.score_maximum; }

  // The batches of an epoch, at least one. They depend on the data, the batch options and `epoch`
  // alone. Throws UserError if no two examples can share a batch.
  Epoch MakeEpoch(int64_t epoch) const;
  // Builds the input of a step. With `keys`, every token gets a dropout key that is derived from
  // (seed, step, file, text, view, position).
  TrainingBatch Build(const Batch& batch, int64_t step, bool keys) const;
  // The origin of every row that Build makes of the batch, as "file:line", for messages.
  std::vector<std::string> RowPlaces(const Batch& batch) const;
  // The size of a batch, which determines how much memory its step takes. With dropout keys every
  // row is computed; without them, rows with equal token ids are computed once.
  struct Extent {
    int64_t tokens = 0;            // number of computed tokens
    std::vector<int32_t> lengths;  // lengths of the computed texts, in row order
    int64_t rows = 0;              // rows that the loss sees; at least lengths.size()
    int64_t examples = 0;          // examples that the rows belong to, as in LossBatch
    int64_t longest = 0;           // tokens of the longest text in any of the batches
  };
  // The extent of the batch with the most computed tokens among the given ones.
  Extent LargestBatch(std::span<const Batch> batches, bool keys) const;
  // Number of distinct texts in all files, and the number of their tokens.
  int64_t distinct_texts() const { return distinct_texts_; }
  int64_t distinct_tokens() const { return distinct_tokens_; }

 private:
  struct TextIds {
    int64_t begin = 0;
    int32_t length = 0;
    int32_t number = 0;  // number of the distinct text; texts with equal token ids share it
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
  // Number of examples in a batch as the loss counts them: two texts of a class form one example.
  int64_t LossExamples(const Batch& batch) const;
  // Calls visit(example, text index, view) in row order.
  template <class F>
  void ForEachRow(const Batch& batch, F&& visit) const;

  std::vector<ExampleFile> files_;
  TrainingDataOptions options_;
  std::vector<int32_t> ids_;
  std::vector<std::vector<TextIds>> index_;       // [file][text]: all texts of its examples
  std::vector<std::vector<int64_t>> first_text_;  // [file][example]: index of its first text
  std::string_view lost_part_;
  int64_t truncated_ = 0, distinct_texts_ = 0, distinct_tokens_ = 0;
};

}  // namespace lacos
