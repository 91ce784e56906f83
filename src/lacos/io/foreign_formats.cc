#include "lacos/io/foreign_formats.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacos/base/error.h"

namespace lacos {
namespace {

using namespace std::string_view_literals;

struct Format {
  std::string_view magic;
  size_t offset;
  std::string_view name;
  std::string_view advice;
};

// In an advice, FILE stands for the name of the file.
constexpr std::string_view kConvert =
    "write it as JSON lines with the Python package: python3 -m lacos.convert FILE FILE.jsonl";
constexpr std::string_view kTexts = "write its texts as .tsv or JSON lines";
constexpr std::string_view kSheet = "save the sheet as .csv";
constexpr std::string_view kOtherFile = "name the file with the texts";
constexpr std::string_view kUnpack = "unpack it and name one file of it";

// The longer beginnings of text-like formats keep a text such as "BZh and PK" from being refused.
constexpr Format kFormats[] = {
    {"PAR1\x15"sv, 0, "a Parquet file", kConvert},
    {"ARROW1\0\0"sv, 0, "an Arrow file", kConvert},
    {"\xFF\xFF\xFF\xFF"sv, 0, "an Arrow stream, as datasets caches them", kConvert},
    {"\x31\x41\x59\x26\x53\x59"sv, 4, "a bzip2 file", "decompress it: bunzip2 -k FILE"},
    {"\xFD\x37\x7A\x58\x5A\0"sv, 0, "an xz file", "decompress it: xz -dk FILE"},
    {"[Content_Types].xml"sv, 30, "a spreadsheet or document (.xlsx, .docx: a zip archive)",
     kSheet},
    {"_rels/"sv, 30, "a spreadsheet or document (.xlsx, .docx: a zip archive)", kSheet},
    {"xl/"sv, 30, "a spreadsheet (.xlsx: a zip archive)", kSheet},
    {"PK\x03\x04"sv, 0, "a zip archive, such as packed files or a spreadsheet (.xlsx)",
     "unpack it and name one file of it, or save the sheet as .csv"},
    {"PK\x05\x06"sv, 0, "an empty zip archive", kUnpack},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, 0, "an older spreadsheet or document (.xls, .doc)",
     kSheet},
    {"ustar"sv, 257, "a tar archive", kUnpack},
    {"7z\xBC\xAF\x27\x1C"sv, 0, "a 7-Zip archive", kUnpack},
    {"Rar!\x1A\x07"sv, 0, "a RAR archive", kUnpack},
    {"\x80\x02"sv, 0, "a pickle", "write it as JSON lines in Python"},
    {"\x80\x03"sv, 0, "a pickle", "write it as JSON lines in Python"},
    {"\x80\x04\x95"sv, 0, "a pickle", "write it as JSON lines in Python"},
    {"\x80\x05\x95"sv, 0, "a pickle", "write it as JSON lines in Python"},
    {"\x93NUMPY"sv, 0, "a .npy array", kOtherFile},
    // The length of the header in eight bytes, and the header.
    {"\0\0\0\0\0{\""sv, 3, "a safetensors file", kOtherFile},
    {"GGUF\2\0\0\0"sv, 0, "a GGUF model", kOtherFile},
    {"GGUF\3\0\0\0"sv, 0, "a GGUF model", kOtherFile},
    {"\x89HDF\r\n\x1A\n"sv, 0, "an HDF5 file", "write it as JSON lines in Python"},
    {"SQLite format 3\0"sv, 0, "an SQLite database", "export the table as .csv"},
    {"<?xml"sv, 0, "an XML file, such as a TMX of translations", kTexts},
    {"\xEF\xBB\xBF<?xml"sv, 0, "an XML file, such as a TMX of translations", kTexts},
    {"<!DOCTYPE"sv, 0, "an HTML or XML file", kTexts},
    {"%PDF-"sv, 0, "a PDF document", "extract its text"},
};

constexpr std::string_view kSuffixes[] = {
    ".parquet", ".arrow", ".feather", ".bz2",    ".xz",  ".zip",  ".xlsx",       ".xls",
    ".tar",     ".7z",    ".pkl",     ".pickle", ".npy", ".gguf", ".safetensors"};

// Text in UTF-16 or UTF-32 has many of them, and text in UTF-8 none.
bool HasManyNuls(std::string_view start) {
  const auto nuls = static_cast<size_t>(std::ranges::count(start, '\0'));
  return start.size() >= 3 && 3 * nuls >= start.size();
}

}  // namespace

void RefuseForeignFormat(std::string_view start, const std::string& name) {
  for (const Format& format : kFormats) {
    if (start.size() < format.offset || !start.substr(format.offset).starts_with(format.magic)) {
      continue;
    }
    std::string advice(format.advice);
    for (size_t at = 0; (at = advice.find("FILE", at)) != std::string::npos; at += name.size())
      advice.replace(at, 4, name);
    throw UserError(
        fmt::format("[{}] is {}; expected text (.txt, .tsv, .csv, .jsonl or .json, plain, .gz or "
                    ".zst); {}",
                    name, format.name, advice));
  }
  // Of the first line alone, since how much follows it here depends on how the file is read.
  if (!HasManyNuls(start.substr(0, std::min(start.find('\n'), kForeignFormatBytes - 1) + 1)))
    return;
  throw UserError(fmt::format(
      "[{0}] has bytes of value 0 between others; expected text in UTF-8; if it is UTF-16, as "
      "spreadsheets write it, convert it: iconv -f UTF-16 -t UTF-8 {0} > NEW",
      name));
}

bool HasForeignSuffix(std::string_view name) {
  for (const std::string_view suffix : kSuffixes) {
    if (name.ends_with(suffix)) return true;
  }
  return false;
}

}  // namespace lacos
