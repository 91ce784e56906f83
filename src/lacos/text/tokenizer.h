// Byte-level BPE from a Hugging Face tokenizer.json: text to token ids and back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

struct Encoding {
  std::vector<int32_t> ids;
  // For each id its range [begin, end) in the text, in Unicode characters, as HF tokenizers reports
  // it.
  std::vector<std::pair<int64_t, int64_t>> offsets;  // filled only by EncodeWithOffsets
};

// Immutable after loading. All methods may be called from several threads.
class Tokenizer {
 public:
  // Throw UserError naming the file and the unsupported or malformed part.
  static std::unique_ptr<Tokenizer> FromFile(const std::string& path);
  static std::unique_ptr<Tokenizer> FromJson(std::string_view json, const std::string& where);
  virtual ~Tokenizer() = default;

  // Replaces `ids` by the ids of a text in valid UTF-8, with added tokens and post-processing. The
  // truncation and padding in the file are not applied, because transformers sets both anew on
  // every call. Throws UserError if the file's split pattern backtracks too often on the text
  // (Regex::kMaxRetries).
  virtual void Encode(std::string_view text, std::vector<int32_t>& ids) const = 0;
  virtual Encoding EncodeWithOffsets(std::string_view text) const = 0;
  // The text for ids. Invalid UTF-8 in the result is replaced as HF tokenizers does it. Throws
  // UserError for unknown ids.
  virtual std::string Decode(std::span<const int32_t> ids, bool skip_special_tokens) const = 0;
  // The largest id of the vocabulary and the added tokens, plus 1.
  virtual int64_t VocabularySize() const = 0;
  // The id of the token with this literal string, or -1.
  virtual int32_t TokenId(std::string_view token) const = 0;
};

}  // namespace lacos
