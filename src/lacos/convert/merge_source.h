// The input of a merge: an original base, an adapter, and the small files that the result takes
// from either of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lacos/formats/base_weights.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/formats/model_folder.h"
#include "lacos/record/run_record.h"

namespace lacos {

struct MergeSource {
  // path as given: an original BLOOM folder or a full sentence-transformers model
  std::string model;
  std::string base_path;  // the folder with config.json and the weights: `model` or a subfolder
  std::string adapter;    // path as given, or empty
  // The folder with adapter_config.json, which is `adapter` or a subfolder of it; or empty.
  std::string adapter_path;
  std::string base_name;  // the base's hub name or path, for records
  // The folder whose modules.json says how vectors are computed, or empty; and the subfolder of the
  // transformer in it.
  std::string modules_path, transformer_subfolder;
  EmbeddingSettings settings;                 // the settings of modules_path
  Json tokenizer_overrides = Json::Object();  // see ModelFolder
  std::shared_ptr<BaseWeights> base_weights;
  LoraAdapter values;                 // the values of the adapter; empty if there is none
  std::vector<std::string> warnings;  // what a user should hear about the result
};

// Opens both folders and checks that they belong together. `adapter` may be empty. Throws UserError
// for a quantized base (naming the original if its lacos.json does), for an adapter's folder given
// as `model`, and for adapters that ReadLoraAdapter refuses.
MergeSource OpenMergeSource(const std::string& model, const std::string& adapter);

// Calls CheckOutput with every folder that is read as an input. All of them are known once the
// source is open.
void RefuseAsOutput(const std::string& output, const MergeSource& source, bool overwrite);

// What run.json records about a merge: the files of both folders.
WorkRecord MergeRecord(const std::string& model, const std::string& adapter);

// The tokenizer.json that belongs to the result: the adapter's own if the adapter is a trained
// model, else the base's. Empty if there is none.
std::string MergedTokenizerPath(const MergeSource& source);

// Copies everything but weights and lacos.json to `target`: config.json, tokenizer, licence, README
// and the sentence-transformers files.
void CopyMergedSideFiles(const MergeSource& source, const std::string& target);

}  // namespace lacos
