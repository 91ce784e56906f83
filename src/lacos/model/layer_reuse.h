// Reads states of a batch's texts from a layer cache, computes those that the cache lacks, and adds
// them to it.
#pragma once

#include <functional>
#include <span>

#include "lacos/model/layer_cache.h"
#include "lacos/model/packed_texts.h"
#include "lacos/tensor/arena.h"

namespace lacos {

class LayerReuse {
 public:
  // All arguments must outlive this object.
  LayerReuse(Backend& backend, Arena& arena, LayerCache& cache)
      : backend_(backend), arena_(arena), cache_(cache) {}

  // Computes the states of `some` texts, [their tokens, D], into `states`.
  using Compute = std::function<void(const PackedTexts& some, const TensorView& states)>;

  // Fills h [T, D] with the states of `texts`. Texts that the cache lacks or has damaged go through
  // `compute` and are then added to the cache. If it has none of the texts, `compute` gets `texts`
  // itself. Missing texts are computed in the first rows of h, so that no more memory is needed
  // than without a cache.
  void Fill(const PackedTexts& texts, const TensorView& h, const Compute& compute) const;

 private:
  void ComputeRows(const PackedTexts& texts, std::span<const int64_t> rows, const Compute& compute,
                   const TensorView& space, const TensorView& h) const;
  void KeepRows(const PackedTexts& texts, std::span<const int64_t> rows, const TensorView& from,
                const TensorView& h) const;

  Backend& backend_;
  Arena& arena_;
  LayerCache& cache_;
};

}  // namespace lacos
