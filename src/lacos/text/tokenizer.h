// Byte-level BPE from a Hugging Face tokenizer.json: text to token ids and back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/text/added_tokens.h"
#include "lacos/text/tokenizer_options.h"

namespace lacos {

struct Encoding {
  std::vector<int32_t> ids;
  // For each id its range [begin, end) in the text, in Unicode characters, as HF tokenizers reports
  // it.
  std::vector<std::pair<int64_t, int64_t>> offsets;  // filled only by EncodeWithOffsets
  bool truncated = false;
};

// Immutable after loading. All methods may be called from several threads.
class Tokenizer {
 public:
  // Throw UserError naming the file and the unsupported or malformed part.
  static std::unique_ptr<Tokenizer> FromFile(const std::string& path,
                                             const TokenizerOptions& options = {});
  static std::unique_ptr<Tokenizer> FromJson(std::string_view json, const std::string& where,
                                             const TokenizerOptions& options = {});
  virtual ~Tokenizer() = default;

  static constexpr int64_t kNoLimit = INT64_MAX;

  // Replaces `ids` by the ids of a text in valid UTF-8, with added tokens and post-processing.
  // Throws UserError if the file's split pattern backtracks too often on the text
  // (Regex::kMaxRetries), and for an added token beyond TokenizerOptions::rows.
  void Encode(std::string_view text, std::vector<int32_t>& ids) const {
    EncodeTruncated(text, kNoLimit, ids);
  }
  // The same for at most `max_length` ids. The text loses its beginning or its end; the ids of the
  // post-processor stay. Returns whether ids were lost. The limits in the file are not applied,
  // because transformers sets them anew on every call. max_length is at least TemplateIds().
  virtual bool EncodeTruncated(std::string_view text, int64_t max_length,
                               std::vector<int32_t>& ids) const = 0;
  virtual Encoding EncodeWithOffsets(std::string_view text, int64_t max_length) const = 0;
  Encoding EncodeWithOffsets(std::string_view text) const {
    return EncodeWithOffsets(text, kNoLimit);
  }
  // Number of ids that the post-processor puts around a text.
  virtual int64_t TemplateIds() const = 0;
  // Whether truncation takes a text's beginning, and not its end.
  virtual bool TruncatesLeft() const = 0;
  // The text for ids. Invalid UTF-8 in the result is replaced as HF tokenizers does it. Throws
  // UserError for unknown ids.
  virtual std::string Decode(std::span<const int32_t> ids, bool skip_special_tokens) const = 0;
  // The largest id of the vocabulary and the added tokens, plus 1.
  virtual int64_t VocabularySize() const = 0;
  // The id of the token with this literal string, or -1.
  virtual int32_t TokenId(std::string_view token) const = 0;
  virtual std::span<const AddedToken> added_tokens() const = 0;
  // Whether the files beside tokenizer.json name the token as a special one (bos_token and the
  // like). Tokens that only tokenizer.json marks as special do not count.
  virtual bool IsNamedSpecial(int32_t id) const = 0;
  // What TokenizerOptions changed about the ids of texts, for hashes; "" if nothing.
  virtual const std::string& SideChanges() const = 0;
};

}  // namespace lacos
