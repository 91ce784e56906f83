// Lines: what ends a line, what is not text, and complete or damaged compressed files.
#include "lacos/io/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <vector>

#include "lacos/base/rng.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Lines = std::vector<std::string>;

Lines ReadAll(const std::string& path, const LineOptions& options = {}) {
  LineReader reader(path, options);
  Lines lines;
  std::string line;
  while (reader.Next(line)) {
    lines.push_back(line);
    EXPECT_EQ(reader.line_number(), static_cast<int64_t>(lines.size()));
  }
  return lines;
}

std::string Gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// Lines of many lengths, some longer than any internal buffer, that compress badly.
std::string LongText(Lines& lines) {
  Random random(1, RandomStream::kWeights);
  std::string text;
  for (const size_t n : {0, 1, 100000, 0, 262143, 262144, 262145, 7, 1000000, 3}) {
    std::string line(n, ' ');
    for (char& c : line) c = static_cast<char>('!' + random.Below(90));
    lines.push_back(line);
    text += line + "\n";
  }
  return text;
}

TEST(LineReader, EndsLinesAtLfOnlyAndDropsOneCr) {
  const TestFolder folder;
  EXPECT_EQ(ReadAll(folder.Write("f", "a\r\nb\r\r\n\nc\rd\n")), (Lines{"a", "b\r", "", "c\rd"}));
  EXPECT_EQ(ReadAll(folder.Write("f", "last")), (Lines{"last"}));
  EXPECT_EQ(ReadAll(folder.Write("f", "")), Lines{});
  EXPECT_EQ(ReadAll(folder.Write("f", "\n")), (Lines{""}));
  EXPECT_EQ(ReadAll(folder.Write("f", std::string("a\0b\n", 4))), (Lines{std::string("a\0b", 3)}));
}

TEST(LineReader, NamesFilesOfOldMacsAndUtf16) {
  const TestFolder folder;
  EXPECT_THAT(ErrorOf([&] { ReadAll(folder.Write("f", "a b\rc d\re f")); }),
              AllOf(HasSubstr("f] has lines that end in CR alone"), HasSubstr("tr '\\r' '\\n'")));
  EXPECT_EQ(ReadAll(folder.Write("f", "a\r")), (Lines{"a\r"}));
  for (const std::string& bytes : {std::string("a\0b\0\n\0", 6), std::string("\0a\0b\0\n", 6),
                                   std::string("\xFF\xFE"
                                               "a\0\n\0",
                                               6)}) {
    EXPECT_THAT(ErrorOf([&] { ReadAll(folder.Write("f", bytes)); }), HasSubstr("iconv -f UTF-16"));
  }
}

TEST(LineReader, DoesNotEndLinesAtUnicodeLineBreaks) {
  const TestFolder folder;
  const std::string line =
      "a\x0B"
      "b\x0C"
      "c\x1C"
      "d\x1D"
      "e\x1E"
      "f\xC2\x85g\xE2\x80\xA8h\xE2\x80\xA9i";
  EXPECT_EQ(ReadAll(folder.Write("f", line + "\n" + line)), (Lines{line, line}));
}

TEST(LineReader, DropsAByteOrderMarkAtTheStartOnly) {
  const TestFolder folder;
  EXPECT_EQ(ReadAll(folder.Write("f",
                                 "\xEF\xBB\xBF"
                                 "a\n\xEF\xBB\xBF"
                                 "b\n")),
            (Lines{"a",
                   "\xEF\xBB\xBF"
                   "b"}));
}

