// Checks an adapter against its base and writes it in the form that PEFT reads today.
#pragma once

#include <optional>
#include <string>

#include "lacos/formats/lora_adapter.h"
#include "lacos/io/output.h"

namespace lacos {

struct AdapterOptions {
  std::string base, adapter;  // paths as OpenModelFolder takes them
  std::string base_name;      // base name to record in the result; default: what the adapter says
  // Whether the keys name the layers of a BloomForCausalLM (true) or of a BloomModel (false);
  // default: what the adapter says.
  std::optional<bool> causal_keys;
  OutputOptions writing;  // progress is not reported
};

struct WrittenAdapter {
  LoraAdapter adapter;
  std::string base_name;
};

// Reads the adapter of `model` and writes it to the folder `output` atomically. A .bin and the old
// MergedLinear form become what PEFT reads today; tensors that need no conversion stay as they are.
// Throws UserError for a base without an adapter and for adapters that ReadLoraAdapter refuses.
WrittenAdapter RewriteAdapter(const std::string& model, const std::string& output,
                              const AdapterOptions& options);

}  // namespace lacos
