// Compares every loss's value and gradients on given vectors with those of sentence-transformers.
#include <gtest/gtest.h>

#include "golden/golden_files.h"
#include "lacos/kernels/transfer.h"
#include "lacos/train/losses/make_loss.h"

namespace lacos {
namespace {

struct LossCase {
  std::string name;
  LossOptions options;
  bool negatives = false;
};

class LossGolden : public testing::TestWithParam<std::tuple<LossCase, BackendCase>> {
 protected:
  static TensorView Rows(Arena& arena, Backend& backend,
                         const std::vector<std::vector<float>>& parts, int64_t d) {
    std::vector<float> all;
    for (const std::vector<float>& part : parts) all.insert(all.end(), part.begin(), part.end());
    const TensorView view =
        arena.Allocate(backend.Types().residual, {static_cast<int64_t>(all.size()) / d, d});
    UploadFloats(backend, all, view);
    return view;
  }
};

TEST_P(LossGolden, ValueAndGradientsEqualSentenceTransformers) {
  const auto& [loss_case, backend_case] = GetParam();
  const std::string& name = loss_case.name;
  const SafetensorsFile file(GoldenPath("losses.safetensors"));
  const Json values = Json::ReadFile(GoldenPath("losses.json"));
  const std::unique_ptr<Backend> backend = backend_case.make();
  Arena arena([&](size_t bytes) { return backend->Allocate(bytes); });
  constexpr int64_t kWidth = 48, kExamples = 8;

  std::vector<std::vector<float>> parts = {ReadFloats(file, "anchor"),
                                           ReadFloats(file, "positive")};
  if (loss_case.negatives) parts.push_back(ReadFloats(file, "negative"));
  const TensorView vectors = Rows(arena, *backend, parts, kWidth);
  const TensorView dvectors = arena.Allocate(backend->Types().gradient, vectors.shape);
  LossBatch batch{.examples = kExamples, .negatives = loss_case.negatives ? kExamples : 0};
  const LossInputs inputs = DescribeLoss(loss_case.options.kind).inputs;
  if (inputs.NeedsLabels()) batch.labels = ReadInt64s(file, "label");
  if (inputs.NeedsScores()) batch.scores = ReadFloats(file, "score");
  const std::unique_ptr<Loss> loss = MakeLoss(*backend, loss_case.options, kWidth);
  const std::vector<TrainableTensor> head = loss->parameters();
  // The recorded classifier [3, 144] has the weights of u, v and |u - v| side by side.
  if (!head.empty()) {
    const std::vector<float> weight = ReadFloats(file, "classifier.weight");
    for (int part = 0; part < 3; ++part) {
      std::vector<float> values_of_part;
      for (int label = 0; label < 3; ++label) {
        const auto begin = weight.begin() + (label * 3 + part) * kWidth;
        values_of_part.insert(values_of_part.end(), begin, begin + kWidth);
      }
      UploadFloats(*backend, values_of_part, head[part].value);
    }
    UploadFloats(*backend, ReadFloats(file, "classifier.bias"), head[3].value);
  }

  const LossResult result = loss->Compute(arena, batch, vectors, dvectors);
  const double expected = values.At(name).At("value").AsDouble();
  EXPECT_NEAR(result.loss, expected, 1e-5 * std::abs(expected));
  const std::vector<float> gradient = DownloadFloats(*backend, dvectors);
  const char* names[] = {".d_anchor", ".d_positive", ".d_negative"};
  for (size_t part = 0; part < parts.size(); ++part) {
    const auto begin = gradient.begin() + static_cast<int64_t>(part) * kExamples * kWidth;
    EXPECT_LT(RelativeDifference({begin, begin + kExamples * kWidth},
                                 ReadFloats(file, name + names[part])),
              1e-5)
        << names[part];
  }
  for (const TrainableTensor& tensor : head) backend->ReadGradient(tensor.sum, tensor.gradient);
  if (!head.empty()) {
    EXPECT_LT(RelativeDifference(DownloadFloats(*backend, head[3].gradient),
                                 ReadFloats(file, name + ".d_bias")),
              1e-5);
    const std::vector<float> dweight = ReadFloats(file, name + ".d_weight");
    for (int part = 0; part < 3; ++part) {
      std::vector<float> expected_part;
      for (int label = 0; label < 3; ++label) {
        const auto begin = dweight.begin() + (label * 3 + part) * kWidth;
        expected_part.insert(expected_part.end(), begin, begin + kWidth);
      }
      EXPECT_LT(RelativeDifference(DownloadFloats(*backend, head[part].gradient), expected_part),
                1e-5)
          << part;
    }
  }
}

std::vector<LossCase> Cases() {
  return {{"mnr", {}},
          {"mnr_hard", {}, true},
          {"mnr_symmetric", {.symmetric = true}},
          {"mnr_symmetric_hard", {.symmetric = true}, true},
          {"matryoshka", {.matryoshka = {24, 12}}},
          {"softmax", {.kind = LossKind::kSoftmax}},
          {"cosine", {.kind = LossKind::kCosine}},
          {"cosent", {.kind = LossKind::kCosent}},
          {"angle", {.kind = LossKind::kAngle}},
          {"angle_matryoshka", {.kind = LossKind::kAngle, .matryoshka = {48, 13}}},
          {"triplet", {.kind = LossKind::kTriplet}, true},
          {"gradcache", {}}};
}

INSTANTIATE_TEST_SUITE_P(Losses, LossGolden,
                         testing::Combine(testing::ValuesIn(Cases()),
                                          testing::ValuesIn(ExactBackends())),
                         [](const auto& info) {
                           return std::get<0>(info.param).name + "_" + std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace lacos