TEST(LineReader, NamesFileLineAndByteOfInvalidUtf8) {
  const TestFolder folder;
  EXPECT_THAT(
      ErrorOf([&] { ReadAll(folder.Write("f", "ok\ncaf\xE9 noir\n")); }),
      AllOf(HasSubstr("/f:2] byte 4 (0xE9) is not valid UTF-8"), HasSubstr("`replace_invalid`")));
  EXPECT_THAT(ErrorOf([&] {
                ReadAll(folder.Write("f",
                                     "\xEF\xBB\xBF"
                                     "ab\xFF\n"));
              }),
              HasSubstr("f:1] byte 6 (0xFF)"));
  EXPECT_THAT(ErrorOf([&] {
                ReadAll(folder.Write("f",
                                     "\xFF\xFE"
                                     "a"));
              }),
              HasSubstr("iconv -f UTF-16"));
  // Bytes of a character on two lines are not a character.
  EXPECT_THAT(ErrorOf([&] { ReadAll(folder.Write("f", "a\xE2\x82\n\xAC\n")); }),
              HasSubstr("f:1] byte 2"));
}

TEST(LineReader, ReplacesInvalidUtf8WhenAsked) {
  const TestFolder folder;
  EXPECT_EQ(ReadAll(folder.Write("f", "caf\xE9\n\xF0\x9F\x98"), {.replace_invalid = true}),
            (Lines{"caf\xEF\xBF\xBD", "\xEF\xBF\xBD"}));
}

TEST(LineReader, RefusesALineLongerThanItsLimit) {
  const TestFolder folder;
  const std::string path = folder.Write("f", "12345\n123456\n");
  EXPECT_THAT(ErrorOf([&] { ReadAll(path, {.max_line_bytes = 5}); }),
              HasSubstr("f:2] is longer than 5 bytes"));
}

TEST(LineReader, ReadsTheSameLinesPlainAndCompressedWhateverTheName) {
  const TestFolder folder;
  Lines expected;
  const std::string text = LongText(expected);
  EXPECT_EQ(ReadAll(folder.Write("plain.gz", text)), expected);
  EXPECT_EQ(ReadAll(folder.Write("gzip.txt", Gzip(text))), expected);
  EXPECT_EQ(ReadAll(folder.Write("zstd.gz", Zstd(text))), expected);
}

TEST(LineReader, ReadsSeveralMembersAndFramesAsOneText) {
  const TestFolder folder;
  const Lines expected = {"one", "two", "three"};
  EXPECT_EQ(ReadAll(folder.Write("f", Gzip("one\nt") + Gzip("") + Gzip("wo\nthree\n"))), expected);
  EXPECT_EQ(ReadAll(folder.Write("f", Gzip("one\ntwo\nthree\n") + std::string(512, '\0'))),
            expected)
      << "tape padding";
  EXPECT_EQ(ReadAll(folder.Write("f", Zstd("one\nt") + Zstd("") + Zstd("wo\nthree"))), expected);
  const std::string skippable("\x50\x2A\x4D\x18\x03\x00\x00\x00xyz", 11);
  EXPECT_EQ(ReadAll(folder.Write("f", skippable + Zstd("one\ntwo\nthree") + skippable)), expected);
}

TEST(LineReader, ReadsLongRunsThatCompressToAlmostNothing) {
  const TestFolder folder;
  const std::string line(3'000'000, 'a');
  for (const std::string& bytes : {Gzip(line + "\nb"), Zstd(line + "\nb")}) {
    EXPECT_EQ(ReadAll(folder.Write("f", bytes)), (Lines{line, "b"}));
  }
}

TEST(LineReader, NamesATruncatedFileAtEveryLength) {
  const TestFolder folder;
  for (const std::string& whole : {Gzip("one\ntwo\nthree\n"), Zstd("one\ntwo\nthree\n")}) {
    for (size_t n = 4; n < whole.size(); ++n) {
      EXPECT_THAT(ErrorOf([&] { ReadAll(folder.Write("f", whole.substr(0, n))); }),
                  HasSubstr("truncated"))
          << n;
    }
  }
  EXPECT_THAT(ErrorOf([&] { ReadAll(folder.Write("f.gz", "")); }), HasSubstr("truncated"));
  EXPECT_THAT(ErrorOf([&] { ReadAll(folder.Write("f.zst", "")); }), HasSubstr("truncated"));
}

