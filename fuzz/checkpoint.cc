// A model folder with weights: opened, every tensor read, and with the adapter that lies beside it.
#include "lacos/model/checkpoint.h"

#include <filesystem>
#include <vector>

#include "files.h"
#include "lacos/model/lora_adapter.h"
#include "lacos/quant/code.h"
#include "targets.h"

namespace lacos::fuzz {

void Checkpoint(Input input) {
  const std::string folder = MakeModelFolder(Text(input));
  const auto checkpoint = lacos::Checkpoint::Open(folder);
  for (const TensorSpec& spec : ListTensors(checkpoint->config())) {
    if (!spec.IsMatrix()) {
      checkpoint->Vector(spec.name);
      continue;
    }
    const QuantizedMatrix matrix = checkpoint->Matrix(spec.name);
    std::vector<float> values(static_cast<size_t>(matrix.rows * matrix.cols));
    Decode(matrix, 0, static_cast<int64_t>(values.size()), values.data());
  }
  const auto embedding = MakeEmbeddingSource(checkpoint);
  std::vector<float> row(static_cast<size_t>(embedding->cols()));
  for (int64_t i = 0; i < embedding->rows(); ++i) embedding->ReadRow(i, row);
  if (std::filesystem::exists(folder + "/adapter_config.json")) ReadLoraAdapter(folder, checkpoint->config());
}

}  // namespace lacos::fuzz
