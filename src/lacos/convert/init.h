// Random BLOOM folders of any shape, for tests, benchmarks and trying out big models without
// downloading them.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/io/json.h"
#include "lacos/io/output.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

struct InitOptions {
  uint64_t seed = 42;
  DType dtype = DType::kBF16;  // F32, BF16 or F16; of the vectors when `quantized`
  bool quantized = false;      // random codes, row-wise linear, written directly
  // a tokenizer.json to copy; empty: a byte-level one without merges is made
  std::string tokenizer;
  std::string config_path;  // where the configuration was read, for run.json; may be empty
  OutputOptions writing;    // no progress is reported
};

// A folder with random weights (normal, standard deviation 0.02; LayerNorm 1 and 0, biases 0),
// streamed. `config` needs hidden_size, n_head, n_layer and vocab_size only. The bytes depend on
// the seed and the shape alone. Throws UserError when the config is wrong or the tokenizer has ids
// beyond vocab_size.
void InitFolder(const Json& config, const std::string& output, const InitOptions& options);

}  // namespace lacos
