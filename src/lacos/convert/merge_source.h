// What a merge starts from: an original base, an adapter, and the small files that the result takes
// over from either.
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
  std::string model;  // as given: an original BLOOM folder, or a full sentence-transformers model
  std::string base_path;  // the folder with config.json and the weights: `model` or a subfolder
  std::string adapter;    // as given, or empty
  // the folder with adapter_config.json: `adapter` or a subfolder; or empty
  std::string adapter_path;
  std::string base_name;  // hub name or path of the base, for records
  // The folder whose modules.json says how vectors are made, or empty; and where in it the
  // transformer lies.
  std::string modules_path, transformer_subfolder;
  EmbeddingSettings settings;  // of that folder
  std::shared_ptr<BaseWeights> base_weights;
  LoraAdapter values;  // what the adapter holds; empty without one
};

// Opens both folders and checks that they belong together. `adapter` may be empty. Throws
// UserError: for a quantised base (naming the original, where its lacos.json does), for an
// adapter's folder given as `model`, and for adapters that ReadLoraAdapter refuses.
MergeSource OpenMergeSource(const std::string& model, const std::string& adapter);

// CheckOutput with every folder that is read as an input, now that they are known.
void RefuseAsOutput(const std::string& output, const MergeSource& source, bool overwrite);

// What run.json says of a merge: the files of both.
WorkRecord MergeRecord(const std::string& model, const std::string& adapter);

// The tokenizer.json that belongs to the result: the adapter's own where it is a trained model,
// else the base's. Empty when there is none.
std::string MergedTokenizerPath(const MergeSource& source);

// Copies everything but weights and lacos.json to `target`: config.json, tokenizer, licence, README
// and sentence-transformers files.
void CopyMergedSideFiles(const MergeSource& source, const std::string& target);

}  // namespace lacos
