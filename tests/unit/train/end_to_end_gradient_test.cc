// Gradients of the whole tiny model, from token ids through pooling to the loss, compared with
// complex-step derivatives that the shipped code computes.
#include <gtest/gtest.h>

#include <complex>

#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "unit/train/training_bench.h"

namespace lacos {
namespace {

using testing::BenchOptions;
using testing::RandomTexts;
using testing::TrainingBench;
using Complex = std::complex<double>;

constexpr double kStep = 1e-50;

struct EndToEndCase {
  std::string name;
  BenchOptions options;
  LossBatch batch = {.examples = 3};
  std::vector<int> lengths = {4, 1, 7, 3, 5, 2};   // lengths of the texts
  std::vector<int64_t> rows = {0, 1, 2, 3, 4, 5};  // index of the text in each row of the batch
};

class EndToEndGradient : public ::testing::TestWithParam<EndToEndCase> {};

// d loss / d element of a parameter: the imaginary part of the loss after the element was moved by
// an imaginary step, divided by the step.
double Derivative(TrainingBench& bench, const PackedTexts& texts, const LossBatch& batch,
                  const TensorView& value, int64_t element) {
  std::vector<Complex> values(static_cast<size_t>(value.Elements()));
  bench.backend->Download(value, std::as_writable_bytes(std::span(values)));
  const Complex before = values[element];
  values[element] += Complex(0, kStep);
  bench.backend->Upload(std::as_bytes(std::span(values)), value);
  const double tangent = bench.Gradients(texts, batch, {}).tangent;
  values[element] = before;
  bench.backend->Upload(std::as_bytes(std::span(values)), value);
  return tangent / kStep;
}

TEST_P(EndToEndGradient, OfEveryAdapterTensorEqualsTheComplexStep) {
  const EndToEndCase& end_to_end = GetParam();
  TrainingBench bench(MakeReferenceBackend(DType::kC128), end_to_end.options);
  const PackedTexts texts =
      RandomTexts(end_to_end.lengths, 300, end_to_end.options.dropout > 0).Select(end_to_end.rows);
  bench.Gradients(texts, end_to_end.batch, {});
  std::vector<std::vector<double>> gradients;
  for (const TrainableTensor& tensor : bench.optimizer->tensors()) {
    gradients.push_back(DownloadDoubles(*bench.backend, tensor.gradient));
  }
  for (size_t k = 0; k < gradients.size(); ++k) {
    const TrainableTensor& tensor = bench.optimizer->tensors()[k];
    double largest = 0, difference = 0;
    const int64_t n = tensor.value.Elements(), stride = std::max<int64_t>(1, n / 5);
    for (int64_t i = 0; i < n; i += stride) {
      const double expected = Derivative(bench, texts, end_to_end.batch, tensor.value, i);
      largest = std::max(largest, std::abs(expected));
      difference = std::max(difference, std::abs(gradients[k][i] - expected));
    }
    EXPECT_LT(difference, 1e-10 * std::max(largest, 1e-3)) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, EndToEndGradient,
    ::testing::Values(
        EndToEndCase{.name = "lora_mean"},
        EndToEndCase{.name = "residual_from_layernorm_weighted",
                     .options = {.model = "c", .pooling = Pooling::kWeightedMean}},
        EndToEndCase{.name = "odd_heads_last",
                     .options = {.model = "b", .pooling = Pooling::kLast}},
        EndToEndCase{.name = "bitfit_max",
                     .options = {.lora = {.train_biases = true}, .pooling = Pooling::kMax}},
        EndToEndCase{.name = "dropout",
                     .options = {.lora = {.rank = 2, .dropout = 0.3}, .dropout = 0.2}},
        EndToEndCase{.name = "hard_negatives_symmetric",
                     .options = {.loss = {.symmetric = true}},
                     .batch = {.examples = 2, .negatives = 2}},
        EndToEndCase{.name = "classes", .batch = {.examples = 3, .labels = {0, 1, 0}}},
        EndToEndCase{.name = "matryoshka", .options = {.loss = {.matryoshka = {48, 8}}}},
        EndToEndCase{.name = "softmax",
                     .options = {.loss = {.kind = LossKind::kSoftmax}},
                     .batch = {.examples = 3, .labels = {0, 1, 2}}},
        EndToEndCase{.name = "cosine",
                     .options = {.loss = {.kind = LossKind::kCosine}},
                     .batch = {.examples = 3, .scores = {0.1f, 0.9f, 0.4f}}},
        EndToEndCase{.name = "cosent",
                     .options = {.loss = {.kind = LossKind::kCosent}},
                     .batch = {.examples = 3, .scores = {0.1f, 0.9f, 0.4f}}},
        EndToEndCase{.name = "angle",
                     .options = {.loss = {.kind = LossKind::kAngle}},
                     .batch = {.examples = 3, .scores = {0.1f, 0.9f, 0.4f}}},
        EndToEndCase{.name = "triplet",
                     .options = {.loss = {.kind = LossKind::kTriplet}},
                     .batch = {.examples = 2, .negatives = 2}},
        // In the following cases a text occurs several times in the batch. No pair of the softmax
        // case has two equal texts, because |u - v| is not differentiable at u = v.
        EndToEndCase{.name = "repeats_mnr", .rows = {0, 2, 0, 4, 2, 3}},
        EndToEndCase{.name = "repeats_max_bitfit",
                     .options = {.lora = {.train_biases = true}, .pooling = Pooling::kMax},
                     .rows = {0, 2, 0, 4, 2, 3}},
        EndToEndCase{.name = "repeats_softmax",
                     .options = {.loss = {.kind = LossKind::kSoftmax}},
                     .batch = {.examples = 3, .labels = {0, 1, 2}},
                     .rows = {0, 2, 0, 2, 0, 5}},
        EndToEndCase{.name = "repeats_cosent_matryoshka",
                     .options = {.loss = {.kind = LossKind::kCosent, .matryoshka = {48, 8}}},
                     .batch = {.examples = 3, .scores = {0.1f, 0.9f, 0.4f}},
                     .rows = {3, 3, 3, 2, 5, 3}},
        EndToEndCase{.name = "repeats_triplet",
                     .options = {.loss = {.kind = LossKind::kTriplet}},
                     .batch = {.examples = 2, .negatives = 2},
                     .rows = {0, 2, 5, 0, 2, 5}}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lacos
