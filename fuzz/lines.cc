// Lines of plain, gzip or zstd files: they are valid UTF-8 without line ends, and equal for all
// forms of storage.
#include <zlib.h>

#include <vector>

#include "lacos/base/error.h"
#include "lacos/io/line_reader.h"
#include "lacos/io/utf8.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

struct Result {
  std::vector<std::string> lines;
  bool refused = false;
  bool operator==(const Result&) const = default;
};

Result Read(const std::string& path, const LineOptions& options) {
  constexpr size_t kKept = 10'000;
  Result result;
  LineReader reader(path, options);
  std::string line;
  for (int64_t number = 1; reader.Next(line); ++number) {
    Require(reader.line_number() == number, "lines are counted from 1");
    Require(line.find('\n') == std::string::npos, "a line holds no line end");
    Require(IsValidUtf8(line), "a line is valid UTF-8");
    Require(static_cast<int64_t>(line.size()) <= 3 * options.max_line_bytes,
            "a line has a bounded length");
    if (result.lines.size() < kKept) result.lines.push_back(line);
  }
  return result;
}

std::string Gzip(std::string_view text) {
  z_stream stream{};
  Require(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
          "zlib has memory");
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  Require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib packs");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Result ReadOrRefuse(const std::string& path, const LineOptions& options) {
  try {
    return Read(path, options);
  } catch (const UserError&) {
    return {.lines = {}, .refused = true};
  }
}

}  // namespace

void Lines(Input input) {
  if (input.empty()) return;
  const auto choice = static_cast<unsigned>(input[0]);
  const LineOptions options{.replace_invalid = (choice & 1) != 0,
                            .max_line_bytes = (choice & 2) ? 1 << 20 : 64};
  const std::string_view text = Text(input.subspan(1));
  if (choice & 4) {  // the text is stored both plain and compressed
    const bool looks_packed = text.starts_with("\x1F\x8B") ||
                              text.starts_with("\x28\xB5\x2F\xFD") ||
                              (text.size() >= 4 && text.substr(1, 3) == "\x2A\x4D\x18");
    if (looks_packed) return;
    const Result plain = ReadOrRefuse(WriteScratch("input.txt", text), options);
    const size_t half = text.size() / 2;
    const std::string packed = Gzip(text.substr(0, half)) + Gzip(text.substr(half));
    Require(ReadOrRefuse(WriteScratch("packed.txt", packed), options) == plain,
            "gzip changes no line");
    return;
  }
  Read(WriteScratch((choice & 8) ? "input.gz" : "input.zst", text), options);
}

}  // namespace lacos::fuzz
