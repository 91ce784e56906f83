#include "files.h"

#include <algorithm>

#include "targets.h"

namespace lacos::fuzz {
namespace {

constexpr std::string_view kModelNames[] = {"config.json",
                                            "lacos.json",
                                            "modules.json",
                                            "adapter_config.json",
                                            "1_Pooling/config.json",
                                            "config_sentence_transformers.json",
                                            "sentence_bert_config.json",
                                            "2_Normalize/config.json",
                                            "tokenizer_config.json",
                                            "special_tokens_map.json",
                                            "added_tokens.json",
                                            "tokenizer.json",
                                            "model.safetensors",
                                            "model.safetensors.index.json",
                                            "model-1.safetensors",
                                            "model-2.safetensors",
                                            "pytorch_model.bin",
                                            "pytorch_model.bin.index.json",
                                            "adapter_model.safetensors",
                                            "adapter_model.bin",
                                            "0_Transformer/config.json",
                                            "0_Transformer/adapter_config.json"};

constexpr std::string_view kMark = "\n=== ";

}  // namespace

std::string MakeFolder(std::string_view input, std::span<const std::string_view> names) {
  RemoveScratch("folder");
  std::string_view name = names.front();
  std::string path = WriteScratch("folder/none", "");
  while (true) {
    const size_t mark = input.find(kMark);
    const std::string_view contents = input.substr(0, mark);
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      WriteScratch("folder/" + std::string(name), contents);
    }
    if (mark == std::string_view::npos) break;
    input.remove_prefix(mark + kMark.size());
    const size_t line = std::min(input.find('\n'), input.size());
    name = input.substr(0, line);
    input.remove_prefix(std::min(line + 1, input.size()));
  }
  return path.substr(0, path.rfind('/'));
}

std::string MakeModelFolder(std::string_view input) { return MakeFolder(input, kModelNames); }

}  // namespace lacos::fuzz
