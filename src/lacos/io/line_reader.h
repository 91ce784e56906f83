// Lines of text files, plain, .gz or .zst, or stdin, in constant memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace lacos {

struct LineOptions {
  bool replace_invalid = false;  // U+FFFD for each maximal invalid sequence instead of an error
  int64_t max_line_bytes = int64_t{1} << 30;
};

// Only LF ends a line; one CR before it is dropped. A UTF-8 byte-order mark at the start is
// dropped. Compression is told by the content (magic bytes), so a misnamed file works. "-" is
// stdin. Throws UserError naming file, line and byte for invalid UTF-8, and for damaged compressed
// data and archive bombs.
class LineReader {
 public:
  explicit LineReader(const std::string& path, const LineOptions& options = {});
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line into `line`; false at the end. A last line without LF counts.
  bool Next(std::string& line);
  int64_t line_number() const;  // of the line last returned, from 1
  const std::string& path() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
