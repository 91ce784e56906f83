#include "flags/vector_input.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/data/shards.h"
#include "lacos/io/paths.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/search/stored_vectors.h"
#include "terminal/interrupt.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

// Blocks in which texts are read and encoded. So many texts fill batches with texts of similar
// length.
constexpr size_t kReadTexts = 16384;
constexpr size_t kReadBytes = size_t{4} << 20;

}  // namespace

void AddVectorOptions(CLI::App* command, VectorInput& input) {
  AddPoolingOptions(command, input.encoding);
  AddStripOptions(command, input.encoding);
  AddMaxLengthOption(command, input.encoding, "what the folder says, else 2048");
  AddBatchTokensOption(command, input.embed);
  AddStreamOption(command, input.embed.stream_layers);
  CLI::Option* embeddings =
      command
          ->add_option(
              "--embeddings", input.embeddings,
              "Vectors that are stored already, instead of --model: an .npy array, or JSON "
              "lines with a key \"embedding\", as `lacos embed` writes them. With --input, "
              "the vectors are those of its texts, in the same order")
          ->type_name("FILE");
  for (const char* flag :
       {"--model", "--base", "--adapter", "--pooling", "--normalize", "--strip", "--max-length",
        "--batch-tokens", "--stream-layers", "--prompt", "--prompt-name", "--prefix", "--suffix"}) {
    embeddings->excludes(GetOption(command, flag));
  }
  GetOption(command, "--model")->required(false);
  GetOption(command, "--input")->required(false);
}

void CheckVectorInput(const VectorInput& input) {
  if (input.model.model.empty() && input.embeddings.empty()) {
    FailUsage("--model", "name --model DIR, or --embeddings FILE for vectors that are stored");
  }
  if (input.embeddings.empty() && input.texts.path.empty()) {
    FailUsage("--input", "name the file of the texts");
  }
}

TextVectors::TextVectors(const GlobalOptions& globals, const VectorInput& input) : input_(input) {
  if (input.embeddings.empty()) {
    Encode(globals);
  } else {
    VectorFile file = ReadStoredVectors(input.embeddings);
    values_ = std::move(file.values);
    d_ = file.d;
    backend_ = MakeBackend({.compute = Compute::kF32});
    if (!input.texts.path.empty()) ReadTexts();
  }
  if (values_.empty()) {
    throw UserError(fmt::format("[{}] has no texts; expected at least one; check the input",
                                input.embeddings.empty() ? input.texts.path : input.embeddings));
  }
}

TextVectors::~TextVectors() = default;

void TextVectors::Encode(const GlobalOptions& globals) {
  TextReader reader(input_.texts);
  embedder_ = std::make_unique<SentenceEncoder>(
      MakeSentenceEncoderOptions(globals, input_.model, input_.encoding, input_.embed));
  LogNotes(*embedder_);
  const TextPrompt prompt = input_.embed.Prompt(embedder_->folder().settings);
  d_ = embedder_->dimension();
  const auto d = static_cast<size_t>(d_);
  Progress progress(globals, {.what = "embedding", .unit = "texts"});
  std::vector<std::string> block;
  while (reader.NextBlock(kReadTexts, kReadBytes, block)) {
    const size_t before = texts_.size();
    values_.resize((before + block.size()) * d);
    statistics_ +=
        embedder_->Encode(block, prompt, std::span(values_).subspan(before * d), [&](int64_t done) {
          CheckInterrupt();
          progress.Update(static_cast<int64_t>(before) + done, "", reader.Fraction());
        });
    for (std::string& text : block) texts_.push_back(std::move(text));
    block.clear();
  }
  progress.Finish();
  TakeNotes(reader);
  for (size_t i = 0; i < values_.size(); ++i) {
    if (std::isfinite(values_[i])) continue;
    throw UserError(fmt::format(
        "[text {}] its vector has the value {}; expected finite numbers; check the weights of the "
        "model and of its adapter",
        i / d + 1, values_[i]));
  }
}

void TextVectors::ReadTexts() {
  TextReader reader(input_.texts);
  std::string text;
  while (reader.Next(text)) {
    CheckInterrupt();
    texts_.push_back(text);
  }
  TakeNotes(reader);
  if (std::ssize(texts_) == vectors().n()) return;
  throw UserError(fmt::format(
      "[{}] has {} rows; expected {}, one for each text of {}, in its order; embed those texts again",
      input_.embeddings, vectors().n(), texts_.size(), input_.texts.path));
}

void TextVectors::TakeNotes(const TextReader& reader) {
  reader.LogNotes();
  unused_columns_ = reader.unused_columns();
}

Similarity TextVectors::similarity() const {
  return embedder_ ? embedder_->similarity() : Similarity::kCosine;
}

void TextVectors::AddInputs(RunInputs& inputs) const {
  if (embedder_) inputs.AddModel(embedder_->folder());
  if (!input_.embeddings.empty()) inputs.AddFile("embeddings", input_.embeddings);
  if (!PathExists(input_.texts.path)) return;
  for (const Shard& shard : ShardsOf(input_.texts.path)) {
    if (FileExists(shard.path)) inputs.AddFile("texts", shard.path);
  }
}

void TextVectors::Describe(Json& report) const {
  if (embedder_) report.Set("model", input_.model.model);
  if (!embedder_) report.Set("embeddings", input_.embeddings);
  report.Set("texts", vectors().n());
  report.Set("unused_columns", Json::Strings(unused_columns_));
  if (!embedder_) return;
  report.Set("tokens", statistics_.tokens);
  report.Set("truncated", statistics_.truncated);
  report.Set("empty", statistics_.empty);
}

void TextVectors::Warn() const {
  WarnAboutStripped(statistics_.stripped, input_.encoding);
  if (statistics_.empty > 0)
    spdlog::warn("{} texts have no tokens; their vectors are zero", statistics_.empty);
  if (statistics_.truncated > 0) {
    spdlog::info("{} texts were longer than --max-length and lost their {}", statistics_.truncated,
                 LostPart(embedder_->tokenizer()));
  }
}

}  // namespace lacos::cli
