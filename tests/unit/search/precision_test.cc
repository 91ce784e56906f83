// Vectors of reduced precision have exactly the codes that quantize_embeddings of
// sentence-transformers 6.2 returned.
#include "lacos/search/precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "lacos/base/rng.h"
#include "lacos/io/json.h"
#include "lacos/io/npy.h"
#include "lacos/search/embedding_file.h"
#include "test_paths.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kRows = 5, kDims = 11;

// The matrix that was passed to quantize_embeddings. It has one constant dimension, a zero and a
// negative zero.
std::vector<float> GoldenInput() {
  std::vector<float> x(kRows * kDims);
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t j = 0; j < kDims; ++j) {
      x[i * kDims + j] = static_cast<float>((i * 37 + j * 53) % 101 - 50) / 64.0f;
    }
    x[i * kDims + 3] = 0.25f;
  }
  x[2 * kDims + 5] = 0.0f;
  x[1 * kDims + 7] = -0.0f;
  return x;
}

std::vector<int> Codes(Precision precision, const std::vector<float>& x, int64_t d) {
  EmbeddingRanges ranges(d);
  ranges.Add(x);
  std::vector<std::byte> bytes;
  QuantizeEmbeddings(precision, x, d, &ranges, bytes);
  std::vector<int> codes;
  for (const std::byte b : bytes) {
    const auto code = static_cast<uint8_t>(b);
    codes.push_back(StoredType(precision) == DType::kI8 ? static_cast<int8_t>(code) : code);
  }
  return codes;
}

const std::vector<int> kUint8Codes = {
    0,   93, 0,   0,   0,   151, 0,   215, 0,   220, 0,   127, 220, 127, 0,   127, 255, 127, 143,
    127, 0,  127, 254, 0,   254, 0,   254, 114, 254, 107, 254, 127, 254, 34,  127, 34,  0,   34,
    179, 34, 254, 34,  254, 34,  161, 254, 161, 0,   161, 0,   161, 0,   161, 34,  161};

TEST(QuantizeEmbeddings, Uint8EqualsSentenceTransformers) {
  EXPECT_EQ(Codes(Precision::kUint8, GoldenInput(), kDims), kUint8Codes);
}

TEST(QuantizeEmbeddings, Int8IsUint8Minus128) {
  std::vector<int> expected = kUint8Codes;
  for (int& code : expected) code -= 128;
  EXPECT_EQ(Codes(Precision::kInt8, GoldenInput(), kDims), expected);
}

// Codes with ranges of a calibration set, as the package returned them (make_eval_golden.py).
TEST(QuantizeEmbeddings, GivenRangesEqualSentenceTransformers) {
  const Json golden =
      Json::ReadFile(std::string(LACOS_SOURCE_DIR) + "/tests/golden/eval/measures.json")
          .At("precisions");
  const auto flat = [&](const char* key) {
    std::vector<float> values;
    golden.At(key).ForEachElement([&](const Json& row) {
      row.ForEachElement(
          [&](const Json& value) { values.push_back(static_cast<float>(value.AsDouble())); });
    });
    return values;
  };
  constexpr int64_t kWidth = 5;
  const std::vector<float> embeddings = flat("embeddings"), calibration = flat("calibration");
  const TestFolder folder;
  NpyWriter writer(folder / "calibration.npy", DType::kF32, kWidth);
  writer.WriteRows(std::as_bytes(std::span(calibration)));
  writer.Commit();
  const EmbeddingRanges found = RangesOfEmbeddings(folder / "calibration.npy", kWidth);
  std::vector<float> both = found.low;
  both.insert(both.end(), found.high.begin(), found.high.end());
  EXPECT_EQ(both, flat("ranges"));
  WriteRanges(found, folder / "ranges.npy");
  const EmbeddingRanges ranges = ReadRanges(folder / "ranges.npy", kWidth);
  EXPECT_EQ(ranges.CountOutside(embeddings), golden.At("outside").AsInt());
  for (const Precision precision : {Precision::kInt8, Precision::kUint8}) {
    std::vector<std::byte> bytes;
    QuantizeEmbeddings(precision, embeddings, kWidth, &ranges, bytes);
    const std::vector<float> expected = flat(std::string(Name(precision)).c_str());
    ASSERT_EQ(bytes.size(), expected.size());
    for (size_t i = 0; i < bytes.size(); ++i) {
      const auto code = static_cast<uint8_t>(bytes[i]);
      EXPECT_EQ(precision == Precision::kInt8 ? static_cast<int8_t>(code) : code, expected[i])
          << Name(precision) << " " << i;
    }
  }
}

