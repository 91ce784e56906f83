// Files that are not text: each format is named, and texts that resemble one are read.
#include "lacos/io/foreign_formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/io/line_reader.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using namespace std::string_literals;

TEST(ForeignFormats, AreNamedWithAWayOut) {
  const TestFolder folder;
  const std::string tar = "name"s + std::string(253, '\0') + "ustar\0"s + std::string(300, '\0');
  const std::string zip = "PK\x03\x04"s + std::string(26, '\1');
  const std::tuple<const char*, std::string, const char*, const char*> cases[] = {
      {"a.parquet", "PAR1\x15\x04\x15\x90"s, "a Parquet file", "python3 -m lacos.convert"},
      {"a.arrow", "ARROW1\0\0\xFF\xFF"s, "an Arrow file", "python3 -m lacos.convert"},
      {"b.arrow", "\xFF\xFF\xFF\xFF\x10\3\0\0"s, "an Arrow stream", "python3 -m lacos.convert"},
      {"a.tsv.bz2", "BZh91AY&SY\x12"s, "a bzip2 file", "bunzip2 -k"},
      {"a.tsv.xz", "\xFD"s + "7zXZ\0\0"s, "an xz file", "xz -dk"},
      {"a.xlsx", zip + "xl/workbook.xml", "a spreadsheet", ".csv"},
      {"b.xlsx", zip + "[Content_Types].xml", "a spreadsheet", ".csv"},
      {"a.zip", zip + "train.tsv", "a zip archive", "unpack it"},
      {"a.xls", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"s, "an older spreadsheet", ".csv"},
      {"a.tar", tar, "a tar archive", "unpack it"},
      {"a.pkl", "\x80\x04\x95\0"s, "a pickle", "JSON lines"},
      {"a.npy", "\x93NUMPY\1\0"s, "a .npy array", "texts"},
      {"a.pdf", "%PDF-1.7\n"s, "a PDF document", "extract"},
  };
  for (const auto& [name, bytes, format, way_out] : cases) {
    const std::string path = folder.Write(name, bytes);
    std::string line;
    EXPECT_THAT(ErrorOf([&] { LineReader(path).Next(line); }),
                AllOf(HasSubstr("[" + path + "] is " + format), HasSubstr("; expected text"),
                      HasSubstr(way_out)));
    EXPECT_THAT(ErrorOf([&] { LineReader(path, {.replace_invalid = true}).Next(line); }),
                HasSubstr(format))
        << "also where invalid bytes are allowed";
  }
}

TEST(ForeignFormats, TextsThatResembleThemAreRead) {
  const TestFolder folder;
  for (const char* text : {"PAR1 is a word", "BZh9 is one, too", "PK", "ARROW1", "ustar", "7z"}) {
    LineReader lines(folder.Write("a.txt", std::string(text) + "\n"));
    std::string line;
    EXPECT_TRUE(lines.Next(line));
    EXPECT_EQ(line, text);
  }
}

}  // namespace
}  // namespace lacos
