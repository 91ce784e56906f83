// Shallower bases: the blocks that are kept, their bytes, and what is refused.
#include "lacos/convert/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "lacos/convert/quantize.h"
#include "lacos/io/manifest.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Prune, TheLowestBlocksKeepTheirBytes) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    for (const std::string prefix : {"", "transformer."}) {
      const TestFolder folder;
      TinyModel model = MakeTinyModel(dtype);
      model.prefix = prefix;
      WriteModel(folder / "in", model);
      const PruneReport report = PruneFolder(folder / "in", folder / "out", {.layers = 1});
      EXPECT_EQ(report.layers_before, 2);
      EXPECT_EQ(report.layers_after, 1);
      // A block has 12 D^2 + 13 D parameters.
      EXPECT_EQ(report.parameters_before - report.parameters_after, 12 * 40 * 40 + 13 * 40);
      EXPECT_EQ(report.bytes_after, report.parameters_after * static_cast<int64_t>(SizeOf(dtype)));

      const auto before = BaseWeights::Open(folder / "in"),
                 after = BaseWeights::Open(folder / "out");
      EXPECT_EQ(after->config().layers, 1);
      for (const TensorSpec& spec : ListTensors(after->config())) {
        const StoredTensor &a = before->Tensor(spec.name), &b = after->Tensor(spec.name);
        EXPECT_EQ(a.entry.name, b.entry.name);
        EXPECT_EQ(a.entry.dtype, b.entry.dtype);
        const auto x = a.file->Data(a.entry), y = b.file->Data(b.entry);
        ASSERT_EQ(x.size(), y.size()) << spec.name;
        EXPECT_EQ(std::memcmp(x.data(), y.data(), x.size()), 0) << spec.name;
      }
      EXPECT_THAT(VerifyManifest(folder / "out"), IsEmpty());
    }
  }
}

TEST(Prune, ShardsOfUpperBlocksGoAndTheIndexSaysSo) {
  const TestFolder folder;
  WriteShardedModel(folder / "in", MakeTinyModel());
  PruneFolder(folder / "in", folder / "out", {.layers = 1});
  const Json index = Json::ReadFile(folder / "out/model.safetensors.index.json");
  for (const std::string& name : index.At("weight_map").Keys()) {
    EXPECT_EQ(name.find("h.1."), std::string::npos) << name;
    EXPECT_TRUE(
        std::filesystem::exists(folder / "out/" + index.At("weight_map").At(name).AsString()));
  }
  EXPECT_EQ(BaseWeights::Open(folder / "out")->Bytes(),
            index.At("metadata").At("total_size").AsInt());
}

TEST(Prune, PruningAndQuantizingMayComeInEitherOrder) {
  for (const QuantScheme scheme : {QuantScheme::kLinear, QuantScheme::kDynamic}) {
    const TestFolder folder;
    WriteModel(folder / "in", MakeTinyModel());
    const QuantizeOptions quantize{.scheme = scheme, .block_size = 64};
    PruneFolder(folder / "in", folder / "pruned", {.layers = 1});
    QuantizeFolder(folder / "pruned", folder / "pruned-quantized", quantize);
    QuantizeFolder(folder / "in", folder / "quantized", quantize);
    PruneFolder(folder / "quantized", folder / "quantized-pruned", {.layers = 1});
    EXPECT_EQ(ReadText(folder / "pruned-quantized/model.safetensors"),
              ReadText(folder / "quantized-pruned/model.safetensors"));
    EXPECT_EQ(BaseWeights::Open(folder / "quantized-pruned")->quantization().block_size, 64);
  }
}

TEST(Prune, WrongNumbersOfLayersAreRefused) {
  const TestFolder folder;
  WriteModel(folder / "in", MakeTinyModel());
  for (const int64_t layers : {-1, 0, 2, 3}) {
    try {
      PruneFolder(folder / "in", folder / "out", {.layers = layers});
      FAIL() << layers;
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), HasSubstr("expected 1 to 1"));
    }
  }
  EXPECT_THROW(
      PruneFolder(folder / "in", folder / "in", {.layers = 1, .writing = {.overwrite = true}}),
      UserError);
  EXPECT_THROW(PruneFolder(folder / "nowhere", folder / "out", {.layers = 1}), UserError);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

}  // namespace
}  // namespace lacos
