// The vectors of a command that works on many texts at once: computed by a model, or stored in a
// file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flags/common.h"
#include "flags/text_reader.h"
#include "lacos/kernels/backend.h"
#include "lacos/record/inputs.h"
#include "lacos/search/vectors.h"

namespace lacos::cli {

struct VectorInput {
  ModelOptions model;
  EncodingOptions encoding;
  EmbedOptions embed;
  TextInput texts;
  std::string embeddings;
};
// Adds the flags on how texts become vectors, but those of prompts, and --embeddings, which replaces
// all of them and --model. Those of prompts, --model and --input must have been added before;
// afterwards, neither --model nor --input is required.
void AddVectorOptions(CLI::App* command, VectorInput& input);
// Reports a command line with neither --model nor --embeddings, or a model without texts.
void CheckVectorInput(const VectorInput& input);

// All texts of an input with their vectors, in memory.
class TextVectors {
 public:
  // Throws UserError for input that cannot be read, vectors that are not finite, and another number
  // of stored vectors than of texts.
  TextVectors(const GlobalOptions& globals, const VectorInput& input);
  ~TextVectors();

  Vectors vectors() const { return {.values = values_, .d = d_}; }
  bool has_texts() const { return !texts_.empty(); }
  const std::string& text(int64_t row) const { return texts_[static_cast<size_t>(row)]; }
  Backend& backend() { return embedder_ ? embedder_->backend() : *backend_; }
  // The similarity of the model's folder; the cosine for stored vectors.
  Similarity similarity() const;
  const EncodeStatistics& statistics() const { return statistics_; }
  // Adds the files that were read, for run.json.
  void AddInputs(RunInputs& inputs) const;
  // Adds "model" or "embeddings", and the counts of texts, to a report.
  void Describe(Json& report) const;
  // Warns of texts without tokens, and says how many were truncated.
  void Warn() const;

 private:
  void Encode(const GlobalOptions& globals);
  void ReadTexts();
  void TakeNotes(const TextReader& reader);

  const VectorInput& input_;
  std::unique_ptr<SentenceEncoder> embedder_;
  std::unique_ptr<Backend> backend_;  // with stored vectors
  std::vector<std::string> texts_, unused_columns_;
  std::vector<float> values_;
  int64_t d_ = 0;
  EncodeStatistics statistics_;
};

}  // namespace lacos::cli
