// Cosines, and vectors in files from other systems.
#include "lacos/search/vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "lacos/base/error.h"
#include "lacos/base/rng.h"
#include "lacos/io/npy.h"

namespace lacos {
namespace {

TEST(Cosine, IsThatOfTheDirections) {
  const std::vector<float> a = {3, 4}, b = {30, 40}, c = {-4, 3}, d = {-3, -4};
  // The tolerance covers one product, one root and one quotient in double.
  const double tol = 4 * std::numeric_limits<double>::epsilon();
  EXPECT_NEAR(Cosine(a, b), 1, tol);
  EXPECT_EQ(Cosine(a, c), 0);
  EXPECT_EQ(Cosine(a, d), -1);
}

// For about half of all x, sqrt(x) * sqrt(x) is not x. The cosine of such a vector with itself
// would then not be 1.
TEST(Cosine, IsExactlyOneForEqualVectorsAndMinusOneForOpposite) {
  Random random(11, RandomStream::kWeights);
  for (const size_t d : {1, 2, 3, 33, 384, 1024}) {
    for (const float scale : {1.0f, 1e-3f, 1e30f, 1e-30f, 1e-42f}) {  // 1e-42 gives denormal values
      for (int trial = 0; trial < 20; ++trial) {
        std::vector<float> a(d), opposite(d);
        for (size_t i = 0; i < d; ++i) {
          a[i] = scale * static_cast<float>(1 + random.Uniform());
          if (i % 2 == 1) a[i] = -a[i];
          opposite[i] = -a[i];
        }
        const std::vector<float> equal = a;
        EXPECT_EQ(Cosine(a, equal), 1) << d << " values of " << scale;
        EXPECT_EQ(Cosine(a, opposite), -1) << d << " values of " << scale;
      }
    }
  }
}

TEST(Cosine, IsExactlyOneAtTheEndsOfTheFloatRange) {
  const std::vector<float> large(4096, std::numeric_limits<float>::max()),
      small(1, std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(Cosine(large, large), 1);
  EXPECT_EQ(Cosine(small, small), 1);
}

TEST(Cosine, IsNeverBeyondOne) {
  Random random(12, RandomStream::kWeights);
  for (int trial = 0; trial < 1000; ++trial) {
    std::vector<float> a(7), b(7);
    for (size_t i = 0; i < a.size(); ++i) {
      a[i] = static_cast<float>(random.Normal());
      b[i] = 3 * a[i];  // b has the direction of a up to the rounding of its values
    }
    EXPECT_LE(Cosine(a, b), 1);
    for (float& value : b) value = -value;
    EXPECT_GE(Cosine(a, b), -1);
  }
}

TEST(Cosine, OfAValueThatIsNotFiniteIsNoNumber) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> a = {1, 2}, b = {inf, 2},
                           c = {std::numeric_limits<float>::quiet_NaN(), 2};
  EXPECT_TRUE(std::isnan(Cosine(a, b)));
  EXPECT_TRUE(std::isnan(Cosine(b, b)));
  EXPECT_TRUE(std::isnan(Cosine(a, c)));
}

TEST(Cosine, OfAZeroVectorIsZero) {
  const std::vector<float> zero = {0, 0}, a = {1, 2};
  EXPECT_EQ(Cosine(zero, a), 0);
  EXPECT_EQ(Cosine(zero, zero), 0);
}

TEST(Cosine, DoesNotOverflowWhereFloatWould) {
  const std::vector<float> a = {1e30f, 1e30f};
  EXPECT_EQ(Cosine(a, a), 1);
}

TEST(PairSimilarities, GoesRowByRow) {
  const std::vector<float> a = {1, 0, 0, 1, 0, 0}, b = {1, 0, 1, 0, 5, 5};
  EXPECT_EQ(PairSimilarities(Similarity::kCosine, {.values = a, .d = 2}, {.values = b, .d = 2}),
            (std::vector<double>{1, 0, 0}));
}

TEST(PairSimilarities, DistancesAreNegative) {
  const std::vector<float> a = {1, 2}, b = {4, -2};
  const Vectors rows{.values = a, .d = 2}, others{.values = b, .d = 2};
  const auto of = [&](Similarity similarity) {
    return PairSimilarities(similarity, rows, others).at(0);
  };
  EXPECT_EQ(of(Similarity::kDot), 0);
  EXPECT_EQ(of(Similarity::kEuclidean), -5);
  EXPECT_EQ(of(Similarity::kManhattan), -7);
}

class ReadVectors_ : public testing::Test {
 protected:
  void Write(const std::vector<float>& values, int64_t d) {
    NpyWriter writer(path_, DType::kF32, d);
    writer.WriteRows(std::as_bytes(std::span(values)));
    writer.Commit();
  }
  void TearDown() override { std::filesystem::remove(path_); }
  std::string Refusal(int64_t rows) {
    try {
      ReadVectors(path_, rows, "pairs.tsv");
    } catch (const UserError& error) {
      return error.what();
    }
    return "accepted";
  }
  std::string path_ = testing::TempDir() + "lacos-vectors.npy";
};

TEST_F(ReadVectors_, GivesTheRowsOfAFile) {
  Write({1, 2, 3, 4, 5, 6}, 3);
  const VectorFile file = ReadVectors(path_, 2, "pairs.tsv");
  EXPECT_EQ(file.d, 3);
  EXPECT_EQ(file.values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST_F(ReadVectors_, NamesWhatIsWrong) {
  Write({1, 2, 3, 4}, 2);
  EXPECT_THAT(Refusal(3),
              testing::AllOf(testing::HasSubstr("2 rows"), testing::HasSubstr("expected 3"),
                             testing::HasSubstr("pairs.tsv")));
  Write({1, 2, 0, 0}, 2);
  EXPECT_THAT(Refusal(2), testing::AllOf(testing::HasSubstr("row 1"), testing::HasSubstr("zeros")));
  Write({1, 2, 3, std::numeric_limits<float>::quiet_NaN()}, 2);
  EXPECT_THAT(Refusal(2), testing::AllOf(testing::HasSubstr("row 1"), testing::HasSubstr("nan")));
}

}  // namespace
}  // namespace lacos
