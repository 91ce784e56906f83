// Leaving for llama.cpp: an original BLOOM, with or without an adapter, as one GGUF file.
#pragma once

#include <optional>
#include <string>

#include "lacos/base/pooling.h"
#include "lacos/convert/merge.h"
#include "lacos/io/gguf_writer.h"
#include "lacos/io/output.h"

namespace lacos {

struct GgufOptions {
  GgmlType type = GgmlType::kF16;  // of matrices; vectors are F32
  // What llama.cpp shall make of token vectors. Default: what the folder says, else the mean.
  std::optional<Pooling> pooling;
  OutputOptions writing;  // its progress counts the original's bytes
};

// Writes the weights that MergeFolder would write, by llama.cpp's conventions for BLOOM: its names,
// the fused query_key_value re-ordered from heads of (q, k, v) to all of Q, all of K, all of V,
// metadata and tokenizer. `adapter` may be empty. `output` is the file where it ends in ".gguf",
// else a folder that gets model.gguf. Throws UserError: for models that llama.cpp's BLOOM cannot
// run, tokenizers that it cannot express, and values that are not finite in `type`. Warnings say
// where llama.cpp will give something else than lacos.
MergeReport ExportGguf(const std::string& model, const std::string& adapter,
                       const std::string& output, const GgufOptions& options);

}  // namespace lacos
