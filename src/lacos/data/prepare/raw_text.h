// Raw text files of many origins as lines and cells: encodings, line ends and quoting as they are
// found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

// A file below the folder of raw data, or a member of an archive there, decompressed.
struct RawFile {
  std::string name;   // relative to the folder: "sts/x.tar.gz/STS2012-gold/STS.gs.MSRpar.txt"
  std::string shown;  // for messages: with the folder's path
  std::string bytes;
  std::string sha256;  // of `bytes`

  std::string Where(int64_t line) const;  // "[shown:line]"
};

// The parts of a raw file's name in lower-case ASCII; the last is the file's own.
std::vector<std::string> LowerParts(const std::string& name);

// "de", "zh-cn": what may stand in a file name of the suite.
bool IsLanguageCode(std::string_view text);

// A file's text as lines of UTF-8. Only LF ends a line, one CR before it is dropped: the line
// breaks that Python's splitlines knows besides (U+0085, U+2028, \x0b, \x1c, ...) occur inside
// sentences. A byte-order mark at the start is dropped. A file that is no valid UTF-8 is taken for
// Windows-1252, of which Latin-1's texts are a part.
class RawLines {
 public:
  // UserError for UTF-16 and for NUL bytes.
  explicit RawLines(const RawFile& file);
  RawLines(const RawLines&) = delete;
  RawLines& operator=(const RawLines&) = delete;

  const std::vector<std::string_view>& lines() const { return lines_; }
  const std::string& text() const { return text_; }
  bool converted() const { return converted_; }  // from Windows-1252

 private:
  std::string text_;
  std::vector<std::string_view> lines_;
  bool converted_ = false;
};

std::string Windows1252ToUtf8(std::string_view bytes);

std::vector<std::string_view> SplitTabs(std::string_view line);

// RFC 4180 records, with the line where each begins. UserError for a quote that stays open and for
// text behind a closing quote.
struct CsvRecord {
  std::vector<std::string> cells;
  int64_t line = 0;
};
std::vector<CsvRecord> ParseCsv(const RawFile& file, const RawLines& lines);

}  // namespace lacos
