#include "lacos/model/layer_reuse.h"

#include <vector>

namespace lacos {

void LayerReuse::Fill(const PackedTexts& texts, const TensorView& h, const Compute& compute) const {
  std::vector<int64_t> found, missing;
  for (int64_t n = 0; n < texts.Texts(); ++n) {
    if (texts.Text(n).empty()) continue;
    (cache_.Has(texts.Text(n)) ? found : missing).push_back(n);
  }
  if (found.empty()) {
    compute(texts, h);
    return KeepRows(texts, missing, {}, h);
  }
  if (!missing.empty()) ComputeRows(texts, missing, compute, h, h);
  std::vector<int64_t> damaged;
  std::vector<std::byte> rows;
  for (const int64_t n : found) {
    const TensorView place = h.Rows(texts.offsets[n], texts.offsets[n + 1]);
    rows.resize(place.Bytes());
    if (cache_.Read(texts.Text(n), rows)) {
      backend_.Upload(rows, place);
    } else {
      damaged.push_back(n);
    }
  }
  if (damaged.empty()) return;
  const ArenaScope scope(arena_);
  const int64_t tokens = texts.Select(damaged).Tokens();
  ComputeRows(texts, damaged, compute, arena_.Allocate(h.dtype, {tokens, h.cols()}), h);
}

// Computes the given texts side by side in the first rows of `space`, which may be h, and copies
// the states to their rows in h.
void LayerReuse::ComputeRows(const PackedTexts& texts, std::span<const int64_t> rows,
                             const Compute& compute, const TensorView& space,
                             const TensorView& h) const {
  PackedTexts selected = texts.Select(rows);
  selected.keys.clear();  // these blocks have no dropout
  const TensorView computed = space.Rows(0, selected.Tokens());
  compute(selected, computed);
  KeepRows(texts, rows, computed, h);
}

// Adds states to the cache. With `from`, they lie side by side there and are first copied to their
// rows in h; without it they are in their rows already. The order is from last to first, because
// `from` may be the first rows of h, and no text moves down.
void LayerReuse::KeepRows(const PackedTexts& texts, std::span<const int64_t> rows,
                          const TensorView& from, const TensorView& h) const {
  int64_t end = from ? from.rows() : 0;
  std::vector<std::byte> states;
  for (size_t i = rows.size(); i-- > 0;) {
    const int64_t n = rows[i], length = texts.offsets[n + 1] - texts.offsets[n];
    const TensorView place = h.Rows(texts.offsets[n], texts.offsets[n + 1]);
    const TensorView source = from ? from.Rows(end - length, end) : place;
    states.resize(source.Bytes());
    backend_.Download(source, states);
    cache_.Add(texts.Text(n), states);
    if (from) backend_.Upload(states, place);
    end -= length;
  }
}

}  // namespace lacos