TEST(LineReader, NamesADamagedFile) {
  const TestFolder folder;
  Lines lines;
  const std::string text = LongText(lines);
  std::string gzip = Gzip(text), zstd = Zstd(text);
  gzip[gzip.size() / 2] ^= 0x40;
  EXPECT_THAT(ErrorOf([&] { ReadAll(folder.Write("f", gzip), {.replace_invalid = true}); }),
              HasSubstr("damaged gzip data"));
  zstd[10] ^= 0x40;
  EXPECT_THAT(ErrorOf([&] { ReadAll(folder.Write("f", zstd), {.replace_invalid = true}); }),
              HasSubstr("zstd data"));
  EXPECT_THAT(ErrorOf([&] { ReadAll(folder.Write("f", Gzip("one\n") + "garbage")); }),
              HasSubstr("damaged gzip data"));
}

TEST(LineReader, SaysWhyItCouldNotOpen) {
  const TestFolder folder;
  EXPECT_THAT(ErrorOf([&] { LineReader(folder / "none"); }),
              HasSubstr("could not open: No such file"));
  EXPECT_THAT(ErrorOf([&] { LineReader{folder.path()}; }), HasSubstr("found a folder"));
}

TEST(LineReader, ReadsStdinPlainAndCompressed) {
  const TestFolder folder;
  const int saved = dup(0);
  for (const std::string& bytes : {std::string("one\ntwo"), Gzip("one\ntwo"), Zstd("one\ntwo")}) {
    ASSERT_NE(freopen(folder.Write("f", bytes).c_str(), "rb", stdin), nullptr);
    EXPECT_EQ(ReadAll("-"), (Lines{"one", "two"}));
  }
  ASSERT_NE(freopen(folder.Write("f", "a\n\xFF").c_str(), "rb", stdin), nullptr);
  EXPECT_THAT(ErrorOf([] { ReadAll("-"); }), HasSubstr("[stdin:2] byte 1"));
  dup2(saved, 0);
  close(saved);
}

TEST(LineReader, StopsAnArchiveBomb) {
  const TestFolder folder;
  std::string lines(size_t{80} << 20, 'a');
  for (size_t i = 100; i < lines.size(); i += 101) lines[i] = '\n';
  for (const auto& [name, packed] :
       {std::pair{"bomb.gz", Gzip(lines)}, std::pair{"bomb.zst", Zstd(lines)}}) {
    ASSERT_LT(packed.size() * 250, lines.size()) << name;
    LineReader reader(folder.Write(name, packed));
    std::string line;
    size_t bytes = 0;
    const std::string error = ErrorOf([&] {
      while (reader.Next(line)) bytes += line.size() + 1;
    });
    EXPECT_THAT(error, AllOf(HasSubstr(name), HasSubstr("archive bomb"), HasSubstr("decompress")))
        << name;
    EXPECT_LT(bytes, size_t{65} << 20) << name << ": 64 MiB and what is buffered";
    EXPECT_GT(bytes, size_t{63} << 20) << name << ": less may grow as it likes";
  }
}

TEST(LineReader, ReadsLargeFilesThatCompressWell) {
  const TestFolder folder;
  Random random(7, RandomStream::kWeights);
  std::string lines;  // words of a small vocabulary, which compress to about a tenth
  while (lines.size() < size_t{70} << 20) {
    lines += "word" + std::to_string(random.Below(50));
    lines += random.Below(10) == 0 ? '\n' : ' ';
  }
  lines += '\n';
  LineReader reader(folder.Write("large.zst", Zstd(lines)));
  std::string line;
  size_t bytes = 0;
  while (reader.Next(line)) bytes += line.size() + 1;
  EXPECT_EQ(bytes, lines.size());
}

}  // namespace
}  // namespace lacos
