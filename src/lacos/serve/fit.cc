#include "lacos/serve/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/encoder.h"
#include "lacos/model/streaming.h"

namespace lacos::serve {
namespace {

double Gigabytes(int64_t bytes) { return static_cast<double>(bytes) / 1e9; }

// What a batch takes on the device beside the base.
struct BatchMemory {
  int64_t activations = 0, workspace = 0;
};

PackedTexts BatchOf(int64_t tokens, int64_t longest) {
  const std::vector<int32_t> ids(static_cast<size_t>(longest));
  PackedTexts batch;
  while (batch.Tokens() < tokens) {
    const int64_t length = std::min(tokens - batch.Tokens(), longest);
    batch.Add(std::span(ids).first(static_cast<size_t>(length)));
  }
  return batch;
}

// Runs two batches on a backend that computes nothing: one of the longest texts, whose token states are
// kept, and one of as many texts as there are tokens.
BatchMemory RunDry(DryBackend& dry, BloomModel& model, int64_t batch_tokens, int64_t max_length) {
  Encoder encoder(model, {.dropout = {}});
  const int64_t tokens = std::max(batch_tokens, max_length);
  const auto states = [&] {
    return encoder.arena().Allocate(dry.Types().residual, {tokens, model.config().hidden_size});
  };
  {
    const ArenaScope scope(encoder.arena());
    encoder.HiddenStates(BatchOf(tokens, max_length), states());
  }
  {
    const ArenaScope scope(encoder.arena());
    encoder.Forward(BatchOf(tokens, 1), states());
  }
  return {.activations = static_cast<int64_t>(encoder.arena().HighWaterBytes()),
          .workspace = static_cast<int64_t>(dry.WorkspaceBytes())};
}

int64_t RequireFitOnGpu(const SentenceEncoderOptions& options, int64_t batch_tokens,
                        const ModelFolder& folder, std::shared_ptr<BaseWeights> weights) {
  const std::unique_ptr<Backend> backend =
      MakeBackend({.device = options.device, .compute = options.compute});
  const std::unique_ptr<DryBackend> dry = backend->MakeDry();
  BloomModel model(*dry, std::move(weights));
  const int64_t max_length = options.max_length.value_or(folder.settings.max_length.value_or(2048));
  const BatchMemory batch = RunDry(*dry, model, batch_tokens, max_length);
  const auto base =
      static_cast<int64_t>(options.stream_layers ? dry->LeastWeightBytes() : dry->WeightBytes());
  const int64_t needed = base + batch.activations + batch.workspace;
  const int64_t available = backend->Memory().free;
  if (needed <= available) return batch.activations;
  throw UserError(fmt::format(
      "[memory] this server needs {:.2f} GB on GPU {}, {:.2f} GB of them for the base, but {:.2f} GB "
      "are free; expected a server that fits; lower `batch_tokens` or `max_length`, {}or choose "
      "device cpu",
      Gigabytes(needed), options.device.index, Gigabytes(base), Gigabytes(available),
      options.stream_layers ? "" : "stream its layers (`stream_layers`), "));
}

}  // namespace

int64_t RequireFit(const SentenceEncoderOptions& options, int64_t batch_tokens) {
  const ModelFolder folder = OpenModelFolder(options.path, options.base, options.adapter);
  std::shared_ptr<BaseWeights> weights = BaseWeights::Open(folder.base_path);
  if (options.device.kind == DeviceKind::kCuda)
    return RequireFitOnGpu(options, batch_tokens, folder, std::move(weights));
  const int64_t available = AvailableMemoryBytes();
  const int64_t needed = ResidentBaseBytes(
      *weights, options.stream_layers ? ChooseStreaming(*weights) : WeightStreaming::kNone);
  if (available == 0 || needed <= available) return 0;
  throw UserError(fmt::format(
      "[memory] this server needs {:.2f} GB for the base, but {:.2f} GB are free; expected a server "
      "that fits; quantize the base, {}or take a machine with more memory",
      Gigabytes(needed), Gigabytes(available),
      options.stream_layers ? "" : "stream its layers (`stream_layers`), "));
}

}  // namespace lacos::serve
