// The dynamic 8-bit code: its two maps, exact nearest-entry encoding, and the coarser grid with
// which bitsandbytes' CPU library encodes optimizer states.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/quant/code.h"

namespace lacos {
namespace {

constexpr float kSmallestAbsmax = 1e-38f;

// Point i of torch.linspace(0.1, 1, points) in float. Torch computes the first half of the points
// from the start and the second half from the end.
float LinspacePoint(int i, int points) {
  const float step = (1.0f - 0.1f) / static_cast<float>(points - 1);
  if (i < points / 2) return std::fma(step, static_cast<float>(i), 0.1f);
  return std::fma(-step, static_cast<float>(points - 1 - i), 1.0f);
}

// For each exponent i the map has 2^i (signed) or 2^(i+1) (unsigned) values: the midpoints of equal
// parts of [0.1, 1], times 10^(i-6).
std::array<float, 256> MakeDynamicMap(bool is_signed) {
  std::vector<float> values = {0.0f, 1.0f};
  for (int i = 0; i < 7; ++i) {
    const int points = (1 << (is_signed ? i : i + 1)) + 1;
    const auto power = static_cast<float>(std::pow(10.0, i - 6));
    for (int j = 0; j + 1 < points; ++j) {
      const float value =
          power * ((LinspacePoint(j, points) + LinspacePoint(j + 1, points)) / 2.0f);
      values.push_back(value);
      if (is_signed) values.push_back(-value);
    }
  }
  LACOS_CHECK(values.size() == 256, "the map has 256 entries");
  std::sort(values.begin(), values.end());
  std::array<float, 256> map{};
  std::copy(values.begin(), values.end(), map.begin());
  return map;
}

// The nearest code for each of the 65,536 grid points 2 i / 65535 - 1; ties go to the lower code.
class Grid {
 public:
  explicit Grid(const std::array<float, 256>& map)
      : codes_(std::make_unique<std::array<uint8_t, 65536>>()) {
    int code = 0;
    for (int i = 0; i < 65536; ++i) {
      const float x = 2.0f * static_cast<float>(i) / 65535.0f - 1.0f;
      while (code < 255 && x > (map[code] + map[code + 1]) * 0.5f) ++code;
      (*codes_)[i] = static_cast<uint8_t>(code);
    }
  }
  // Rounds x * inverse once, clamps it, and moves it to the nearest grid point. NaN falls on point
  // 0.
  uint8_t Code(float x, float inverse) const {
    const float scaled = x * inverse;
    if (std::isnan(scaled)) return (*codes_)[0];
    const float unit = (std::clamp(scaled, -1.0f, 1.0f) + 1.0f) * 0.5f;
    // unit * 65535 + 0.5 with one rounding, as a fused multiply-add: in double both steps are
    // exact.
    const auto point = static_cast<float>(static_cast<double>(unit) * 65535.0 + 0.5);
    return (*codes_)[static_cast<uint16_t>(static_cast<int32_t>(point))];
  }

 private:
  std::unique_ptr<std::array<uint8_t, 65536>> codes_;
};

const Grid& DynamicGrid(bool is_signed) {
  static const Grid grid_signed(DynamicMap(true));
  static const Grid grid_unsigned(DynamicMap(false));
  return is_signed ? grid_signed : grid_unsigned;
}

}  // namespace

const std::array<float, 256>& DynamicMap(bool is_signed) {
  static const std::array<float, 256> map_signed = MakeDynamicMap(true);
  static const std::array<float, 256> map_unsigned = MakeDynamicMap(false);
  return is_signed ? map_signed : map_unsigned;
}

uint8_t NearestCode(std::span<const float, 256> map, float value) {
  if (std::isnan(value)) value = 0;
  const auto right =
      static_cast<size_t>(std::lower_bound(map.begin(), map.end(), value) - map.begin());
  if (right == 0) return 0;
  if (right == 256) return 255;
  // Differences in double are exact enough to order: both entries and value are floats.
  const double below = static_cast<double>(value) - map[right - 1];
  const double above = static_cast<double>(map[right]) - value;
  return static_cast<uint8_t>(above < below ? right : right - 1);
}

void EncodeDynamic(std::span<const float> values, int64_t block_size,
                   std::span<const float, 256> map, uint8_t* codes, float* absmax) {
  LACOS_CHECK(block_size > 0, "a block has at least one value");
  const auto count = static_cast<int64_t>(values.size());
  for (int64_t block = 0, begin = 0; begin < count; ++block, begin += block_size) {
    const int64_t end = std::min(begin + block_size, count);
    float largest = kSmallestAbsmax;
    for (int64_t i = begin; i < end; ++i) largest = std::fmax(largest, std::fabs(values[i]));
    absmax[block] = largest;
    for (int64_t i = begin; i < end; ++i) codes[i] = NearestCode(map, values[i] / largest);
  }
}

void EncodeDynamicGrid(std::span<const float> values, int64_t block_size, bool is_signed,
                       uint8_t* codes, float* absmax) {
  LACOS_CHECK(block_size > 0, "a block has at least one value");
  const Grid& grid = DynamicGrid(is_signed);
  const auto count = static_cast<int64_t>(values.size());
  for (int64_t block = 0, begin = 0; begin < count; ++block, begin += block_size) {
    const int64_t end = std::min(begin + block_size, count);
    float largest = 0;
    for (int64_t i = begin; i < end; ++i) largest = std::fmax(largest, std::fabs(values[i]));
    absmax[block] = largest;
    if (largest == 0) {
      std::fill(codes + begin, codes + end, uint8_t{0});
      continue;
    }
    const float inverse = 1.0f / largest;
    for (int64_t i = begin; i < end; ++i) codes[i] = grid.Code(values[i], inverse);
  }
}

}  // namespace lacos
