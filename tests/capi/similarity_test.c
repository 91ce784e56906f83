/* lacos_similarity and its pairwise form agree with cosines that are computed in the test, and
 * lacos_compare with its definitions. */
#include <math.h>
#include <stdlib.h>

#include "check.h"

static double Cosine(const float* a, const float* b, size_t d) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t k = 0; k < d; ++k) {
    ab += (double)a[k] * b[k];
    aa += (double)a[k] * a[k];
    bb += (double)b[k] * b[k];
  }
  return aa == 0 || bb == 0 ? 0 : ab / sqrt(aa * bb);
}

void TestSimilarity(void) {
  enum { kRows = 19, kOthers = 17, kDimension = 37 }; /* not multiples of any tile */
  float a[kRows * kDimension], b[kOthers * kDimension], out[kRows * kOthers + 1];
  uint32_t state = 1;
  for (size_t i = 0; i < sizeof a / sizeof *a; ++i)
    a[i] = (float)(state = state * 1664525u + 1013904223u) / 4e9f - 0.5f;
  for (size_t i = 0; i < sizeof b / sizeof *b; ++i)
    b[i] = (float)(state = state * 1664525u + 1013904223u) / 4e9f - 0.5f;
  memset(a + 3 * kDimension, 0, kDimension * sizeof *a);
  out[kRows * kOthers] = 77;
  CHECK_STATUS(lacos_similarity(a, kRows, b, kOthers, kDimension, out, kRows * kOthers), LACOS_OK);
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t j = 0; j < kOthers; ++j) {
      /* Both are sums of K terms in double and differ by at most K * 2^-53. This is far below half
       * a unit in the last place of a float. */
      CHECK(fabs(out[i * kOthers + j] -
                 Cosine(a + i * kDimension, b + j * kDimension, kDimension)) <= ldexp(1, -24));
    }
  }
  CHECK(out[3 * kOthers] == 0 && out[kRows * kOthers] == 77);
  float pairs[kOthers];
  CHECK_STATUS(lacos_similarity_pairwise(a, b, kOthers, kDimension, pairs, kOthers), LACOS_OK);
  for (size_t i = 0; i < kOthers; ++i) CHECK(pairs[i] == out[i * kOthers + i]);
  CHECK_STATUS(lacos_similarity(a, 2, a, 2, kDimension, out, 4), LACOS_OK);
  CHECK(out[0] == 1 && out[3] == 1 && out[1] == out[2]);

  /* Distances are negative. All pairs and pairs of the same index have the same bytes. */
  const float from[2] = {1, 2}, to[2] = {4, -2};
  const float expected[5] = {0, 0, 0, -5, -7};
  for (int32_t fn = LACOS_SIMILARITY_DEFAULT; fn <= LACOS_SIMILARITY_MANHATTAN; ++fn) {
    float one = 1;
    CHECK_STATUS(lacos_compare(fn, from, 1, to, 1, 2, &one, 1), LACOS_OK);
    CHECK(one == expected[fn]);
    CHECK_STATUS(lacos_compare(fn, a, kRows, b, kOthers, kDimension, out, kRows * kOthers),
                 LACOS_OK);
    CHECK_STATUS(lacos_compare_pairwise(fn, a, b, kOthers, kDimension, pairs, kOthers), LACOS_OK);
    for (size_t i = 0; i < kOthers; ++i) CHECK(pairs[i] == out[i * kOthers + i]);
  }
  CHECK_FAILS(lacos_compare(5, a, 1, b, 1, 4, out, 1), LACOS_INVALID_ARGUMENT, "[similarity_fn]");
  CHECK_FAILS(lacos_compare_pairwise(-1, a, b, 1, 4, out, 1), LACOS_INVALID_ARGUMENT,
              "[similarity_fn]");

  CHECK_FAILS(lacos_similarity(NULL, 1, b, 1, 4, out, 1), LACOS_INVALID_ARGUMENT, "NULL");
  CHECK_FAILS(lacos_similarity(a, 1, NULL, 1, 4, out, 1), LACOS_INVALID_ARGUMENT, "NULL");
  CHECK_FAILS(lacos_similarity(a, 1, b, 1, 4, NULL, 1), LACOS_INVALID_ARGUMENT, "[out]");
  CHECK_FAILS(lacos_similarity(a, 1, b, 1, 0, out, 1), LACOS_INVALID_ARGUMENT, "[dimension]");
  CHECK_FAILS(lacos_similarity(a, 2, b, 2, 4, out, 3), LACOS_BUFFER_TOO_SMALL, "[out]");
  CHECK_FAILS(lacos_similarity(a, (size_t)1 << 40, b, (size_t)1 << 40, 4, out, 3),
              LACOS_INVALID_ARGUMENT, "pairs");
  CHECK_STATUS(lacos_similarity(NULL, 0, NULL, 0, 4, NULL, 0), LACOS_OK);
  CHECK_FAILS(lacos_similarity_pairwise(a, b, 2, 4, out, 1), LACOS_BUFFER_TOO_SMALL, "[out]");
  CHECK_FAILS(lacos_similarity_pairwise(a, NULL, 2, 4, out, 2), LACOS_INVALID_ARGUMENT, "NULL");
  CHECK_STATUS(lacos_similarity_pairwise(NULL, NULL, 0, 4, NULL, 0), LACOS_OK);
}
