// A fast way over the two large parts of a tokenizer.json, "vocab" and "merges": general JSON
// values for a million strings would take longer than everything else in loading (0.8 s against 0.2
// s for BLOOM's size).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lacos/text/tokenizer_spec.h"

namespace lacos {

struct FastModel {
  TokenizerSpec spec;  // with vocabulary and merges only
  std::string rest;    // the file with `{}` and `[]` in their place
};

// Reads model.vocab and model.merges out of a file's text. Nothing when anything about them is
// unusual or wrong: then the general way (Json, ReadTokenizerSpec) decides and words the message.
// What is accepted here is accepted there, with the same result.
std::optional<FastModel> ScanModel(std::string_view text);

}  // namespace lacos
