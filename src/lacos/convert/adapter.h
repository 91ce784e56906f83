// An adapter checked against its base and written in the form that PEFT reads today.
#pragma once

#include <optional>
#include <string>

#include "lacos/formats/lora_adapter.h"
#include "lacos/io/output.h"

namespace lacos {

struct AdapterOptions {
  std::string base, adapter;  // as OpenModelFolder takes them
  std::string base_name;      // which the result is to name; default: what the adapter says
  // Whether keys name the layers of BloomForCausalLM, else of BloomModel; default: what the adapter
  // says.
  std::optional<bool> causal_keys;
  OutputOptions writing;  // no progress is reported
};

struct WrittenAdapter {
  LoraAdapter adapter;
  std::string base_name;
};

// Reads the adapter of `model` and writes it to the folder `output`, atomically: .bin and the old
// MergedLinear form become what PEFT reads today, tensors that need no conversion stay as they are.
// Throws UserError: for a base without an adapter, and for adapters that ReadLoraAdapter refuses.
WrittenAdapter RewriteAdapter(const std::string& model, const std::string& output,
                              const AdapterOptions& options);

}  // namespace lacos
