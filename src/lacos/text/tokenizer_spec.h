// What a tokenizer.json says, checked: everything that the tokenizer is built from.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/text/added_tokens.h"
#include "lacos/text/bpe.h"
#include "lacos/text/splitter.h"
#include "lacos/text/vocabulary.h"

namespace lacos {

// Cuts text into words: each step cuts the pieces of the one before it. ByteLevel is always one of
// the steps.
struct PreTokenizerSpec {
  std::vector<Splitter> splits;
  // ByteLevel puts a blank before every piece that does not begin with one
  bool add_prefix_space = false;
  bool use_regex = false;  // ByteLevel cuts its pieces by GPT-2's pattern, after adding the blank
  // steps after ByteLevel: they see the spelling of the bytes
  std::vector<Splitter> spelled_splits;
};

// One part of what the post-processor's template puts together: the text's tokens, or fixed ids.
struct TemplatePiece {
  bool text = false;
  std::vector<int32_t> ids;
};

struct PostProcessorSpec {
  std::vector<bool> trims;  // one for each ByteLevel that trims offsets: its add_prefix_space
  std::vector<TemplatePiece> pieces = {{.text = true}};
};

enum class DecoderKind { kNone, kByteLevel };

struct TokenizerSpec {
  Vocabulary vocabulary;
  BpeAlphabet alphabet;
  std::vector<BpeMerge> merges;
  // a word that is a vocabulary entry is that entry, whatever the merges say
  bool ignore_merges = false;
  std::vector<AddedToken> added_tokens;
  PreTokenizerSpec pre_tokenizer;
  PostProcessorSpec post_processor;
  DecoderKind decoder = DecoderKind::kNone;
};

// Throws UserError naming the place of anything malformed or unsupported. Where `spec` has a
// vocabulary already, it and the merges of `spec` are taken instead of the file's.
TokenizerSpec ReadTokenizerSpec(const Json& root, TokenizerSpec spec = {});

// Its parts. `model` fills alphabet and ignore_merges, and vocabulary and merges unless they are
// there.
void ReadModelSpec(const Json& model, TokenizerSpec& spec);
std::vector<AddedToken> ReadAddedTokens(const Json& list, const Vocabulary& vocabulary);
PreTokenizerSpec ReadPreTokenizerSpec(const Json& json);
PostProcessorSpec ReadPostProcessorSpec(const Json& json, const TokenizerSpec& spec);

}  // namespace lacos
