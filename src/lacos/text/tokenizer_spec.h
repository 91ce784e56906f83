// The checked contents of a tokenizer.json, from which the tokenizer is built.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/text/added_tokens.h"
#include "lacos/text/bpe.h"
#include "lacos/text/splitter.h"
#include "lacos/text/tokenizer_options.h"
#include "lacos/text/vocabulary.h"

namespace lacos {

// Splits text into words. Each step splits the pieces of the step before it. ByteLevel is always
// one of the steps.
struct PreTokenizerSpec {
  std::vector<Splitter> splits;
  // ByteLevel puts a space before every piece that does not begin with one
  bool add_prefix_space = false;
  bool use_regex = false;  // ByteLevel splits its pieces by GPT-2's pattern, after adding the space
  // steps after ByteLevel, which see the spelling of the bytes
  std::vector<Splitter> spelled_splits;
};

// One part of the post-processor's template: the tokens of the text, or fixed ids.
struct TemplatePiece {
  bool text = false;
  std::vector<int32_t> ids;
};

struct PostProcessorSpec {
  std::vector<bool> trims;  // the add_prefix_space of each ByteLevel that trims offsets
  std::vector<TemplatePiece> pieces = {{.text = true}};
};

enum class DecoderKind { kNone, kByteLevel };

struct TokenizerSpec {
  Vocabulary vocabulary;
  BpeAlphabet alphabet;
  std::vector<BpeMerge> merges;
  // a word that is in the vocabulary gets that id, whatever the merges say
  bool ignore_merges = false;
  std::vector<AddedToken> added_tokens;
  PreTokenizerSpec pre_tokenizer;
  PostProcessorSpec post_processor;
  DecoderKind decoder = DecoderKind::kNone;
  bool truncate_left = false;
  bool split_special_tokens = false;          // special tokens in a text are split like other text
  std::unordered_set<int32_t> named_special;  // ids of special tokens that side files name
  int64_t rows = INT64_MAX;                   // see TokenizerOptions
  std::string side_changes;                   // see Tokenizer::SideChanges
};

// Throws UserError naming the place of anything malformed or unsupported. If `spec` already has a
// vocabulary, then it and the merges in `spec` are used instead of the file's.
TokenizerSpec ReadTokenizerSpec(const Json& root, TokenizerSpec spec = {});

// The parts of ReadTokenizerSpec. `model` fills alphabet and ignore_merges, and also vocabulary and
// merges unless they are already there.
void ReadModelSpec(const Json& model, TokenizerSpec& spec);
std::vector<AddedToken> ReadAddedTokens(const Json& list, const Vocabulary& vocabulary);
PreTokenizerSpec ReadPreTokenizerSpec(const Json& json);
PostProcessorSpec ReadPostProcessorSpec(const Json& json, const TokenizerSpec& spec);

// The id that Hugging Face tokenizers gives to a token that is added: that of the vocabulary, or the
// next free one. `largest` is the largest id of the tokens that were added before, or -1.
int64_t NextAddedId(std::string_view content, int64_t largest, const Vocabulary& vocabulary);
// Adds what the side files of a tokenizer change, in the order in which transformers 5 does it.
// Throws UserError for a token that a file gives another id than it gets there.
void ApplyOptions(const TokenizerOptions& options, TokenizerSpec& spec);

}  // namespace lacos
