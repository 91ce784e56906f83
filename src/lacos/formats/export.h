// Writing a trained model as a sentence-transformers folder with a model card.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lacos/base/pooling.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/formats/model_folder.h"
#include "lacos/io/json.h"

namespace lacos {

struct ExportSettings {
  std::string base_name;  // the original base, for adapter_config.json
  // The base folder of the training, which lacos.json records by relative path and hash of its
  // config.
  std::string base_folder;
  std::string tokenizer_folder;  // tokenizer.json and its side files are copied from here
  int64_t hidden_size = 0;
  Pooling pooling = Pooling::kMean;
  bool normalize = false;
  int64_t max_length = 75;
  // tokenizer_args of the folder that the training started from, which the tokenizer needs.
  Json tokenizer_args = Json::Object();
  bool strip = false;
  // The settings of the folder from which the training started. Its prompts, default prompt,
  // include_prompt, similarity and truncate_dim are kept.
  EmbeddingSettings origin;
  std::string base_license;  // the license in the base's README, or empty
  std::vector<std::pair<std::string, std::string>> recipe;  // names and values in the model card
  // Names and values such as "STS dev Spearman" and "71.20 (step 500)".
  std::vector<std::pair<std::string, std::string>> scores;
  // names and contents of further files
  std::vector<std::pair<std::string, std::string>> more_files;
};

// Fills the existing `folder` with adapter_config.json, adapter_model.safetensors, modules.json,
// 1_Pooling/config.json, 2_Normalize if vectors are normalized, config_sentence_transformers.json,
// sentence_bert_config.json, tokenizer files, README.md, and lacos.json with the manifest.
// adapter_config.json appears last.
void WriteSentenceTransformersFolder(const std::string& folder, const LoraAdapter& adapter,
                                     const ExportSettings& settings);

}  // namespace lacos
