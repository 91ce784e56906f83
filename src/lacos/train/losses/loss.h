// The interface of a training objective: which examples it learns from, and its value and gradient
// over the vectors of a batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "lacos/data/examples.h"
#include "lacos/kernels/backend.h"
#include "lacos/nn/trainable_tensor.h"
#include "lacos/tensor/arena.h"
#include "lacos/train/losses/loss_kind.h"

namespace lacos {

struct LossOptions {
  LossKind kind = LossKind::kMnr;
  double scale = 20;       // mnr, cosent, angle: factor on similarities (1 / temperature)
  bool symmetric = false;  // mnr: also from positives to anchors, the mean of both directions
  double margin = 5;       // triplet: Euclidean margin
  // The loss is summed over vectors truncated to these dimensions; empty = whole vectors.
  std::vector<int64_t> matryoshka;
  uint64_t seed = 42;  // softmax: initial classifier
};

// What the rows of a batch's vectors [M, D] are: first texts 0..N-1, second texts N..2N-1, then
// further negatives.
struct LossBatch {
  int64_t examples = 0;   // N
  int64_t negatives = 0;  // M - 2N; for triplet N
  // softmax: NLI class [N]; mnr over classes: class of each example [N], else empty
  std::vector<int32_t> labels;
  std::vector<float> scores;  // cosine, cosent, angle: gold [N]
};

// The examples that a loss learns from.
struct LossInputs {
  // Files of these kinds are taken; a benchmark without data makes examples of the first.
  std::vector<ExampleKind> kinds;
  std::string_view expected;  // the same in words, for messages: "columns sentence1, ..."
  // An example has exactly one negative: one with k negatives becomes k examples, and one without
  // negatives is left out.
  bool one_negative = false;

  bool Takes(ExampleKind kind) const;
  // Whether the loss reads an NLI class or a gold score for each pair.
  bool NeedsLabels() const { return Takes(ExampleKind::kLabelled); }
  bool NeedsScores() const { return Takes(ExampleKind::kScored); }
  // The fewest rows of vectors that an example takes.
  int64_t Texts() const { return one_negative ? 3 : 2; }
  // A batch of `examples` over `rows` vectors with zeros for classes and scores, for a loss whose
  // value does not matter: memory is planned and kernels are warmed with it.
  LossBatch Placeholder(int64_t examples, int64_t rows) const;
};

struct LossResult {
  double loss = 0;
  // Imaginary part of the loss on the complex reference backend (gradient tests); else 0.
  double tangent = 0;
  // Share of a batch's examples, in the sense of LossDescription::accuracy; -1 = not defined.
  double accuracy = -1;
};

class Loss {
 public:
  virtual ~Loss() = default;
  // vectors, dvectors [M, D]; dvectors is overwritten with the gradient. Temporaries come from
  // `arena`. Gradients of parameters() are added to their sums.
  virtual LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                             const TensorView& dvectors) = 0;
  // Trainable tensors of the objective itself (the softmax classifier): trained beside the adapter,
  // dropped at export.
  virtual std::vector<TrainableTensor> parameters() const { return {}; }
};

// What the rest of the program asks of a loss before, or without, making one.
struct LossDescription {
  LossInputs inputs;
  // What LossResult::accuracy is a share of, as the title of a percent axis; empty = the loss does
  // not define it.
  std::string_view accuracy = "";
  // Makes the loss for vectors of width `dimension`, without regard to LossOptions::matryoshka.
  std::function<std::unique_ptr<Loss>(Backend& backend, const LossOptions& options,
                                      int64_t dimension)>
      make;
};

}  // namespace lacos
