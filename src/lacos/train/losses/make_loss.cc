#include "lacos/train/losses/make_loss.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/train/losses/angle.h"
#include "lacos/train/losses/cosent.h"
#include "lacos/train/losses/cosine.h"
#include "lacos/train/losses/matryoshka.h"
#include "lacos/train/losses/mnr.h"
#include "lacos/train/losses/softmax.h"
#include "lacos/train/losses/triplet.h"

namespace lacos {

LossDescription DescribeLoss(LossKind kind) {
  switch (kind) {
    case LossKind::kMnr:
      return DescribeMnr();
    case LossKind::kSoftmax:
      return DescribeSoftmax();
    case LossKind::kCosine:
      return DescribeCosine();
    case LossKind::kCosent:
      return DescribeCosent();
    case LossKind::kAngle:
      return DescribeAngle();
    case LossKind::kTriplet:
      return DescribeTriplet();
  }
  LACOS_CHECK(false, "every loss kind has a description");
  return {};
}

std::unique_ptr<Loss> MakeLoss(Backend& backend, const LossOptions& options, int64_t dimension) {
  const LossDescription description = DescribeLoss(options.kind);
  if (options.matryoshka.empty()) return description.make(backend, options, dimension);
  std::vector<std::unique_ptr<Loss>> inner;
  for (const int64_t d : options.matryoshka) {
    if (d < 1 || d > dimension) {
      throw UserError(fmt::format(
          "[`matryoshka`] found dimension {}; expected 1 to {}, the width of the vectors; leave "
          "it out or choose a smaller one",
          d, dimension));
    }
    inner.push_back(description.make(backend, options, d));
  }
  return MakeMatryoshka(backend, options.matryoshka, std::move(inner));
}

}  // namespace lacos
