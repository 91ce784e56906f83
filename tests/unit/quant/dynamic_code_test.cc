// The dynamic code: maps and grid encoding are bit for bit those of bitsandbytes (recorded by
// tools/golden/make_quant_golden.py), and exact encoding gives the nearest entry.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "lacos/base/checked_math.h"
#include "lacos/base/rng.h"
#include "lacos/quant/code.h"
#include "test_paths.h"

namespace lacos {
namespace {

struct GoldenCase {
  std::string name;
  bool is_signed = false;
  int64_t block_size = 0;
  std::vector<float> values, absmax;
  std::vector<int> codes;
};
struct Golden {
  std::vector<float> map_signed, map_unsigned;
  std::vector<GoldenCase> cases;
};

std::vector<float> ReadFloats(std::istream& in) {
  std::string line, word;
  std::getline(in, line);
  std::istringstream words(line);
  std::vector<float> floats;
  while (words >> word)
    floats.push_back(std::bit_cast<float>(static_cast<uint32_t>(std::stoul(word, nullptr, 16))));
  return floats;
}

const Golden& ReadGolden() {
  static const Golden golden = [] {
    std::ifstream in(LACOS_SOURCE_DIR "/tests/golden/quant/dynamic.txt");
    Golden g;
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream words(line);
      std::string keyword, name, kind;
      words >> keyword >> name;
      if (keyword == "map") (name == "signed" ? g.map_signed : g.map_unsigned) = ReadFloats(in);
      if (keyword != "case") continue;
      GoldenCase c;
      size_t n = 0;
      words >> kind >> c.block_size >> n;
      c.name = name;
      c.is_signed = kind == "signed";
      c.values = ReadFloats(in);
      c.absmax = ReadFloats(in);
      std::getline(in, line);
      std::istringstream codes(line);
      for (int code = 0; codes >> code;) c.codes.push_back(code);
      EXPECT_EQ(c.values.size(), n) << name;
      EXPECT_EQ(c.codes.size(), n) << name;
      g.cases.push_back(std::move(c));
    }
    EXPECT_EQ(g.cases.size(), 10u) << "a complete golden file";
    return g;
  }();
  return golden;
}

struct Encoded {
  std::vector<uint8_t> codes;
  std::vector<float> absmax;
};
Encoded Sized(const std::vector<float>& values, int64_t block_size) {
  const auto n = static_cast<int64_t>(values.size());
  return {std::vector<uint8_t>(values.size()),
          std::vector<float>(static_cast<size_t>(CeilDivide(n, block_size)))};
}

TEST(DynamicMap, EqualsBitsandbytesBitForBit) {
  EXPECT_THAT(DynamicMap(true), testing::ElementsAreArray(ReadGolden().map_signed));
  EXPECT_THAT(DynamicMap(false), testing::ElementsAreArray(ReadGolden().map_unsigned));
}

TEST(DynamicMap, HasTheKnownEntries) {
  const auto& s = DynamicMap(true);
  EXPECT_EQ(s[0], -0.99296874f);
  EXPECT_EQ(s[127], 0.0f);
  EXPECT_FLOAT_EQ(s[128], 5.5e-7f);
  EXPECT_EQ(s[254], 0.99296874f);
  EXPECT_EQ(s[255], 1.0f);
  const auto& u = DynamicMap(false);
  EXPECT_EQ(u[0], 0.0f);
  EXPECT_FLOAT_EQ(u[1], 3.25e-7f);
  EXPECT_EQ(u[254], 0.99648440f);
  EXPECT_TRUE(std::is_sorted(u.begin(), u.end()));
}

TEST(DynamicGrid, EqualsBitsandbytesOnTheCpu) {
  for (const GoldenCase& c : ReadGolden().cases) {
    Encoded e = Sized(c.values, c.block_size);
    EncodeDynamicGrid(c.values, c.block_size, c.is_signed, e.codes.data(), e.absmax.data());
    EXPECT_THAT(e.absmax, testing::ElementsAreArray(c.absmax)) << c.name;
    EXPECT_THAT(std::vector<int>(e.codes.begin(), e.codes.end()),
                testing::ElementsAreArray(c.codes))
        << c.name;
  }
}

// Exact encoding and bitsandbytes' grid may differ only if the nearest point of the grid lies on
// the other side of the midpoint between codes. That point is at most half a step of 2 / 65535
// away, plus 4 roundings.
TEST(DynamicCode, DiffersFromBitsandbytesOnlyByTheGridsResolution) {
  for (const GoldenCase& c : ReadGolden().cases) {
    // In these cases the scales differ, see below.
    if (c.name == "not_finite" || c.name == "denormals") continue;
    const auto& map = DynamicMap(c.is_signed);
    Encoded e = Sized(c.values, c.block_size);
    EncodeDynamic(c.values, c.block_size, map, e.codes.data(), e.absmax.data());
    const double reach = 1.0 / 65535 + 4 * std::numeric_limits<float>::epsilon();
    for (size_t i = 0; i < c.values.size(); ++i) {
      const float absmax = e.absmax[i / c.block_size];
      if (c.absmax[i / c.block_size] == 0) continue;
      ASSERT_EQ(absmax, c.absmax[i / c.block_size]);
      const double x = c.values[i] / absmax;
      const double error = std::abs(map[e.codes[i]] - x);
      const double grid_error = std::abs(map[c.codes[i]] - x);
      EXPECT_LE(error, grid_error) << c.name << " " << i;
      EXPECT_LE(grid_error, error + 2 * reach) << c.name << " " << i;
    }
  }
}

TEST(DynamicCode, ZerosAndDenormalsUseTheSmallestScale) {
  const auto& map = DynamicMap(true);
  const std::vector<float> values = {0.0f, -0.0f, 1e-39f, -1e-39f, 1e-44f};
  Encoded e = Sized(values, 64);
  EncodeDynamic(values, 64, map, e.codes.data(), e.absmax.data());
  EXPECT_EQ(e.absmax[0], 1e-38f);
  EXPECT_EQ(e.codes[0], 127);
  EXPECT_EQ(e.codes[1], 127);
  EXPECT_NEAR(map[e.codes[2]], 0.1, 0.01);
  EXPECT_NEAR(map[e.codes[3]], -0.1, 0.01);
}

TEST(NearestCode, GoesLeftOnTiesAndHandlesTheEnds) {
  std::array<float, 256> map{};
  for (int i = 0; i < 256; ++i) map[i] = static_cast<float>(i);
  EXPECT_EQ(NearestCode(map, 10.5f), 10);
  EXPECT_EQ(NearestCode(map, 10.500001f), 11);
  EXPECT_EQ(NearestCode(map, -5.0f), 0);
  EXPECT_EQ(NearestCode(map, 300.0f), 255);
  EXPECT_EQ(NearestCode(map, std::numeric_limits<float>::quiet_NaN()), 0);
  EXPECT_EQ(NearestCode(DynamicMap(true), std::numeric_limits<float>::quiet_NaN()), 127);
}

TEST(DynamicCode, DecodingThenEncodingGivesTheCodesBack) {
  for (const bool is_signed : {true, false}) {
    const auto& map = DynamicMap(is_signed);
    std::vector<uint8_t> codes(256);
    for (int i = 0; i < 256; ++i) codes[i] = static_cast<uint8_t>(i);
    for (const float absmax : {1.0f, 0.3f, 5e-5f, 1e20f}) {
      const QuantizedMatrix matrix{.name = "w",
                                   .rows = 1,
                                   .cols = 256,
                                   .scheme = QuantScheme::kDynamic,
                                   .dtype = DType::kU8,
                                   .block_size = 256,
                                   .codes = reinterpret_cast<const std::byte*>(codes.data()),
                                   .absmax = &absmax,
                                   .code_map = map.data()};
      std::vector<float> values(256);
      Decode(matrix, 0, 256, values.data());
      for (int i = 0; i < 256; ++i) EXPECT_EQ(values[i], map[i] * absmax);
      Encoded e = Sized(values, 256);
      EncodeDynamic(values, 256, map, e.codes.data(), e.absmax.data());
      EXPECT_EQ(e.codes, codes) << absmax;
    }
  }
}

}  // namespace
}  // namespace lacos
