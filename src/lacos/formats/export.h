// Writing what others read: the sentence-transformers folder of a trained model, with its model
// card.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lacos/base/pooling.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/formats/model_folder.h"

namespace lacos {

struct ExportSettings {
  std::string base_name;  // the original base, for adapter_config.json
  // the folder trained on, recorded in lacos.json by relative path and config hash
  std::string base_folder;
  std::string tokenizer_folder;  // tokenizer.json and its side files are copied from here
  int64_t hidden_size = 0;
  Pooling pooling = Pooling::kMean;
  bool normalize = false;
  int64_t max_length = 75;
  bool strip = false;
  std::string base_license;                                 // from the base's README, or empty
  std::vector<std::pair<std::string, std::string>> recipe;  // name, value: the model card's table
  // "STS dev Spearman", "71.20 (step 500)"
  std::vector<std::pair<std::string, std::string>> scores;
  std::vector<std::pair<std::string, std::string>> more_files;  // name, contents: beside the others
};

// Fills `folder` (which exists) with adapter_config.json, adapter_model.safetensors, modules.json,
// 1_Pooling/config.json, 2_Normalize when asked, config_sentence_transformers.json,
// sentence_bert_config.json, tokenizer files, README.md, lacos.json with the manifest;
// adapter_config.json appears last.
void WriteSentenceTransformersFolder(const std::string& folder, const LoraAdapter& adapter,
                                     const ExportSettings& settings);

}  // namespace lacos
