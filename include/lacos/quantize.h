// Casts an original BLOOM folder to 8 bits.
#ifndef LACOS_CPP_QUANTIZE_H_
#define LACOS_CPP_QUANTIZE_H_

#include <lacos/version.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

LACOS_BEGIN_NAMESPACE

struct QuantizeOptions {
  // What the codes mean. linear: equal steps. dynamic: the 256-entry map of bitsandbytes (Dettmers
  // et al., "8-bit optimizers via block-wise quantization", ICLR 2022).
  std::string scheme = "linear";
  // Weights that share one scale: a power of two from 64 to 4096, or 0 for one output row, on whose
  // codes the int8 product works exactly.
  std::int64_t block_size = 0;
  bool keep_embedding = false;   // leave the word embedding in its original type
  std::string layout = "lacos";  // whose files to write: lacos or bitsandbytes
  // Hub name or path of the original, which adapters that are trained on the output name as their
  // base; "": what the folder says, or else its path.
  std::string base_name;
  bool overwrite = false;  // replace an existing output
  // Called after each tensor with the bytes of the original that are done and all of them. If it
  // returns false, the call throws Cancelled.
  std::function<bool(std::int64_t done, std::int64_t total)> progress;
};

struct QuantizeReport {
  std::int64_t bytes_before = 0, bytes_after = 0;  // bytes of the tensors
  // rms error / rms weight, by kind of tensor ("query_key_value", "word_embeddings", ...)
  std::map<std::string, double> relative_error;
};

// Casts the original BLOOM in the folder `model` to 8 bits, tensor by tensor, and writes a complete
// folder. `output` appears only when it is complete. Throws Error that names the tensor if a weight
// is NaN or infinite, and for folders that are not as described.
LACOS_API QuantizeReport Quantize(const std::string& model, const std::string& output,
                                  const QuantizeOptions& options = {});

LACOS_END_NAMESPACE

#endif  // LACOS_CPP_QUANTIZE_H_
