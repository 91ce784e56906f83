// A model folder with weights: the folder is opened and every tensor is read, also those of an
// adapter in the folder.
#include "lacos/formats/base_embedding.h"
#include "lacos/formats/base_weights.h"

#include <filesystem>
#include <vector>

#include "files.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/quant/code.h"
#include "targets.h"

namespace lacos::fuzz {

void Checkpoint(Input input) {
  const std::string folder = MakeModelFolder(Text(input));
  const auto base_weights = lacos::BaseWeights::Open(folder);
  for (const TensorSpec& spec : ListTensors(base_weights->config())) {
    if (!spec.IsMatrix()) {
      base_weights->Vector(spec.name);
      continue;
    }
    const QuantizedMatrix matrix = base_weights->Matrix(spec.name);
    std::vector<float> values(static_cast<size_t>(matrix.rows * matrix.cols));
    Decode(matrix, 0, static_cast<int64_t>(values.size()), values.data());
  }
  const auto embedding = MakeEmbeddingSource(base_weights);
  std::vector<float> row(static_cast<size_t>(embedding->cols()));
  for (int64_t i = 0; i < embedding->rows(); ++i) embedding->ReadRow(i, row);
  if (std::filesystem::exists(folder + "/adapter_config.json"))
    ReadLoraAdapter(folder, base_weights->config());
}

}  // namespace lacos::fuzz
