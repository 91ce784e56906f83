// The calls that the encoder makes to a backend: their order, their weights and their types.
#include "lacos/model/encoder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/kernels/dry_backend.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

// A backend that computes nothing and records the calls it gets.
class RecordingBackend : public DryBackend {
 public:
  explicit RecordingBackend(const TypeSet& types) : DryBackend(types) {}

  WeightId AddWeight(const QuantizedMatrix& matrix) override {
    names_.push_back(matrix.name);
    return static_cast<WeightId>(names_.size()) - 1;
  }
  void MoveWeight(WeightId weight, const QuantizedMatrix&) override { Note("move", weight); }
  void PrepareWeight(WeightId weight, Orientation orientation) override {
    Note(orientation == Orientation::kForward ? "prepare W" : "prepare W^T", weight);
  }
  void AwaitWeightMemory(WeightId weight) override { Note("await", weight); }
  void Linear(View, WeightId weight, const Epilogue&, View) override { Note("W", weight); }
  void LinearBackward(View dy, WeightId weight, const BackwardEpilogue&, View dx) override {
    Note("W^T", weight);
    dy_types.push_back(dy.dtype);
    dx_types.push_back(dx.dtype);
  }
  void LayerNormBackward(View, View, View, View, bool, View dx) override {
    dh_types.push_back(dx.dtype);
  }

  // The matrices in the order of the calls, like "prepare W: h.0.mlp.dense_4h_to_h.weight".
  std::vector<std::string> calls;
  // The same by block, like "prepare W 0", with repeated entries in a row only once.
  std::vector<std::string> blocks;
  std::vector<DType> dy_types, dx_types, dh_types;

 private:
  void Note(const std::string& what, WeightId weight) {
    const std::string& name = names_[static_cast<size_t>(weight)];
    calls.push_back(what + ": " + name);
    std::string block = fmt::format("{} {}", what, name[2]);  // the digit in "h.0."
    if (blocks.empty() || blocks.back() != block) blocks.push_back(block);
  }

  std::vector<std::string> names_;
};

constexpr TypeSet kTypes = {.activation = DType::kBF16,
                            .residual = DType::kF32,
                            .residual_gradient = DType::kF32,
                            .gradient = DType::kBF16,
                            .parameter = DType::kF32,
                            .statistic = DType::kF32};

class EncoderCalls : public ::testing::Test {
 protected:
  EncoderCalls() : backend_(kTypes) {
    WriteModel(folder_.path(), MakeTinyModel());  // the model has two blocks
    texts_.Add(std::vector<int32_t>{5, 6, 7});
  }
  // Runs a training step with LoRA on every matrix, or only a forward without `backward`.
  void Run(const EncoderOptions& options, bool backward) {
    BloomModel model(backend_, BaseWeights::Open(folder_.path()));
    const LoraSettings lora{
        .targets = {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"}};
    model.Attach(InitializeLora(model.config(), lora, 1), /*trainable=*/true);
    Encoder encoder(model, options);
    const TensorView vectors = encoder.arena().Allocate(DType::kF32, {1, 40});
    EncoderPass pass;
    encoder.Forward(texts_, vectors, backward ? &pass : nullptr);
    if (backward) encoder.Backward(pass, vectors);
  }

  const TestFolder folder_;
  RecordingBackend backend_;
  PackedTexts texts_;
};

TEST_F(EncoderCalls, TheNextBlockIsPreparedBeforeABlockComputes) {
  Run({}, /*backward=*/false);
  EXPECT_THAT(backend_.blocks, ElementsAre("prepare W 1", "W 0", "prepare W 0", "W 1"));
}

TEST_F(EncoderCalls, ABackwardIsPreparedInItsOwnOrientation) {
  Run({}, /*backward=*/true);
  EXPECT_THAT(backend_.blocks, ElementsAre("prepare W 1", "W 0", "prepare W^T 1", "W 1",  // forward
                                           "prepare W^T 0", "W^T 1", "prepare W 0", "W^T 0"));
}

TEST_F(EncoderCalls, ABackwardThatRecomputesIsPreparedInBothOrientations) {
  Run({.recompute_blocks = -1}, /*backward=*/true);
  EXPECT_THAT(backend_.blocks,
              ElementsAre("prepare W 1", "W 0", "prepare W 1", "prepare W^T 1", "W 1",  // forward
                          "prepare W 0", "prepare W^T 0", "W 1", "W^T 1",               //
                          "prepare W 0", "W 0", "W^T 0"));
}

TEST_F(EncoderCalls, MatricesArePreparedInTheOrderOfTheirUse) {
  Run({}, /*backward=*/true);
  const auto of_block = [&](const std::string& what) {
    std::vector<std::string> matrices;
    for (const std::string& call : backend_.calls) {
      if (call.starts_with(what + ": h.1.")) matrices.push_back(call.substr(what.size()));
    }
    return matrices;
  };
  EXPECT_EQ(of_block("prepare W").size(), 4U);
  EXPECT_EQ(of_block("prepare W"), of_block("W"));
  EXPECT_EQ(of_block("prepare W^T"), of_block("W^T"));
}

TEST_F(EncoderCalls, MemoryThatBlocksAreReadIntoIsReusedOnlyWhenNothingReadsIt) {
  Run({.streaming = WeightStreaming::kDropCached}, /*backward=*/true);
  // Each block is moved into the loader's memory, and back to the file after the wait.
  EXPECT_THAT(backend_.blocks,
              ElementsAre("move 0", "prepare W 0", "W 0", "await 0", "move 0",  //
                          "move 1", "prepare W 1", "W 1", "await 1", "move 1",  //
                          "prepare W^T 1", "W^T 1", "await 1", "move 1",        //
                          "move 0", "prepare W^T 0", "W^T 0", "await 0", "move 0"));
}

TEST_F(EncoderCalls, PagesOfABlockAreGivenBackOnlyWhenNothingReadsThem) {
  Run({.streaming = WeightStreaming::kKeepCached}, /*backward=*/true);
  // The block at which the direction turns stays in memory.
  EXPECT_THAT(backend_.blocks,
              ElementsAre("prepare W 1", "W 0", "await 0", "prepare W^T 1", "W 1", "prepare W^T 0",
                          "W^T 1", "await 1", "prepare W 0", "W^T 0"));
}

TEST_F(EncoderCalls, TheHiddenStatesGradientHasATypeOfItsOwn) {
  Run({}, /*backward=*/true);
  // The gradients are those of ln_f, of both LayerNorms of the upper block and of the upper
  // LayerNorm of the lowest block.
  EXPECT_EQ(backend_.dh_types.size(), 4U);
  EXPECT_THAT(backend_.dh_types, Each(DType::kF32));
  EXPECT_THAT(backend_.dx_types, Each(DType::kBF16));
  // The layers are down, up, dense and query_key_value. The output gradient of a branch (down,
  // dense) is that of the hidden state.
  EXPECT_THAT(std::vector<DType>(backend_.dy_types.begin(), backend_.dy_types.begin() + 4),
              ElementsAre(DType::kF32, DType::kBF16, DType::kF32, DType::kBF16));
}

}  // namespace
}  // namespace lacos
