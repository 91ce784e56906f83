// Shapes and views: sizes, slices of rows, and calls that abort because only a bug in our own code
// could make them.
#include "lacos/tensor/tensor_view.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace lacos {
namespace {

TEST(Shape, CountsItsElements) {
  EXPECT_EQ((Shape{7}).Elements(), 7);
  EXPECT_EQ((Shape{2, 3, 5, 7}).Elements(), 210);
  EXPECT_EQ((Shape{4, 0}).Elements(), 0);
  EXPECT_EQ((Shape{4, 0}).rank(), 2);
}

TEST(Shape, WithoutDimensionsIsThatOfAnAbsentTensor) {
  EXPECT_EQ(Shape().rank(), 0);
  EXPECT_EQ(Shape().Elements(), 0);
  EXPECT_FALSE(TensorView());
  EXPECT_EQ(TensorView().Bytes(), 0u);
}

TEST(Shape, OfAnotherRankIsAnother) {
  EXPECT_EQ((Shape{6, 1}), (Shape{6, 1}));
  EXPECT_NE((Shape{6, 1}), Shape{6});
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
}

TEST(Shape, HasAtMostFourDimensions) {
  EXPECT_DEATH((Shape{1, 1, 1, 1, 1}), "at most four dimensions");
}

class TensorViewTest : public testing::Test {
 protected:
  std::array<std::byte, 256> memory_{};
  TensorView matrix_{.data = memory_.data(), .dtype = DType::kF32, .shape = {4, 3}};
  TensorView vector_{.data = memory_.data(), .dtype = DType::kBF16, .shape = {9}};
};

TEST_F(TensorViewTest, RowsTimesColumnsIsTheNumberOfElements) {
  EXPECT_TRUE(matrix_);
  EXPECT_EQ(matrix_.rows(), 4);
  EXPECT_EQ(matrix_.cols(), 3);
  EXPECT_EQ(matrix_.Bytes(), 4u * 3 * 4);
  EXPECT_EQ(vector_.rows(), 9);
  EXPECT_EQ(vector_.cols(), 1);
  EXPECT_EQ(vector_.Bytes(), 18u);
  const TensorView heads{.data = memory_.data(), .dtype = DType::kF32, .shape = {2, 3, 5}};
  EXPECT_EQ(heads.rows(), 2);
  EXPECT_EQ(heads.cols(), 15);
}

TEST_F(TensorViewTest, ASliceOfRowsLiesInTheSameMemory) {
  const TensorView rows = matrix_.Rows(1, 3);
  EXPECT_EQ(rows.data, memory_.data() + 3 * 4);
  EXPECT_EQ(rows.shape, (Shape{2, 3}));
  EXPECT_EQ(rows.dtype, DType::kF32);
  const TensorView elements = vector_.Rows(4, 9);
  EXPECT_EQ(elements.data, memory_.data() + 4 * 2);
  EXPECT_EQ(elements.shape, Shape{5});
  EXPECT_EQ(matrix_.Rows(4, 4).Elements(), 0);
}

TEST_F(TensorViewTest, ASliceOutsideItsTensorAborts) {
  EXPECT_DEATH(matrix_.Rows(2, 5), "inside its tensor");
  EXPECT_DEATH(matrix_.Rows(-1, 2), "inside its tensor");
  EXPECT_DEATH(matrix_.Rows(3, 2), "inside its tensor");
  const TensorView heads{.data = memory_.data(), .dtype = DType::kF32, .shape = {2, 3, 5}};
  EXPECT_DEATH(heads.Rows(0, 1), "vectors and matrices");
}

TEST_F(TensorViewTest, AReshapeKeepsMemoryTypeAndElements) {
  const TensorView reshaped = matrix_.Reshaped({2, 2, 3});
  EXPECT_EQ(reshaped.data, matrix_.data);
  EXPECT_EQ(reshaped.dtype, DType::kF32);
  EXPECT_EQ(reshaped.shape, (Shape{2, 2, 3}));
  EXPECT_DEATH(matrix_.Reshaped({13}), "keeps the number of elements");
}

TEST(DType, HasASizeAndSafetensorsName) {
  struct Case {
    DType dtype;
    size_t bytes;
    std::string name;
  };
  for (const Case& c :
       {Case{DType::kF32, 4, "F32"}, Case{DType::kBF16, 2, "BF16"}, Case{DType::kF16, 2, "F16"},
        Case{DType::kF64, 8, "F64"}, Case{DType::kC128, 16, "C128"}, Case{DType::kI8, 1, "I8"},
        Case{DType::kU8, 1, "U8"}, Case{DType::kI32, 4, "I32"}, Case{DType::kI64, 8, "I64"}}) {
    EXPECT_EQ(SizeOf(c.dtype), c.bytes) << c.name;
    EXPECT_EQ(Name(c.dtype), c.name);
  }
}

}  // namespace
}  // namespace lacos