TEST(EmbeddingRanges, OtherFilesAreRefusedWithTheWayOut) {
  const TestFolder folder;
  const auto write = [&](const char* name, std::vector<float> values, int64_t d) {
    NpyWriter writer(folder / name, DType::kF32, d);
    writer.WriteRows(std::as_bytes(std::span(values)));
    writer.Commit();
    return folder / name;
  };
  const auto error = [&](const std::string& path) { return ErrorOf([&] { ReadRanges(path, 2); }); };
  EXPECT_THAT(error(write("wide.npy", {0, 0, 0, 1, 1, 1}, 3)), HasSubstr("has the shape [2, 3]"));
  EXPECT_THAT(error(write("many.npy", {0, 0, 1, 1, 2, 2}, 2)),
              AllOf(HasSubstr("has 3 rows"), HasSubstr("`calibration`")));
  EXPECT_THAT(error(write("swapped.npy", {1, 1, 0, 2}, 2)),
              AllOf(HasSubstr("smallest value 1 above the largest one 0 in column 0"),
                    HasSubstr("`calibration`")));
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(error(write("infinite.npy", {0, 0, 1, infinity}, 2)),
              HasSubstr("row 1] found the value inf"));
  {
    EmbeddingFile file(folder / "codes.npy", Precision::kInt8, 2);
    file.Append(std::vector<float>{0, 1, 2, 3});
    file.Commit();
  }
  EXPECT_THAT(error(folder / "codes.npy"),
              AllOf(HasSubstr("holds elements of type I8"), HasSubstr("codes.npy.ranges.npy")));
  EXPECT_EQ(ReadRanges(folder / "codes.npy.ranges.npy", 2).high, (std::vector<float>{2, 3}));
  EXPECT_THAT(ErrorOf([&] {
                RangesOfEmbeddings(write("one.npy", {0, 0}, 2), 2);
              }),
              HasSubstr("has 1 rows; expected at least two embeddings"));
}

TEST(QuantizeEmbeddings, BinaryPacksTheFirstDimensionIntoTheHighestBit) {
  const std::vector<int> unsigned_codes = {85, 64, 86, 160, 186, 160, 85, 64, 122, 160};
  const std::vector<int> signed_codes = {-43, -64, -42, 32, 58, 32, -43, -64, -6, 32};
  EXPECT_EQ(Codes(Precision::kUbinary, GoldenInput(), kDims), unsigned_codes);
  EXPECT_EQ(Codes(Precision::kBinary, GoldenInput(), kDims), signed_codes);
}

TEST(QuantizeEmbeddings, Float32IsTheInputByteForByte) {
  const std::vector<float> x = GoldenInput();
  std::vector<std::byte> bytes;
  QuantizeEmbeddings(Precision::kFloat32, x, kDims, nullptr, bytes);
  ASSERT_EQ(bytes.size(), x.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(bytes.data(), x.data(), bytes.size()), 0);
}

TEST(QuantizeEmbeddings, Float16RoundsToNearestEven) {
  // 2049 lies half-way between the float16 values 2048 and 2050, and 2051 between 2050 and 2052.
  const std::vector<float> x = {2049.0f, 2051.0f, 1.0f / 3.0f};
  std::vector<std::byte> bytes;
  QuantizeEmbeddings(Precision::kFloat16, x, 3, nullptr, bytes);
  uint16_t halves[3];
  ASSERT_EQ(bytes.size(), sizeof halves);
  std::memcpy(halves, bytes.data(), sizeof halves);
  EXPECT_EQ(halves[0], 0x6800);
  EXPECT_EQ(halves[1], 0x6802);
  EXPECT_EQ(halves[2], 0x3555);
}

TEST(QuantizeEmbeddings, BlocksGiveTheSameCodesAsOneCall) {
  Random random(7, RandomStream::kWeights);
  const int64_t d = 20;
  std::vector<float> x(37 * d);
  for (float& value : x) value = static_cast<float>(random.Normal());
  for (const Precision precision :
       {Precision::kInt8, Precision::kUint8, Precision::kBinary, Precision::kUbinary}) {
    EmbeddingRanges ranges(d);
    std::vector<std::byte> pieces, whole;
    const std::span all(x);
    for (int64_t row = 0; row < 37; row += 10)
      ranges.Add(all.subspan(row * d, std::min<int64_t>(10, 37 - row) * d));
    for (int64_t row = 0; row < 37; row += 8) {
      QuantizeEmbeddings(precision, all.subspan(row * d, std::min<int64_t>(8, 37 - row) * d), d,
                         &ranges, pieces);
    }
    QuantizeEmbeddings(precision, x, d, &ranges, whole);
    EXPECT_EQ(ranges.count, 37);
    EXPECT_EQ(pieces, whole);
    EXPECT_EQ(whole.size(), static_cast<size_t>(37 * StoredColumns(precision, d)));
  }
}

TEST(QuantizeEmbeddings, Int8DecodesToWithinOneStep) {
  Random random(8, RandomStream::kWeights);
  const int64_t d = 6, n = 200;
  std::vector<float> x(n * d);
  for (float& value : x) value = static_cast<float>(random.Normal());
  EmbeddingRanges ranges(d);
  ranges.Add(x);
  const std::vector<int> codes = Codes(Precision::kUint8, x, d);
  for (int64_t i = 0; i < n * d; ++i) {
    const double low = ranges.low[i % d],
                 step = (static_cast<double>(ranges.high[i % d]) - low) / 255;
    // floor() changes the quotient by less than one step. The f32 quotient of at most 255 has an
    // error below 255 * 2^-22 steps.
    EXPECT_NEAR(low + (codes[i] + 0.5) * step, x[i], (0.5 + 255 * 0x1p-22) * step);
  }
}

TEST(Precision, HasTheNamesOfTheCommandLine) {
  EXPECT_EQ(Parse<Precision>("float32"), Precision::kFloat32);
  EXPECT_EQ(Parse<Precision>("ubinary"), Precision::kUbinary);
  EXPECT_EQ(Parse<Precision>("int4"), std::nullopt);
}

}  // namespace
}  // namespace lacos
