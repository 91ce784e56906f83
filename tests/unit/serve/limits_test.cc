// What is kept and what a key may take: the cache of vectors and the limits of keys.
#include <gtest/gtest.h>

#include "lacos/serve/schedule/rate_limit.h"
#include "lacos/serve/schedule/vector_cache.h"
#include "unit/serve/simulation.h"

namespace lacos::serve {
namespace {

std::shared_ptr<const std::vector<float>> VectorOf(float value) {
  return std::make_shared<const std::vector<float>>(100, value);
}

TEST(VectorCache, TheVectorThatWasUsedLongestAgoGoesFirst) {
  VectorCache cache(3 * (400 + 200 + 1));
  cache.Add("a", VectorOf(1));
  cache.Add("b", VectorOf(2));
  cache.Add("c", VectorOf(3));
  EXPECT_EQ(cache.Find("a")->front(), 1);
  cache.Add("d", VectorOf(4));
  EXPECT_EQ(cache.Find("b"), nullptr);
  for (const char* key : {"a", "c", "d"}) EXPECT_NE(cache.Find(key), nullptr) << key;
  EXPECT_LE(cache.bytes(), 3 * 601);
}

TEST(VectorCache, NothingLargerThanTheCacheIsKept) {
  VectorCache cache(500), off(0);
  cache.Add("a", VectorOf(1));
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.bytes(), 0);
  EXPECT_FALSE(off.enabled());
}

TEST(KeyLimits, ARateIsKeptAndTheWaitIsTrue) {
  KeyLimits limits;
  const ApiKey key{.name = "a", .texts_per_second = 10};
  double texts = 0, now = 0;
  while (now < 100) {
    if (const auto wait = limits.Take(key, 5, 1, At(now))) {
      now += *wait + 1e-6;
    } else {
      texts += 5;
      now += 0.001;
    }
  }
  EXPECT_NEAR(texts, 1000, 25);
}

TEST(KeyLimits, ALargeRequestIsTakenAndPaidForAfterwards) {
  KeyLimits limits;
  const ApiKey key{.name = "a", .tokens_per_minute = 600};  // 10 a second
  EXPECT_FALSE(limits.Take(key, 1, 1200, At(0)));
  const auto wait = limits.Take(key, 1, 1, At(1));
  ASSERT_TRUE(wait);
  EXPECT_NEAR(*wait, 59, 0.1);
  EXPECT_FALSE(limits.Take(key, 1, 1, At(60.1)));
  EXPECT_FALSE(limits.Take({.name = "b"}, 1, 1e9, At(1))) << "a key without limits has none";
  EXPECT_FALSE(limits.Take({.name = "c", .tokens_per_minute = 600}, 1, 1, At(1)))
      << "each key has its own";
}

}  // namespace
}  // namespace lacos::serve
