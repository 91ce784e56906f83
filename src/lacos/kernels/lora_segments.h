// Iteration over the rows of a product by their low-rank updates, because several adapters may
// share one product.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/kernels/backend.h"

namespace lacos {

inline const TensorView& NarrowOf(const LoraSegment& segment) { return segment.z; }
inline const TensorView& NarrowOf(const LoraBackwardSegment& segment) { return segment.dz; }

// Checks that segments ascend, do not overlap and lie within the rows, and that each one's narrow
// matrix (z or dz) has as many rows as the segment.
template <class Segment>
void CheckSegments(const std::vector<Segment>& segments, int64_t rows) {
  int64_t end = 0;
  for (const Segment& segment : segments) {
    LACOS_CHECK(end <= segment.begin && segment.begin <= segment.end && segment.end <= rows,
                "LoRA's segments ascend within the rows and do not overlap");
    LACOS_CHECK(NarrowOf(segment).rows() == segment.end - segment.begin,
                "z and dz have the segment's rows");
    end = segment.end;
  }
}

// Calls f(first, last, segment) for rows [begin, end), cut where a segment begins or ends.
// `segment` is null for rows without an update.
template <class Segment, class F>
void ForEachSegment(const std::vector<Segment>& segments, int64_t begin, int64_t end, F&& f) {
  auto next =
      std::upper_bound(segments.begin(), segments.end(), begin,
                       [](int64_t row, const Segment& segment) { return row < segment.end; });
  while (begin < end) {
    const bool inside = next != segments.end() && next->begin <= begin;
    int64_t last = end;
    if (next != segments.end()) last = std::min(end, inside ? next->end : next->begin);
    if (last > begin) f(begin, last, inside ? &*next : nullptr);
    if (inside && last == next->end) ++next;
    begin = last;
  }
}

}  // namespace lacos
