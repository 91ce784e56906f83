// Raw text files of many origins as lines and cells, with the encodings, line ends and quoting that
// occur in them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

// A decompressed file below the folder of raw data, or a member of an archive there.
struct RawFile {
  std::string name;   // relative to the folder: "sts/x.tar.gz/STS2012-gold/STS.gs.MSRpar.txt"
  std::string shown;  // for messages: with the folder's path
  std::string bytes;
  std::string sha256;  // of `bytes`

  std::string Where(int64_t line) const;  // "[shown:line]"
};

// The parts of a raw file's path in lower-case ASCII. The last one is the name of the file itself.
std::vector<std::string> LowerParts(const std::string& name);

// Whether the text is a language code such as "de" or "zh-cn", which may be part of a file name in
// the suite.
bool IsLanguageCode(std::string_view text);

// The text of a file as lines of UTF-8. Only LF ends a line, and one CR before it is dropped. Other
// line breaks that Python's splitlines knows (U+0085, U+2028, \x0b, \x1c, ...) occur inside
// sentences. A byte-order mark at the start is dropped. A file that is not valid UTF-8 is read as
// Windows-1252, which includes texts in Latin-1.
class RawLines {
 public:
  // Throws UserError for UTF-16 and for NUL bytes.
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

// A record as RFC 4180 defines it, with the line in which it begins. Reading throws UserError for a
// quote that stays open and for text after a closing quote.
struct CsvRecord {
  std::vector<std::string> cells;
  int64_t line = 0;
};
std::vector<CsvRecord> ParseCsv(const RawFile& file, const RawLines& lines);

}  // namespace lacos
