#include "lacos/io/line_reader.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/io/byte_source.h"
#include "lacos/io/foreign_formats.h"
#include "lacos/io/utf8.h"

namespace lacos {
namespace {

constexpr size_t kReadBufferBytes = size_t{1} << 18;

}  // namespace

struct LineReader::State {
  std::string path;
  std::string name;  // for messages
  LineOptions options;
  std::unique_ptr<ByteSource> source;
  std::vector<char> buffer = std::vector<char>(kReadBufferBytes);
  bool dropped_cr = false;    // whether the current line ended in CRLF
  bool started = false;       // whether the buffer was filled for the first time
  size_t begin = 0, end = 0;  // the part of `buffer` that has not been returned yet
  int64_t line_number = 0, bytes = 0;
  int64_t dropped_bytes = 0;  // size of a byte-order mark that was dropped from the current line

  bool Fill() {
    begin = 0;
    end = source->Read(buffer);
    return end > 0;
  }
  // Fills the buffer for the first time, and refuses a file of a known format that is not text. The
  // first line is read whole if it fits, and of a file as many bytes as decide about its format,
  // however the file is compressed. Of a pipe, which may be slow, no more than the first line is
  // awaited.
  bool FillFirst() {
    started = true;
    std::error_code ignored;
    const bool is_file = std::filesystem::is_regular_file(path, ignored);
    const size_t least = is_file ? kForeignFormatBytes : 0;
    while (end < buffer.size()) {
      const size_t n = source->Read(std::span(buffer).subspan(end));
      if (n == 0) break;
      end += n;
      if (end >= least && std::memchr(buffer.data(), '\n', end) != nullptr) break;
    }
    RefuseForeignFormat({buffer.data(), end}, name);
    RefuseLoneCarriageReturns();
    return end > 0;
  }
  // Programs for old Macs ended lines in CR, and readers of other packages take these for lines. Here
  // the file would be one long line.
  void RefuseLoneCarriageReturns() const {
    const std::string_view text(buffer.data(), end);
    const size_t first = text.find('\r');
    if (first == std::string_view::npos || first + 1 >= end ||
        text.find('\n') != std::string_view::npos)
      return;
    throw UserError(fmt::format(
        "[{}] has lines that end in CR alone; expected LF or CRLF; convert it: tr '\\r' '\\n' < {} > "
        "NEW",
        name, path == "-" ? "FILE" : path));
  }
  void Append(std::string& line, size_t n) const {
    if (static_cast<int64_t>(line.size() + n) > options.max_line_bytes) {
      throw UserError(fmt::format(
          "[{}:{}] is longer than {} bytes; expected one text a line; check that this is a text "
          "file",
          name, line_number, options.max_line_bytes));
    }
    line.append(buffer.data() + begin, n);
  }
  void Check(std::string& line) const {
    const size_t invalid = FindInvalidUtf8(line);
    if (invalid == std::string::npos) return;
    if (options.replace_invalid) {
      line = ReplaceInvalidUtf8(line);
      return;
    }
    const auto byte = static_cast<unsigned char>(line[invalid]);
    const bool utf16 = line_number == 1 && invalid == 0 && (byte == 0xFF || byte == 0xFE);
    throw UserError(fmt::format(
        "[{}:{}] byte {} (0x{:02X}) is not valid UTF-8; expected UTF-8 text; convert the file{} or "
        "pass `replace_invalid`",
        name, line_number, static_cast<int64_t>(invalid) + 1 + dropped_bytes, byte,
        utf16 ? " (iconv -f UTF-16 -t UTF-8)" : " (iconv -t UTF-8)"));
  }
};

LineReader::LineReader(const std::string& path, const LineOptions& options)
    : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->name = path == "-" ? "stdin" : path;
  state_->options = options;
  state_->source = OpenByteSource(path, state_->name);
}

LineReader::~LineReader() = default;

std::string_view LineReader::Peek() {
  State& state = *state_;
  if (!state.started) state.FillFirst();
  return {state.buffer.data() + state.begin, state.end - state.begin};
}

bool LineReader::Next(std::string& line) {
  State& state = *state_;
  line.clear();
  if (state.begin == state.end && !(state.started ? state.Fill() : state.FillFirst())) return false;
  ++state.line_number;
  state.dropped_bytes = 0;
  state.dropped_cr = false;
  while (true) {
    const char* start = state.buffer.data() + state.begin;
    const size_t left = state.end - state.begin;
    const auto* newline = static_cast<const char*>(std::memchr(start, '\n', left));
    if (newline != nullptr) {
      const auto n = static_cast<size_t>(newline - start);
      state.Append(line, n);
      state.begin += n + 1;
      state.bytes += static_cast<int64_t>(line.size()) + 1;
      state.dropped_cr = line.ends_with('\r');
      if (state.dropped_cr) line.pop_back();
      break;
    }
    state.Append(line, left);
    if (!state.Fill()) {
      state.bytes += static_cast<int64_t>(line.size());
      break;
    }
  }
  if (state.line_number == 1 && line.starts_with("\xEF\xBB\xBF")) {
    line.erase(0, 3);
    state.dropped_bytes = 3;
  }
  state.Check(line);
  return true;
}

bool LineReader::dropped_cr() const { return state_->dropped_cr; }
int64_t LineReader::line_number() const { return state_->line_number; }
int64_t LineReader::bytes() const { return state_->bytes; }
const std::string& LineReader::path() const { return state_->path; }

}  // namespace lacos
