// The interface of a training objective: the examples that it learns from, and its value and
// gradient for the vectors of a batch.
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
  double scale = 20;       // for mnr, cosent and angle: factor on similarities (1 / temperature)
  bool symmetric = false;  // for mnr: the mean of both directions, also from positives to anchors
  double margin = 5;       // for triplet: Euclidean margin
  // The loss is summed over vectors truncated to these dimensions; empty for whole vectors.
  std::vector<int64_t> matryoshka;
  uint64_t seed = 42;  // for softmax: seed of the initial classifier
};

// The meaning of the rows of a batch's vectors [M, D]: rows 0..N-1 are the first texts of the
// examples, rows N..2N-1 the second texts, and the rest are further negatives.
struct LossBatch {
  int64_t examples = 0;   // N
  int64_t negatives = 0;  // M - 2N; for triplet N
  // For softmax the NLI classes [N], for mnr over classes the class of each example [N], else
  // empty.
  std::vector<int32_t> labels;
  std::vector<float> scores;  // for cosine, cosent and angle: gold scores [N]
};

// The examples that a loss learns from.
struct LossInputs {
  // The kinds of files that are accepted. A benchmark without data makes examples of the first
  // kind.
  std::vector<ExampleKind> kinds;
  std::string_view expected;  // the same in words for messages, such as "columns sentence1, ..."
  // Whether an example has exactly one negative. Then an example with k negatives becomes k
  // examples, and one without negatives is left out.
  bool one_negative = false;

  bool Takes(ExampleKind kind) const;
  // Whether the loss reads an NLI class or a gold score for each pair.
  bool NeedsLabels() const { return Takes(ExampleKind::kLabelled); }
  bool NeedsScores() const { return Takes(ExampleKind::kScored); }
  // The smallest number of rows of vectors for one example.
  int64_t Texts() const { return one_negative ? 3 : 2; }
  // A batch of `examples` over `rows` vectors with zeros for classes and scores. It serves where
  // the value of the loss does not matter: to plan memory and to warm up kernels.
  LossBatch Placeholder(int64_t examples, int64_t rows) const;
};

struct LossResult {
  double loss = 0;
  // The imaginary part of the loss on the complex reference backend (for gradient tests); else 0.
  double tangent = 0;
  // The share of a batch's examples that LossDescription::accuracy describes; -1 if it is not
  // defined.
  double accuracy = -1;
};

class Loss {
 public:
  virtual ~Loss() = default;
  // `vectors` and `dvectors` are [M, D]; dvectors is overwritten with the gradient. Temporaries
  // come from `arena`. Gradients of parameters() are added to their sums.
  virtual LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                             const TensorView& dvectors) = 0;
  // Trainable tensors of the objective itself (the softmax classifier). They are trained together
  // with the adapter and dropped at export.
  virtual std::vector<TrainableTensor> parameters() const { return {}; }
};

// The facts about a loss that the rest of the program needs before, or without, making one.
struct LossDescription {
  LossInputs inputs;
  // The meaning of LossResult::accuracy as the title of a percent axis; empty if the loss does not
  // define it.
  std::string_view accuracy = "";
  // Makes the loss for vectors of width `dimension`. LossOptions::matryoshka is ignored here.
  std::function<std::unique_ptr<Loss>(Backend& backend, const LossOptions& options,
                                      int64_t dimension)>
      make;
};

}  // namespace lacos
