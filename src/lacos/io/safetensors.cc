#include "lacos/io/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/io/json.h"

namespace lacos {
namespace {

constexpr int64_t kMaxHeaderBytes = 100'000'000;  // the limit of the reference implementation

// Recognizes other formats that people put in the place of a safetensors file, and refuses them.
void RefuseOtherFormats(const std::string& path, std::string_view start) {
  const char* found = nullptr;
  if (start.starts_with("PK\x03\x04"))
    found = "a zip archive (a PyTorch .bin?); expected safetensors; convert it first";
  if (start.starts_with("GGUF"))
    found = "a GGUF file; expected safetensors; use the original model folder";
  if (start.starts_with("<!DOCTYPE") || start.starts_with("<html"))
    found = "a web page; expected safetensors; download the file again";
  if (found != nullptr) throw UserError(fmt::format("[{}] found {}", path, found));
}

TensorEntry ParseEntry(const std::string& path, std::string_view name, const Json& value,
                       int64_t data_begin) {
  const auto fail = [&](const std::string& what) {
    throw UserError(
        fmt::format("[{}] tensor '{}' {}; fetch or export the file again", path, name, what));
  };
  TensorEntry entry;
  entry.name = name;
  const std::string type = value.At("dtype").AsString();
  const std::optional<DType> dtype = Parse<DType>(type);
  if (!dtype || dtype == DType::kC128)
    fail(fmt::format("has the type {}; expected F64, F32, F16, BF16, I64, I32, I8 or U8", type));
  entry.dtype = *dtype;

  std::optional<int64_t> bytes = static_cast<int64_t>(SizeOf(entry.dtype));
  value.At("shape").ForEachElement([&](const Json& dim) {
    const int64_t d = dim.AsInt();
    if (d < 0) fail(fmt::format("has the dimension {}; expected none below zero", d));
    entry.shape.push_back(d);
  });
  if (std::find(entry.shape.begin(), entry.shape.end(), 0) != entry.shape.end()) {
    bytes = 0;  // even if the product of the other dimensions overflows
  } else {
    for (const int64_t d : entry.shape) bytes = bytes ? CheckedMultiply(*bytes, d) : bytes;
  }
  const Json offsets = value.At("data_offsets");
  if (offsets.size() != 2) fail(fmt::format("has {} data_offsets; expected 2", offsets.size()));
  const int64_t begin = offsets[0].AsInt(), end = offsets[1].AsInt();
  if (begin < 0 || end < begin)
    fail(fmt::format("lies at bytes {} to {}; expected an ascending range", begin, end));
  if (!bytes || *bytes != end - begin) {
    fail(fmt::format("has {} bytes; expected {} for {} [{}]", end - begin,
                     bytes ? std::to_string(*bytes) : "over 2^63", type,
                     fmt::join(entry.shape, ", ")));
  }
  const std::optional<int64_t> offset = CheckedAdd(data_begin, begin);
  if (!offset || !CheckedAdd(*offset, *bytes))
    fail("ends beyond 2^63 bytes; expected a place inside the file");
  entry.offset = *offset;
  entry.bytes = *bytes;
  return entry;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path) : TensorFile(path) {
  const std::span<const std::byte> bytes = file()->bytes();
  const auto file_bytes = static_cast<int64_t>(bytes.size());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  RefuseOtherFormats(path, text);
  if (file_bytes < 8) FailTruncated(path, file_bytes, 8);
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  if (header_bytes > static_cast<uint64_t>(kMaxHeaderBytes)) {
    throw UserError(fmt::format(
        "[{}] names a header of {} bytes; expected at most {}; check that this is a safetensors file",
        path, header_bytes, kMaxHeaderBytes));
  }
  const int64_t data_begin = 8 + static_cast<int64_t>(header_bytes);
  if (data_begin > file_bytes) FailTruncated(path, file_bytes, data_begin);
  const std::string_view header_text = text.substr(8, header_bytes);
  if (!header_text.starts_with('{')) {
    throw UserError(fmt::format(
        "[{}] has a header that does not start with '{{'; expected a JSON object; check that this "
        "is a safetensors file",
        path));
  }

  const Json header = Json::Parse(header_text, path);
  std::vector<TensorEntry> tensors;
  header.ForEachItem([&](std::string_view name, const Json& value) {
    if (name == "__metadata__") {
      value.ForEachItem([&](std::string_view key, const Json& item) {
        metadata_[std::string(key)] = item.AsString();
      });
    } else {
      tensors.push_back(ParseEntry(path, name, value, data_begin));
    }
  });
  std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
  });
  int64_t end = data_begin;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorEntry& entry = tensors[i];
    if (entry.offset != end) {
      throw UserError(fmt::format(
          "[{}] tensor '{}' begins at byte {}; expected {}, where {} ends, without holes or "
          "overlap; fetch or export the file again",
          path, entry.name, entry.offset, end,
          i == 0 ? "the header" : fmt::format("'{}'", tensors[i - 1].name)));
    }
    end = entry.offset + entry.bytes;
  }
  if (file_bytes < end) FailTruncated(path, file_bytes, end);
  if (file_bytes > end) {
    throw UserError(fmt::format(
        "[{}] has {} bytes after its last tensor; expected none; fetch or export the file again",
        path, file_bytes - end));
  }
  SetTensors(std::move(tensors));
}

}  // namespace lacos
