// Makes random BLOOM folders of any shape for tests, for benchmarks and for trying big models
// without a download.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/io/json.h"
#include "lacos/io/output.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

struct InitOptions {
  uint64_t seed = 42;
  DType dtype = DType::kBF16;  // F32, BF16 or F16; the type of the vectors if `quantized`
  bool quantized = false;      // random codes (row-wise linear), written directly
  // A tokenizer.json to copy; if empty, a byte-level one without merges is made.
  std::string tokenizer;
  std::string config_path;  // where the configuration was read, for run.json; may be empty
  OutputOptions writing;    // progress is not reported
};

// Writes a folder with random weights slice by slice: normal with standard deviation 0.02,
// LayerNorm 1 and 0, biases 0. `config` needs only hidden_size, n_head, n_layer and vocab_size. The
// bytes depend only on the seed and the shape. Throws UserError if the config is wrong or the
// tokenizer has ids beyond vocab_size.
void InitFolder(const Json& config, const std::string& output, const InitOptions& options);

}  // namespace lacos
