// Exports an original BLOOM, with or without an adapter, to llama.cpp as one GGUF file.
#pragma once

#include <optional>
#include <string>

#include "lacos/base/pooling.h"
#include "lacos/convert/merge.h"
#include "lacos/io/gguf_writer.h"
#include "lacos/io/output.h"

namespace lacos {

struct GgufOptions {
  GgmlType type = GgmlType::kF16;  // type of the matrices; vectors are F32
  // The pooling of token vectors that the file requests from llama.cpp. Default: what the folder
  // says, else the mean.
  std::optional<Pooling> pooling;
  OutputOptions writing;  // progress counts the bytes of the original
};

// Writes the weights that MergeFolder would write, in llama.cpp's form of BLOOM: with its names,
// metadata and tokenizer, and with the fused query_key_value reordered from (q, k, v) for each head
// to all of Q, all of K, all of V. `adapter` may be empty. `output` is the file if it ends in
// ".gguf", else a folder that gets model.gguf. Throws UserError for models that llama.cpp's BLOOM
// cannot run, for tokenizers that it cannot express, and for values that are not finite in `type`.
// Warnings tell where the results of llama.cpp will differ from those of lacos.
MergeReport ExportGguf(const std::string& model, const std::string& adapter,
                       const std::string& output, const GgufOptions& options);

}  // namespace lacos
