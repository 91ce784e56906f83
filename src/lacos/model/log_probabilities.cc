#include "lacos/model/log_probabilities.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "lacos/base/parallel.h"
#include "lacos/formats/base_embedding.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/bloom_model.h"
#include "lacos/model/encoder.h"

namespace lacos {
namespace {

// log(sum(exp(x))) of values that arrive one by one, without overflow.
struct LogSumExp {
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0;  // of exp(x - largest)

  void Add(double x) { Add(LogSumExp{x, 1}); }
  void Add(const LogSumExp& other) {
    if (other.sum == 0) return;
    const double top = std::max(largest, other.largest);
    const double own = sum == 0 ? 0 : sum * std::exp(largest - top);
    sum = own + other.sum * std::exp(other.largest - top);
    largest = top;
  }
  double Value() const { return largest + std::log(sum); }
};

double Dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

std::vector<float> HiddenStates(std::shared_ptr<BaseWeights> weights,
                                std::span<const int32_t> ids) {
  const std::unique_ptr<Backend> backend = MakeBackend({.compute = Compute::kF32});
  BloomModel model(*backend, std::move(weights));
  Encoder encoder(model, {});
  PackedTexts texts;
  texts.Add(ids, kNoAdapter);
  const ArenaScope scope(encoder.arena());
  const TensorView hidden = encoder.arena().Allocate(backend->Types().residual,
                                                     {texts.Tokens(), model.config().hidden_size});
  encoder.HiddenStates(texts, hidden);
  return DownloadFloats(*backend, hidden);
}

}  // namespace

std::vector<double> LogProbabilities(std::shared_ptr<BaseWeights> weights,
                                     std::span<const int32_t> ids) {
  const auto predicted = static_cast<int64_t>(ids.size()) - 1;
  if (predicted < 1) return {};
  const std::vector<float> hidden = HiddenStates(weights, ids);
  const std::unique_ptr<EmbeddingSource> embedding = MakeEmbeddingSource(weights);
  const int64_t rows = embedding->rows(), d = embedding->cols();

  // A chunk of rows has sums of its own, which are added up in order, so that the result does not
  // depend on the number of threads.
  constexpr int64_t kChunk = 4096;
  const int64_t chunks = (rows + kChunk - 1) / kChunk;
  std::vector<LogSumExp> sums(static_cast<size_t>(chunks * predicted));
  std::vector<double> logits(static_cast<size_t>(predicted));
  ParallelFor(chunks, [&](int64_t chunk) {
    std::vector<float> row(static_cast<size_t>(d));
    for (int64_t v = chunk * kChunk; v < std::min(rows, (chunk + 1) * kChunk); ++v) {
      embedding->ReadRow(v, row);
      for (int64_t t = 0; t < predicted; ++t) {
        const double logit = Dot(hidden.data() + t * d, row.data(), d);
        sums[static_cast<size_t>(chunk * predicted + t)].Add(logit);
        if (ids[static_cast<size_t>(t + 1)] == v) logits[static_cast<size_t>(t)] = logit;
      }
    }
  });
  for (int64_t t = 0; t < predicted; ++t) {
    LogSumExp total;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      total.Add(sums[static_cast<size_t>(chunk * predicted + t)]);
    }
    logits[static_cast<size_t>(t)] -= total.Value();
  }
  return logits;
}

}  // namespace lacos
