#include "lacos/train/training_data.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/rng.h"
#include "lacos/model/repeats.h"
#include "lacos/train/losses/make_loss.h"

namespace lacos {
namespace {

std::string_view KindName(ExampleKind kind) {
  switch (kind) {
    case ExampleKind::kPairs:
      return "pairs of texts";
    case ExampleKind::kLabelled:
      return "pairs with NLI labels";
    case ExampleKind::kScored:
      return "pairs with scores";
    case ExampleKind::kClasses:
      return "texts with class labels";
    case ExampleKind::kUnlabelled:
      return "texts alone";
  }
  return "?";
}

// Prepares examples for a loss that takes exactly one negative for each example. An example with k
// negatives becomes k examples, and an example without negatives is dropped.
void ExpandTriplets(const LossInputs& inputs, ExampleFile& file) {
  std::vector<Example> expanded;
  for (const Example& example : file.examples) {
    for (size_t k = 2; k < example.texts.size(); ++k) {
      Example triplet = example;
      triplet.texts = {example.texts[0], example.texts[1], example.texts[k]};
      expanded.push_back(std::move(triplet));
    }
  }
  if (expanded.empty()) {
    throw UserError(
        fmt::format("[{}] no example has a negative; expected {}; add negatives or use `loss` mnr",
                    file.path, inputs.expected));
  }
  file.examples = std::move(expanded);
}

double LargestScore(const std::vector<ExampleFile>& files) {
  double largest = 0;
  for (const ExampleFile& file : files) {
    for (const Example& example : file.examples)
      largest = std::max(largest, std::abs(example.score));
  }
  return largest;
}

}  // namespace

TrainingData::TrainingData(std::vector<ExampleFile> files, const Tokenizer& tokenizer,
                           const TrainingDataOptions& options)
    : files_(std::move(files)), options_(options), lost_part_(LostPart(tokenizer)) {
  RequireRoomForText(tokenizer, options_.tokenize);
  const LossInputs inputs = DescribeLoss(options_.loss).inputs;
  for (ExampleFile& file : files_) {
    if (!inputs.Takes(file.kind)) {
      throw UserError(
          fmt::format("[{}] the file holds {}; `loss` {} expects {}; choose another `loss` or file",
                      file.path, KindName(file.kind), Name(options_.loss), inputs.expected));
    }
    if (inputs.one_negative) ExpandTriplets(inputs, file);
  }
  if (options_.score_maximum == 0) {
    const double largest = LargestScore(files_);
    options_.score_maximum = largest <= 1 ? 1 : std::max(5.0, largest);
  }
  for (const ExampleFile& file : files_) {
    std::vector<int64_t>& first = first_text_.emplace_back();
    int64_t texts = 0;
    for (const Example& example : file.examples) {
      first.push_back(texts);
      texts += static_cast<int64_t>(example.texts.size());
    }
    std::vector<TokenizedText> tokenized(static_cast<size_t>(texts));
    ParallelFor(static_cast<int64_t>(file.examples.size()), [&](int64_t i) {
      const Example& example = file.examples[i];
      for (size_t k = 0; k < example.texts.size(); ++k) {
        TokenizedText& text = tokenized[first[i] + static_cast<int64_t>(k)];
        text = TokenizeText(tokenizer, example.texts[k], options_.tokenize);
        if (text.ids.empty()) {
          throw UserError(fmt::format(
              "[{}] text {} has no tokens; expected some text to learn from; remove the row",
              file.PlaceOf(example), k + 1));
        }
      }
    });
    std::vector<TextIds>& index = index_.emplace_back();
    for (const TokenizedText& text : tokenized) {
      index.push_back({.begin = static_cast<int64_t>(ids_.size()),
                       .length = static_cast<int32_t>(text.ids.size()),
                       .truncated = text.truncated});
      ids_.insert(ids_.end(), text.ids.begin(), text.ids.end());
      truncated_ += text.truncated ? 1 : 0;
    }
  }
  NumberTexts();
}

void TrainingData::NumberTexts() {
  std::vector<std::span<const int32_t>> all;
  for (const std::vector<TextIds>& file : index_) {
    for (const TextIds& entry : file) all.push_back(Ids(entry));
  }
  const Repeats repeats = FindRepeats(all);
  size_t at = 0;
  for (std::vector<TextIds>& file : index_) {
    for (TextIds& entry : file) entry.number = repeats.text[at++];
  }
  distinct_texts_ = static_cast<int64_t>(repeats.first.size());
  for (const int64_t row : repeats.first) distinct_tokens_ += static_cast<int64_t>(all[row].size());
}

int64_t TrainingData::examples() const {
  int64_t n = 0;
  for (const ExampleFile& file : files_) n += static_cast<int64_t>(file.examples.size());
  return n;
}

Epoch TrainingData::MakeEpoch(int64_t epoch) const {
  Epoch batches = lacos::MakeEpoch(files_, options_.batch, epoch);
  if (batches.batches.empty()) {
    throw UserError(
        "[`train`] no batch can be made: fewer than two examples that share no text; expected at "
        "least two; add data");
  }
  return batches;
}

template <class F>
void TrainingData::ForEachRow(const Batch& batch, F&& visit) const {
  const ExampleFile& file = files_[batch.file];
  if (file.kind == ExampleKind::kClasses) {
    // Examples 2i and 2i + 1 of the batch are two texts of a class: an anchor and its positive.
    for (size_t view = 0; view < 2; ++view) {
      for (size_t i = view; i < batch.examples.size(); i += 2) visit(batch.examples[i], 0, 0);
    }
    return;
  }
  if (file.kind == ExampleKind::kUnlabelled) {
    // Anchor and positive are the same text under two dropout masks.
    for (int view = 0; view < 2; ++view) {
      for (const int64_t example : batch.examples) visit(example, 0, view);
    }
    return;
  }
  for (size_t text = 0; text < 2; ++text) {
    for (const int64_t example : batch.examples) visit(example, text, 0);
  }
  for (const int64_t example : batch.examples) {
    for (size_t text = 2; text < file.examples[example].texts.size(); ++text)
      visit(example, text, 0);
  }
}

int64_t TrainingData::LossExamples(const Batch& batch) const {
  const auto drawn = static_cast<int64_t>(batch.examples.size());
  return files_[batch.file].kind == ExampleKind::kClasses ? drawn / 2 : drawn;
}

TrainingBatch TrainingData::Build(const Batch& batch, int64_t step, bool keys) const {
  TrainingBatch result;
  const ExampleFile& file = files_[batch.file];
  const uint64_t step_key =
      Mix64(Mix64(options_.batch.seed, static_cast<uint64_t>(RandomStream::kDropout)),
            static_cast<uint64_t>(step));
  std::unordered_set<int32_t> seen;
  ForEachRow(batch, [&](int64_t example, size_t text, int view) {
    const TextIds& entry = Entry(batch.file, example, text);
    const std::span<const int32_t> ids = Ids(entry);
    result.texts.Add(ids);
    if (seen.insert(entry.number).second) result.distinct_tokens += entry.length;
    result.truncated += entry.truncated ? 1 : 0;
    if (!keys) return;
    const uint64_t sample = Mix64(static_cast<uint64_t>(batch.file),
                                  static_cast<uint64_t>(first_text_[batch.file][example]) + text);
    const uint64_t text_key = Mix64(Mix64(step_key, sample), static_cast<uint64_t>(view));
    for (size_t position = 0; position < ids.size(); ++position) {
      result.texts.keys.push_back(static_cast<int64_t>(Mix64(text_key, position)));
    }
  });
  const bool classes = file.kind == ExampleKind::kClasses;
  result.loss.examples = LossExamples(batch);
  result.loss.negatives = result.texts.Texts() - 2 * result.loss.examples;
  for (size_t i = 0; i < batch.examples.size(); i += classes ? 2 : 1) {
    const Example& example = file.examples[batch.examples[i]];
    if (classes || file.kind == ExampleKind::kLabelled) result.loss.labels.push_back(example.label);
    if (file.kind == ExampleKind::kScored) {
      result.loss.scores.push_back(static_cast<float>(example.score / options_.score_maximum));
    }
  }
  return result;
}

std::vector<std::string> TrainingData::RowPlaces(const Batch& batch) const {
  const ExampleFile& file = files_[batch.file];
  std::vector<std::string> places;
  ForEachRow(batch, [&](int64_t example, size_t, int) {
    places.push_back(file.PlaceOf(file.examples[example]));
  });
  return places;
}

TrainingData::Extent TrainingData::LargestBatch(std::span<const Batch> batches, bool keys) const {
  Extent largest;
  int64_t longest = 0;
  // For each text number, the last batch in which the text occurred.
  std::vector<int32_t> seen_in(static_cast<size_t>(distinct_texts_), -1);
  for (size_t i = 0; i < batches.size(); ++i) {
    const Batch& batch = batches[i];
    Extent extent{.examples = LossExamples(batch)};
    ForEachRow(batch, [&](int64_t example, size_t text, int) {
      const TextIds& entry = Entry(batch.file, example, text);
      extent.rows += 1;
      if (std::exchange(seen_in[entry.number], static_cast<int32_t>(i)) ==
              static_cast<int32_t>(i) &&
          !keys)
        return;
      extent.lengths.push_back(static_cast<int32_t>(entry.length));
      extent.tokens += entry.length;
      longest = std::max<int64_t>(longest, entry.length);
    });
    if (extent.tokens > largest.tokens) largest = std::move(extent);
  }
  largest.longest = longest;
  return largest;
}

}  // namespace lacos
