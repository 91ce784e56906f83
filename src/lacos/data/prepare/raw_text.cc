#include "lacos/data/prepare/raw_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/io/utf8.h"

namespace lacos {
namespace {

// The characters of the bytes 0x80 to 0x9F in Windows-1252. In WHATWG's table the five bytes
// without a character are C1 controls. All other bytes are those of Latin-1.
constexpr char32_t kWindows1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

}  // namespace

std::string RawFile::Where(int64_t line) const { return fmt::format("[{}:{}]", shown, line); }

std::vector<std::string> LowerParts(const std::string& name) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    if (end > begin) parts.push_back(LowerAscii(std::string_view(name).substr(begin, end - begin)));
    begin = end + 1;
  }
  return parts;
}

bool IsLanguageCode(std::string_view text) {
  return text.size() >= 2 && text.size() <= 12 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

std::string Windows1252ToUtf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 16);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    AppendUtf8(byte >= 0x80 && byte < 0xA0 ? kWindows1252[byte - 0x80] : byte, text);
  }
  return text;
}

RawLines::RawLines(const RawFile& file) {
  std::string_view bytes = file.bytes;
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    throw UserError(fmt::format(
        "[{}] begins like UTF-16; expected UTF-8 or Latin-1; convert it (iconv -f UTF-16 -t UTF-8)",
        file.shown));
  }
  if (bytes.find('\0') != std::string_view::npos) {
    throw UserError(fmt::format(
        "[{}] holds a byte 0; expected text; copy or download the file again", file.shown));
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  converted_ = !IsValidUtf8(bytes);
  text_ = converted_ ? Windows1252ToUtf8(bytes) : std::string(bytes);
  const std::string_view text = text_;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.push_back(line);
    begin = end + 1;
  }
}

std::vector<std::string_view> SplitTabs(std::string_view line) {
  std::vector<std::string_view> cells;
  for (size_t begin = 0;;) {
    const size_t end = line.find('\t', begin);
    cells.push_back(line.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return cells;
    begin = end + 1;
  }
}

std::vector<CsvRecord> ParseCsv(const RawFile& file, const RawLines& lines) {
  const std::string_view text = lines.text();
  std::vector<CsvRecord> records;
  int64_t line = 1;
  for (size_t at = 0; at < text.size();) {
    CsvRecord record{.cells = {}, .line = line};
    while (true) {
      std::string& cell = record.cells.emplace_back();
      if (at < text.size() && text[at] == '"') {
        const int64_t began = line;
        for (++at;; ++at) {
          if (at == text.size()) {
            throw UserError(fmt::format(
                "{} found a quoted field that is still open at the end of the file; expected a closing "
                "quote; copy or download the file again",
                file.Where(began)));
          }
          if (text[at] == '"') {
            if (at + 1 == text.size() || text[at + 1] != '"') break;
            ++at;
          }
          line += text[at] == '\n';
          cell += text[at];
        }
        ++at;
      } else {
        const size_t end = std::min(text.find_first_of(",\n", at), text.size());
        cell = text.substr(at, end - at);
        at = end;
        if (cell.ends_with('\r') && (at == text.size() || text[at] == '\n')) cell.pop_back();
      }
      if (at + 1 < text.size() && text[at] == '\r' && text[at + 1] == '\n') ++at;
      if (at == text.size() || text[at] == '\n') break;
      if (text[at] != ',') {
        throw UserError(fmt::format(
            "{} found text behind the closing quote of field {}; expected a comma; copy or download the file "
            "again",
            file.Where(line), record.cells.size()));
      }
      ++at;
    }
    ++at;
    ++line;
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace lacos
