// Archives: the same files are read from every kind of archive, and hostile archives can do
// no harm.
#include "lacos/io/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <map>

#include "unit/io/test_archives.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class ArchiveTest : public ::testing::Test {
 protected:
  std::map<std::string, std::string> Visit(const std::string& name,
                                           int64_t max_file_bytes = 1 << 20) {
    std::map<std::string, std::string> seen;
    const UnpackOptions options{
        .wants = [](const std::string& file) { return file.find("unwanted") == std::string::npos; },
        .visit = [&](const std::string& file, std::string bytes) { seen[file] = std::move(bytes); },
        .max_file_bytes = max_file_bytes};
    counts_ = {};
    VisitFile(folder_ / name, name, options, counts_);
    return seen;
  }
  std::string Error(const std::string& name) {
    return ErrorOf([&] { Visit(name); });
  }
  void Gzip(const std::string& name, const std::string& bytes) {
    gzFile file = gzopen((folder_ / name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
  }

  // Writes a .xz or .bz2 of one file, which contains no name.
  void Compress(const std::string& name, const std::string& bytes) {
    archive* a = archive_write_new();
    archive_write_set_format_raw(a);
    name.ends_with(".xz") ? archive_write_add_filter_xz(a) : archive_write_add_filter_bzip2(a);
    ASSERT_EQ(archive_write_open_filename(a, (folder_ / name).c_str()), ARCHIVE_OK);
    archive_entry* entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_header(a, entry);
    archive_write_data(a, bytes.data(), bytes.size());
    archive_entry_free(entry);
    archive_write_close(a);
    archive_write_free(a);
  }

  TestFolder folder_;
  UnpackCounts counts_;
};

TEST_F(ArchiveTest, EveryKindGivesTheSameMembers) {
  const std::string long_text(300000, 'x');
  for (const char* name :
       {"a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.xz", "a.tar.bz2", "A.ZIP"}) {
    const std::string made = std::string(name) == "A.ZIP" ? "b.zip" : name;
    WriteArchive(folder_ / made, {{"d/one.txt", "1\n", ""},
                                  {"d/e/two.txt", long_text, ""},
                                  {"unwanted", "3", ""},
                                  {"empty.txt", "", ""},
                                  {"__MACOSX/d/._one.txt", "m", ""},
                                  {"d/._two", "m", ""}});
    if (made != name) std::filesystem::rename(folder_ / made, folder_ / name);
    EXPECT_THAT(Visit(name), ElementsAre(Pair(std::string(name) + "/d/e/two.txt", long_text),
                                         Pair(std::string(name) + "/d/one.txt", "1\n"),
                                         Pair(std::string(name) + "/empty.txt", "")))
        << name;
    EXPECT_EQ(counts_.files, 4) << name;
  }
}

TEST_F(ArchiveTest, PlainAndCompressedFilesComeUnderTheirPlainNames) {
  folder_.Write("a.txt", "text");
  EXPECT_THAT(Visit("a.txt"), ElementsAre(Pair("a.txt", "text")));
  Gzip("b.txt.gz", "text");
  EXPECT_THAT(Visit("b.txt.gz"), ElementsAre(Pair("b.txt", "text")));
  for (const char* name : {"c.txt.xz", "c.txt.bz2"}) {
    Compress(name, "text");
    EXPECT_THAT(Visit(name), ElementsAre(Pair("c.txt", "text"))) << name;
  }
}

TEST_F(ArchiveTest, ArchivesInArchivesAreOpenedToADepth) {
  Gzip("c.txt.gz", "deep");
  WriteArchive(folder_ / "inner.tar.gz", {{"c.txt.gz", folder_.Read("c.txt.gz"), ""}});
  WriteArchive(folder_ / "outer.zip", {{"x/inner.tar.gz", folder_.Read("inner.tar.gz"), ""}});
  EXPECT_THAT(Visit("outer.zip"), ElementsAre(Pair("outer.zip/x/inner.tar.gz/c.txt", "deep")));
  WriteArchive(folder_ / "third.tar", {{"outer.zip", folder_.Read("outer.zip"), ""}});
  EXPECT_THAT(Visit("third.tar"), ElementsAre()) << "two levels and no more";
}

TEST_F(ArchiveTest, LinksAreIgnoredAndCounted) {
  WriteArchive(folder_ / "a.tar", {{"link.txt", "", "/etc/passwd"}, {"real.txt", "r", ""}});
  EXPECT_THAT(Visit("a.tar"), ElementsAre(Pair("a.tar/real.txt", "r")));
  EXPECT_EQ(counts_.skipped, 1);
}

TEST_F(ArchiveTest, NamesThatLeadOutAreRefused) {
  for (const char* archive : {"a.tar", "a.zip"}) {
    for (const char* name : {"../evil.txt", "/evil.txt", "d/../../evil.txt"}) {
      WriteArchive(folder_ / archive, {{name, "x", ""}});
      EXPECT_THAT(Error(archive), AllOf(HasSubstr(name), HasSubstr("do not trust"))) << archive;
    }
  }
}

TEST_F(ArchiveTest, DamageIsFoundWhereverItIs) {
  std::string noise(200000, ' ');
  uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
  for (const char* name : {"a.tar.gz", "a.zip", "a.tar.xz", "a.tar.bz2"}) {
    WriteArchive(folder_ / name, {{"one.txt", noise, ""}, {"two.txt", noise, ""}});
    const std::string whole = folder_.Read(name);
    folder_.Write(name, whole.substr(0, whole.size() / 2));
    EXPECT_THAT(Error(name), HasSubstr("copy or download it again")) << name;
    std::string flipped = whole;
    flipped[whole.size() / 3] = static_cast<char>(flipped[whole.size() / 3] ^ 1);
    folder_.Write(name, flipped);
    EXPECT_THAT(Error(name), HasSubstr("copy or download it again"))
        << name << " with one bit turned";
  }
  folder_.Write("text.zip", "this is no archive\n");
  EXPECT_THAT(Error("text.zip"), HasSubstr("[text.zip] could not be read as a zip archive"));
  folder_.Write("empty.tar.gz", "");
  EXPECT_THAT(Error("empty.tar.gz"), HasSubstr("truncated"));
}

TEST_F(ArchiveTest, AnyDamageGivesAnErrorOrFiles) {
  uint32_t state = 7;
  const auto random = [&](size_t below) {
    return (state = state * 1664525u + 1013904223u) / 256 % below;
  };
  int errors = 0;
  for (const char* name : {"a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"}) {
    WriteArchive(folder_ / name,
                 {{"d/one.txt", std::string(700, 'x'), ""}, {"two.txt", "2", ""}, {"l", "", "d"}});
    const std::string whole = folder_.Read(name);
    for (int round = 0; round < 200; ++round) {
      std::string damaged = whole;
      for (size_t i = random(4) + 1; i > 0; --i)
        damaged[random(damaged.size())] = static_cast<char>(random(256));
      if (round % 4 == 0) damaged.resize(random(damaged.size()));
      folder_.Write(name, damaged);
      try {
        Visit(name);
      } catch (const UserError&) {
        ++errors;
      }
    }
  }
  EXPECT_GT(errors, 300) << "of 1000; a tar has no checksum of its contents";
}

TEST_F(ArchiveTest, AnArchiveBombIsStopped) {
  const std::string zeros(size_t{66} << 20, '\0');
  for (const char* name : {"a.tar.gz", "a.zip", "a.tar.xz"}) {
    WriteArchive(folder_ / name, {{"one.txt", zeros, ""}});
    EXPECT_THAT(ErrorOf([&] { Visit(name, int64_t{1} << 30); }), HasSubstr("archive bomb")) << name;
  }
  WriteArchive(folder_ / "b.tar.xz", {{"unwanted", zeros, ""}, {"two.txt", "x", ""}});
  EXPECT_THAT(Error("b.tar.xz"), HasSubstr("archive bomb")) << "also where the member is skipped";
}

TEST_F(ArchiveTest, AFileIsAtMostAsLargeAsTheLimit) {
  WriteArchive(folder_ / "a.tar", {{"one.txt", std::string(3000, 'x'), ""}});
  EXPECT_THAT(ErrorOf([&] { Visit("a.tar", 2999); }),
              HasSubstr("[a.tar/one.txt] has over 2999 bytes"));
  EXPECT_EQ(Visit("a.tar", 3000).size(), 1u);
  const std::string bytes(3000, 'x');
  folder_.Write("b.txt", bytes);
  Gzip("c.txt.gz", bytes);
  Compress("d.txt.xz", bytes);
  for (const char* name : {"b.txt", "c.txt.gz", "d.txt.xz"}) {
    EXPECT_THAT(ErrorOf([&] { Visit(name, 2999); }), HasSubstr("has over 2999 bytes")) << name;
    EXPECT_EQ(Visit(name, 3000).size(), 1u) << name;
  }
}

}  // namespace
}  // namespace lacos
