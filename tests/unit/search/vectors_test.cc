// Cosines, and vectors that came from a file of another system.
#include "lacos/search/vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "lacos/base/error.h"
#include "lacos/io/npy.h"

namespace lacos {
namespace {

TEST(Cosine, IsThatOfTheDirections) {
  const std::vector<float> a = {3, 4}, b = {30, 40}, c = {-4, 3}, d = {-3, -4};
  // two products, two roots, one quotient in double
  const double tol = 8 * std::numeric_limits<double>::epsilon();
  EXPECT_NEAR(Cosine(a, b), 1, tol);
  EXPECT_EQ(Cosine(a, c), 0);
  EXPECT_NEAR(Cosine(a, d), -1, tol);
}

TEST(Cosine, OfAZeroVectorIsZero) {
  const std::vector<float> zero = {0, 0}, a = {1, 2};
  EXPECT_EQ(Cosine(zero, a), 0);
  EXPECT_EQ(Cosine(zero, zero), 0);
}

TEST(Cosine, DoesNotOverflowWhereFloatWould) {
  const std::vector<float> a = {1e30f, 1e30f};
  EXPECT_NEAR(Cosine(a, a), 1, 8 * std::numeric_limits<double>::epsilon());
}

TEST(PairCosines, GoesRowByRow) {
  const std::vector<float> a = {1, 0, 0, 1, 0, 0}, b = {1, 0, 1, 0, 5, 5};
  EXPECT_EQ(PairCosines({.values = a, .d = 2}, {.values = b, .d = 2}),
            (std::vector<double>{1, 0, 0}));
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
