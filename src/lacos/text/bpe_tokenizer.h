// The Tokenizer that a checked tokenizer.json describes: added tokens, pre-tokenizer, byte-level
// BPE and post-processor.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "lacos/text/added_tokens.h"
#include "lacos/text/bpe.h"
#include "lacos/text/tokenizer.h"
#include "lacos/text/tokenizer_spec.h"
#include "lacos/text/word_cache.h"

namespace lacos {

class BpeTokenizer : public Tokenizer {
 public:
  explicit BpeTokenizer(TokenizerSpec spec);
  ~BpeTokenizer() override;

  using Tokenizer::EncodeWithOffsets;
  bool EncodeTruncated(std::string_view text, int64_t max_length,
                       std::vector<int32_t>& ids) const override;
  Encoding EncodeWithOffsets(std::string_view text, int64_t max_length) const override;
  int64_t TemplateIds() const override { return template_ids_; }
  bool TruncatesLeft() const override { return truncate_left_; }
  std::string Decode(std::span<const int32_t> ids, bool skip_special_tokens) const override;
  int64_t VocabularySize() const override { return vocabulary_size_; }
  int32_t TokenId(std::string_view token) const override;
  std::span<const AddedToken> added_tokens() const override { return added_tokens_.tokens(); }
  bool IsNamedSpecial(int32_t id) const override { return named_special_.contains(id); }
  const std::string& SideChanges() const override { return side_changes_; }

 private:
  // The memory for one call. Threads take one from a pool and put it back, so that none is shared
  // and none is allocated anew. One thread may use two at a time.
  struct Scratch {
    std::string text;   // the text, followed by bytes that may be read
    std::string piece;  // a piece with a space before it, followed by bytes that may be read
    std::string spelled;
    std::string valid;  // the text with every invalid byte replaced, for patterns
    std::vector<PieceRange> pieces, spelled_pieces;
    Splitter::Workspace splitter;
    std::vector<AddedTokens::Segment> segments;
    Bpe::Workspace bpe;
    WordCache cache;
  };
  class ScratchLease;

  // Calls f(word, begin, blank) for each word in a part of the text without added tokens. `blank`
  // is 1 if ByteLevel added a space before the word, else 0. The word's bytes after that space are
  // the bytes of the text from `begin` on.
  template <class F>
  void ForEachWord(std::string_view text, Scratch& scratch, F&& f) const;
  // The same for one word of ByteLevel, which later steps may split again.
  template <class F>
  void CutSpelled(std::string_view word, size_t begin, size_t blank, Scratch& scratch, F&& f) const;

  void AppendWord(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const;
  // The range of ids [begin, end) that is left of `count` ids of a text.
  std::pair<size_t, size_t> Kept(size_t count, int64_t max_length) const;
  // Throws UserError if the added token has no row in the word embedding.
  void RequireRow(int32_t id) const;
  // The id of the vocabulary entry that equals the whole word, for ignore_merges; else -1.
  int32_t WholeWord(std::string_view word, Scratch& scratch) const;

  const Vocabulary vocabulary_;
  const AddedTokens added_tokens_;
  const PreTokenizerSpec pre_tokenizer_;
  // The only step beside a ByteLevel that does not split, if the pre-tokenizer is this simple.
  const SplitPattern* const scanner_;
  const bool needs_valid_utf8_;
  const PostProcessorSpec post_processor_;
  const DecoderKind decoder_;
  const bool ignore_merges_;
  const bool truncate_left_;
  const std::unordered_set<int32_t> named_special_;
  const int64_t rows_;
  const std::string side_changes_;
  const Bpe bpe_;
  int64_t vocabulary_size_ = 0;
  int64_t template_ids_ = 0;

  static constexpr size_t kPoolSize = 64;
  mutable std::array<std::atomic<Scratch*>, kPoolSize> pool_{};
};

}  // namespace lacos
