#include "lacos/search/stored_vectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/io/line_reader.h"
#include "lacos/io/npy.h"
#include "lacos/io/paths.h"
#include "lacos/search/precision.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

// The values of codes, in the middle of the interval that each code stands for.
std::vector<float> DecodeCodes(const NpyArray& array, const EmbeddingRanges& ranges) {
  const auto d = static_cast<size_t>(array.shape[1]);
  const double offset = array.dtype == DType::kI8 ? 128 : 0;
  std::vector<float> values(array.data.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double code = offset + (array.dtype == DType::kI8
                                      ? static_cast<double>(static_cast<int8_t>(array.data[i]))
                                      : static_cast<double>(static_cast<uint8_t>(array.data[i])));
    const double low = ranges.low[i % d], high = ranges.high[i % d];
    values[i] = static_cast<float>(std::min(low + (code + 0.5) * (high - low) / 255, high));
  }
  return values;
}

VectorFile ReadArray(const std::string& path) {
  const NpyArray array = ReadRowArray(path);
  VectorFile file{.values = {}, .d = array.shape[1]};
  const std::string ranges = RangesFileOf(path);
  if ((array.dtype == DType::kI8 || array.dtype == DType::kU8) && FileExists(ranges)) {
    file.values = DecodeCodes(array, ReadRanges(ranges, file.d));
    return file;
  }
  file.values.resize(static_cast<size_t>(array.shape[0] * file.d));
  if (!DecodeToFloat(array.dtype, array.data.data(), file.values.size(), file.values.data())) {
    throw UserError(fmt::format(
        "[{}] holds elements of type {} without their ranges; expected float16, float32 or "
        "float64, or int8 or uint8 codes with {} beside them; store the vectors in float16 or "
        "float32",
        path, Name(array.dtype), ranges));
  }
  return file;
}

VectorFile ReadLines(const std::string& path) {
  LineReader lines(path);
  VectorFile file;
  std::string line;
  while (lines.Next(line)) {
    const std::string where = fmt::format("{}:{}", path, lines.line_number());
    const Json row = Json::Parse(line, where);
    if (!row.IsObject() || !row.Has("embedding")) {
      throw UserError(fmt::format(
          "[{}] has no key 'embedding'; expected lines as `lacos embed --output FILE.jsonl` writes "
          "them, or an .npy file; name a file of vectors",
          where));
    }
    const size_t before = file.values.size();
    row.At("embedding").ForEachElement([&](const Json& value) {
      file.values.push_back(static_cast<float>(value.AsDouble()));
    });
    const auto d = static_cast<int64_t>(file.values.size() - before);
    if (before == 0) file.d = d;
    if (d != file.d || d == 0) {
      throw UserError(fmt::format(
          "[{}] has {} values; expected {}, as in the lines before it; embed the texts again with "
          "one model",
          where, d, before == 0 ? "at least one" : std::to_string(file.d)));
    }
  }
  return file;
}

}  // namespace

VectorFile ReadStoredVectors(const std::string& path) {
  VectorFile file = path.ends_with(".npy") ? ReadArray(path) : ReadLines(path);
  for (size_t i = 0; i < file.values.size(); ++i) {
    if (std::isfinite(file.values[i])) continue;
    throw UserError(fmt::format(
        "[{}: row {}] found the value {}; expected finite numbers; check what made the file", path,
        i / static_cast<size_t>(file.d), file.values[i]));
  }
  return file;
}

}  // namespace lacos
