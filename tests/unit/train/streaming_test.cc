// Streaming of layers (--stream-layers): after a pass over all blocks, little more than one block
// of the base is in memory, and the results have the same bytes.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/base/rng.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/block_loader.h"
#include "lacos/model/encoder.h"
#include "lacos/model/layer_cache.h"
#include "lacos/model/streaming.h"
#include "lacos/nn/block.h"
#include "lacos/train/plan.h"
#include "test_paths.h"

namespace lacos {
namespace {

constexpr char kModel[] = LACOS_SOURCE_DIR "/examples/bloom-nano";

// Number of resident bytes in this process's mappings of the file `path`.
int64_t ResidentBytesOf(const std::string& path) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  int64_t bytes = 0;
  bool inside = false;
  while (std::getline(maps, line)) {
    std::istringstream words(line);
    std::string first;
    int64_t kilobytes = 0;
    words >> first >> kilobytes;
    if (!first.ends_with(':')) inside = line.ends_with(path);  // the first line of a mapping
    if (inside && first == "Rss:") bytes += kilobytes * 1024;
  }
  return bytes;
}

struct Pass {
  std::vector<float> hidden;
  int64_t resident = 0;  // resident bytes of the model's file after the pass
};

Pass HiddenStatesOf(WeightStreaming streaming) {
  const auto backend = MakeCpuBackend({.compute = Compute::kF32});
  BloomModel model(*backend, BaseWeights::Open(kModel));
  Encoder encoder(model, {.streaming = streaming});
  PackedTexts texts;
  texts.Add(std::vector<int32_t>{17, 300, 5, 9});
  const ArenaScope scope(encoder.arena());
  const TensorView hidden = encoder.arena().Allocate(backend->Types().residual,
                                                     {texts.Tokens(), model.config().hidden_size});
  encoder.HiddenStates(texts, hidden);
  const std::string file =
      std::filesystem::canonical(std::string(kModel) + "/model.safetensors").string();
  return {DownloadFloats(*backend, hidden), ResidentBytesOf(file)};
}

TEST(Streaming, APassLeavesLessThanTwoBlocksResidentAndGivesTheSameBytes) {
  const auto base_weights = BaseWeights::Open(kModel);
  const int64_t all = ResidentBaseBytes(*base_weights),
                block = ResidentBaseBytes(*base_weights, WeightStreaming::kKeepCached);
  ASSERT_GT(all, 5 * block / 2);
  const Pass resident = HiddenStatesOf(WeightStreaming::kNone);
  EXPECT_GE(resident.resident, all);
  for (const WeightStreaming streaming :
       {WeightStreaming::kKeepCached, WeightStreaming::kDropCached}) {
    const Pass streamed = HiddenStatesOf(streaming);
    EXPECT_EQ(streamed.hidden, resident.hidden);
    EXPECT_LT(streamed.resident, 2 * block);  // pages at the edges of matrices stay resident
  }
}

// The vectors and gradients of two equal steps, one after another.
std::vector<float> StepOf(const std::string& folder, Compute compute, WeightStreaming streaming,
                          int64_t recomputed, int64_t first_layer) {
  const auto backend = MakeCpuBackend({.compute = compute});
  BloomModel model(*backend, BaseWeights::Open(folder));
  LoraAdapter adapter = InitializeLora(model.config(), {.first_layer = first_layer}, 1);
  for (auto& [name, module] : adapter.modules)
    std::fill(module.b.values.begin(), module.b.values.end(), 0.01f);
  model.Attach(adapter, /*trainable=*/true);
  Encoder encoder(model, {.recompute_blocks = recomputed, .streaming = streaming});
  PackedTexts texts;
  texts.Add(std::vector<int32_t>{17, 300, 5, 9});
  texts.Add(std::vector<int32_t>{12, 80});
  std::vector<float> all;
  // The second pass starts from the state in which the first one left memory.
  for (int pass = 0; pass < 2; ++pass) {
    const ArenaScope scope(encoder.arena());
    const TypeSet types = backend->Types();
    const Shape shape{texts.Texts(), model.config().hidden_size};
    const TensorView vectors = encoder.arena().Allocate(types.residual, shape);
    const TensorView dvectors = encoder.arena().Allocate(types.gradient, shape);
    EncoderPass kept;
    encoder.Forward(texts, vectors, &kept);
    backend->Copy(vectors, dvectors);
    encoder.Backward(kept, dvectors);
    const std::vector<float> values = DownloadFloats(*backend, vectors);
    all.insert(all.end(), values.begin(), values.end());
  }
  for (const TrainableTensor& tensor : model.trainable()) {
    backend->ReadGradient(tensor.sum, tensor.gradient);
    const std::vector<float> values = DownloadFloats(*backend, tensor.gradient);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST(Streaming, GradientsAreThoseOfTheResidentBaseInEveryModeAndStrategy) {
  struct Case {
    Compute compute;
    int64_t recomputed, first_layer;
  };
  for (const Case& c : {Case{Compute::kInt8, 0, 0}, Case{Compute::kInt8, -1, 0},
                        Case{Compute::kBF16, -1, 2}, Case{Compute::kF32, 0, 2}}) {
    const auto step = [&](WeightStreaming streaming) {
      return StepOf(kModel, c.compute, streaming, c.recomputed, c.first_layer);
    };
    const std::vector<float> resident = step(WeightStreaming::kNone);
    EXPECT_TRUE(std::any_of(resident.begin(), resident.end(), [](float v) { return v != 0; }));
    EXPECT_EQ(step(WeightStreaming::kKeepCached), resident) << c.recomputed << ' ' << c.first_layer;
    EXPECT_EQ(step(WeightStreaming::kDropCached), resident) << c.recomputed << ' ' << c.first_layer;
  }
}

// Copies the model to a folder of its own, where a test may damage it.
std::string CopyOfModel() {
  std::string folder =
      (std::filesystem::temp_directory_path() / "lacos_streamed_model_XXXXXX").string();
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  std::filesystem::copy(kModel, folder, std::filesystem::copy_options::recursive);
  return folder;
}

TEST(Streaming, AFileThatBecameShorterIsAnErrorOfThePassThatNeedsIt) {
  const std::string folder = CopyOfModel();
  {
    const auto backend = MakeCpuBackend({.compute = Compute::kF32});
    BloomModel model(*backend, BaseWeights::Open(folder));
    BlockLoader loader(model);
    loader.Use(0, 1);
    loader.Release(0);
    std::filesystem::resize_file(folder + "/model.safetensors", 4096);
    const int64_t last = model.config().layers - 1;
    EXPECT_THROW(loader.Use(last, 0), UserError);
    EXPECT_THROW(loader.Use(last, 0), UserError);
  }
  std::filesystem::remove_all(folder);
}

// Number of resident bytes of the model's file after encoding with a layer cache for the lower half
// of the blocks.
int64_t ResidentAfterCachedPass(const std::string& folder, WeightStreaming streaming,
                                std::vector<float>& out) {
  const auto backend = MakeCpuBackend({.compute = Compute::kF32});
  BloomModel model(*backend, BaseWeights::Open(kModel));
  const int64_t half = model.config().layers / 2, d = model.config().hidden_size;
  model.Attach(InitializeLora(model.config(), {.first_layer = half}, 1), /*trainable=*/true);
  LayerCache cache({.folder = folder}, Json::Object(), d * 4);
  Encoder encoder(model, {.streaming = streaming, .layer_cache = &cache});
  EXPECT_EQ(encoder.LowestTrainableBlock(), half);
  PackedTexts texts;
  texts.Add(std::vector<int32_t>{17, 300, 5, 9});
  const ArenaScope scope(encoder.arena());
  const TensorView hidden =
      encoder.arena().Allocate(backend->Types().residual, {texts.Tokens(), d});
  encoder.HiddenStates(texts, hidden);
  out = DownloadFloats(*backend, hidden);
  const std::string file =
      std::filesystem::canonical(std::string(kModel) + "/model.safetensors").string();
  return ResidentBytesOf(file);
}

TEST(Streaming, BlocksWhoseStatesAreCachedAreNotRead) {
  std::string folder =
      (std::filesystem::temp_directory_path() / "lacos_cached_blocks_XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto base_weights = BaseWeights::Open(kModel);
  const int64_t all = ResidentBaseBytes(*base_weights),
                block = ResidentBaseBytes(*base_weights, WeightStreaming::kKeepCached);
  std::vector<float> computed, read;
  EXPECT_GE(ResidentAfterCachedPass(folder, WeightStreaming::kNone, computed), all);
  for (const WeightStreaming streaming : {WeightStreaming::kNone, WeightStreaming::kDropCached}) {
    const int64_t blocks_read =
        streaming == WeightStreaming::kNone ? base_weights->config().layers / 2 : 1;
    EXPECT_LT(ResidentAfterCachedPass(folder, streaming, read), (blocks_read + 1) * block);
    EXPECT_EQ(read, computed);
  }
  std::filesystem::remove_all(folder);
}

// The results of a forward and a backward pass of the top block on random input. Its matrices are
// either resident or read from the disk anew for each direction. LACOS_LAYER_MODEL names another
// model; `make bench-176b` sets it to one layer of BLOOM-176B.
struct BlockResult {
  std::vector<float> y, dx;
};

BlockResult RunBlock(const std::string& folder, Compute compute, bool streamed) {
  const auto backend = MakeCpuBackend({.compute = compute});
  BloomModel model(*backend, BaseWeights::Open(folder));
  const int64_t layer = model.config().layers - 1, d = model.config().hidden_size;
  constexpr int64_t kTokens = 40;
  Arena arena([&](size_t bytes) { return backend->Allocate(bytes); });
  const std::vector<int32_t> offsets = {0, 9, 30, kTokens};
  const TextLayout layout = MakeTextLayout(
      *backend, offsets, arena.Allocate(DType::kI32, {static_cast<int64_t>(offsets.size())}));
  const TokenLeaves leaves = MakeLeaves(offsets);
  const PassContext context{.backend = *backend,
                            .arena = arena,
                            .layout = layout,
                            .leaves = leaves,
                            .token_keys = {},
                            .dropout = {}};
  Random random(3, RandomStream::kBatch);
  const auto fill = [&](const TensorView& view) {
    std::vector<float> values(static_cast<size_t>(view.Elements()));
    for (float& value : values) value = static_cast<float>(random.Normal());
    UploadFloats(*backend, values, view);
  };
  const TensorView h = arena.Allocate(backend->Types().residual, {kTokens, d});
  const TensorView dh = arena.Allocate(backend->Types().gradient, {kTokens, d});
  fill(h);
  fill(dh);
  const BlockSaved saved = AllocateBlockSaved(context, d);
  BlockReader reader(model);
  const auto anew = [&] {
    if (!streamed) return;
    model.DropBlock(layer, /*from_cache=*/true);
    reader.Dropped(layer);
    reader.Request({layer});
  };
  anew();
  BlockForward(context, model.blocks()[layer], static_cast<int>(layer), h, &saved);
  anew();
  BlockBackward(context, model.blocks()[layer], static_cast<int>(layer), saved, dh,
                /*input_needed=*/true);
  return {DownloadFloats(*backend, h), DownloadFloats(*backend, dh)};
}

TEST(StreamedLayer, OutputAndInputGradientAreThoseOfTheResidentOne) {
  const char* other = std::getenv("LACOS_LAYER_MODEL");
  const std::string folder = other != nullptr ? other : kModel;
  std::vector<Compute> modes = {Compute::kF32, Compute::kBF16, Compute::kInt8};
  if (other != nullptr) modes = {Compute::kInt8};
  for (const Compute compute : modes) {
    const BlockResult streamed = RunBlock(folder, compute, true),
                      resident = RunBlock(folder, compute, false);
    EXPECT_EQ(streamed.y, resident.y);
    EXPECT_EQ(streamed.dx, resident.dx);
    const auto finite = [](float value) { return std::isfinite(value); };
    EXPECT_TRUE(std::all_of(resident.dx.begin(), resident.dx.end(), finite));
    EXPECT_NE(resident.dx, std::vector<float>(resident.dx.size(), resident.dx[0]));
  }
  const MemoryUse use = ReadMemoryUse();
  RecordProperty("peak_rss_bytes", std::to_string(use.peak_rss_bytes));
  if (other != nullptr)
    std::printf("peak RSS %.2f GB\n", static_cast<double>(use.peak_rss_bytes) / 1e9);
}

}  // namespace
}  // namespace lacos
