// Compares hidden states and pooled vectors with those of transformers
// and sentence-transformers (tests/golden/models/README.md).
#include <gtest/gtest.h>

#include "golden/golden_files.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/loaded_model.h"
#include "lacos/text/tokenize.h"

namespace lacos {
namespace {

// The agreement in f32 that the project promises. The rounding error of the golden values
// themselves is about 1e-6.
constexpr double kTolerance = 1e-5;

using EncodeCase = std::tuple<std::string, BackendCase>;
class EncodeGolden : public testing::TestWithParam<EncodeCase> {};

TEST_P(EncodeGolden, HiddenStatesAndEveryPoolingEqualTransformers) {
  const auto& [name, backend_case] = GetParam();
  const SafetensorsFile golden(GoldenPath(name + ".encode.safetensors"));
  const std::unique_ptr<Backend> backend = backend_case.make();
  BloomModel model(*backend, BaseWeights::Open(GoldenPath(name)));
  PackedTexts texts;
  texts.ids = ReadInt64s(golden, "ids");
  texts.offsets = ReadInt64s(golden, "offsets");

  Encoder encoder(model, {.pooling = Pooling::kMean, .dropout = {}});
  const int64_t d = model.config().hidden_size;
  {
    const ArenaScope scope(encoder.arena());
    const TensorView hidden =
        encoder.arena().Allocate(backend->Types().residual, {texts.Tokens(), d});
    encoder.HiddenStates(texts, hidden);
    EXPECT_LT(RelativeDifference(DownloadFloats(*backend, hidden), ReadFloats(golden, "hidden")),
              kTolerance);
  }
  for (const Pooling pooling : {Pooling::kMean, Pooling::kWeightedMean, Pooling::kLast,
                                Pooling::kCls, Pooling::kMax, Pooling::kMeanSqrtLen}) {
    const ArenaScope scope(encoder.arena());
    encoder.options().pooling = pooling;
    const TensorView vectors =
        encoder.arena().Allocate(backend->Types().residual, {texts.Texts(), d});
    encoder.Forward(texts, vectors);
    EXPECT_LT(RelativeDifference(DownloadFloats(*backend, vectors),
                                 ReadFloats(golden, "pooled." + std::string(Name(pooling)))),
              kTolerance)
        << Name(pooling);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EncodeGolden,
                         testing::Combine(testing::Values("a", "b", "c"),
                                          testing::ValuesIn(ExactBackends())),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" + std::get<1>(info.param).name;
                         });

TEST(TokenizerGolden, IdsOfTheRecordedTextsAreTheSame) {
  const Json texts = Json::ReadFile(GoldenPath("texts.json")).At("encode");
  for (const std::string name : {"a", "b", "c"}) {
    const LoadedModel loaded = LoadModel(GoldenPath(name), "", "");
    const PackedTexts expected =
        ReadIds(Json::ReadFile(GoldenPath(name + ".encode.json")).At("ids"));
    PackedTexts found;
    for (size_t i = 0; i < texts.size(); ++i) {
      found.Add(TokenizeText(*loaded.tokenizer, texts[i].AsString(), {}).ids);
    }
    EXPECT_EQ(found.ids, expected.ids) << name;
    EXPECT_EQ(found.offsets, expected.offsets) << name;
  }
}

}  // namespace
}  // namespace lacos
