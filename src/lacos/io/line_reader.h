// The lines of a text file (plain, .gz or .zst) or of stdin, read in constant memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lacos {

struct LineOptions {
  // if true, each maximal invalid sequence becomes U+FFFD; if false, it is an error
  bool replace_invalid = false;
  int64_t max_line_bytes = int64_t{1} << 30;
};

// Only LF ends a line; one CR before it is dropped. A file whose lines end in CR alone is refused. A
// UTF-8 byte-order mark at the start is dropped. Compression is recognized by the content (magic bytes), so a misnamed file works. "-" is
// stdin. Throws UserError for invalid UTF-8, naming file, line and byte, for damaged compressed data
// and archive bombs, and for files of other formats (foreign_formats.h), which it names.
class LineReader {
 public:
  explicit LineReader(const std::string& path, const LineOptions& options = {});
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Reads the next line into `line`. Returns false at the end. A last line without LF counts.
  bool Next(std::string& line);
  // The bytes at the beginning of the file, before Next is called for the first time: as many as
  // were read at once, and none if the file is empty. They may hold a byte-order mark and invalid
  // UTF-8. The view is valid until Next is called.
  std::string_view Peek();
  // Whether a CR was dropped at the end of the line that was returned last.
  bool dropped_cr() const;
  int64_t line_number() const;  // number of the line that was returned last, counted from 1
  // Number of bytes of the lines that were returned, with their ends.
  int64_t bytes() const;
  const std::string& path() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
