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
  // For each id the [begin, end) range of the text in Unicode characters, as HF tokenizers reports
  // it.
  std::vector<std::pair<int64_t, int64_t>> offsets;  // filled only by EncodeWithOffsets
};

// Immutable after loading; all methods may be called from several threads.
class Tokenizer {
 public:
  // Throws UserError naming the file and the unsupported or malformed part.
  static std::unique_ptr<Tokenizer> FromFile(const std::string& path);
  static std::unique_ptr<Tokenizer> FromJson(std::string_view json, const std::string& where);
  virtual ~Tokenizer() = default;

  // Ids of valid UTF-8 text, added tokens and post-processing included; they replace what `ids`
  // held. Truncation and padding that a file asks for are not applied (transformers sets both anew
  // on every call). Throws UserError when the file's split pattern backtracks without end on the
  // text (Regex::kMaxRetries).
  virtual void Encode(std::string_view text, std::vector<int32_t>& ids) const = 0;
  virtual Encoding EncodeWithOffsets(std::string_view text) const = 0;
  // The text of ids; invalid UTF-8 that results is replaced as HF tokenizers does. Throws UserError
  // for unknown ids.
  virtual std::string Decode(std::span<const int32_t> ids, bool skip_special_tokens) const = 0;
  // Largest id + 1 over vocabulary and added tokens.
  virtual int64_t VocabularySize() const = 0;
  // Id of a token's literal string, or -1.
  virtual int32_t TokenId(std::string_view token) const = 0;
};

}  // namespace lacos
