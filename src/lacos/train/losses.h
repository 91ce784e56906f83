// Contrastive and baseline objectives over the vectors of a batch, each with its gradient, composed
// of backend ops.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lacos/model/bloom_model.h"
#include "lacos/tensor/arena.h"
#include "lacos/train/loss_kind.h"

namespace lacos {

struct LossOptions {
  LossKind kind = LossKind::kMnr;
  double scale = 20;       // mnr, cosent: factor on cosines (1 / temperature)
  bool symmetric = false;  // mnr: also from positives to anchors, the mean of both directions
  double margin = 5;       // triplet: Euclidean margin
  // the loss is summed over vectors truncated to these dimensions; empty = whole vectors
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
  std::vector<float> scores;  // cosine, cosent: gold [N]
};

struct LossResult {
  double loss = 0;
  // imaginary part of the loss on the complex reference backend (gradient tests); else 0
  double tangent = 0;
  // mnr: share of anchors whose positive ranks first; softmax: share classified right; else -1
  double accuracy = -1;
};

class Loss {
 public:
  virtual ~Loss() = default;
  // vectors, dvectors [M, D]; dvectors is overwritten with the gradient. Temporaries come from
  // `arena`. Gradients of parameters() are added to their buffers.
  virtual LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                             const TensorView& dvectors) = 0;
  // Trainable tensors of the objective itself (the softmax classifier): trained beside the adapter,
  // dropped at export.
  virtual std::vector<TrainableTensor> parameters() const { return {}; }
};

// Sources: MNR: Henderson et al., "Efficient natural language response suggestion" (2017); softmax
// and triplet: Reimers & Gurevych, "Sentence-BERT" (2019); CoSENT: Su (2022); Matryoshka: Kusupati
// et al. (2022). D is the width of the vectors. Throws UserError for Matryoshka dimensions that are
// not in 1..D.
std::unique_ptr<Loss> MakeLoss(Backend& backend, const LossOptions& options, int64_t dimension);

}  // namespace lacos
