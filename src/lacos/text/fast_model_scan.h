// A fast reader for the two large parts of a tokenizer.json, "vocab" and "merges". General JSON
// values for a million strings would take longer than all other loading (0.8 s against 0.2 s for
// BLOOM's tokenizer).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lacos/text/tokenizer_spec.h"

namespace lacos {

struct FastModel {
  TokenizerSpec spec;  // has the vocabulary and merges only
  std::string rest;    // the file's text with `{}` and `[]` in their place
};

// Reads model.vocab and model.merges from the text of a file. Returns nothing if anything about
// them is unusual or wrong; then the general parser (Json, ReadTokenizerSpec) decides and reports
// errors. The general parser accepts everything that is accepted here, with the same result.
std::optional<FastModel> ScanModel(std::string_view text);

}  // namespace lacos
