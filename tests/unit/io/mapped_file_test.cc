// Mapped files, and files that are read into a string.
#include "lacos/io/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>

#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;

std::string Pattern(size_t n) {
  std::string text(n, '\0');
  for (size_t i = 0; i < n; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  return text;
}

TEST(MappedFile, HasTheBytesOfTheFile) {
  const TestFolder folder;
  const std::string text = Pattern(100000);
  const MappedFile file(folder.Write("f", text));
  ASSERT_EQ(file.bytes().size(), text.size());
  EXPECT_EQ(std::memcmp(file.bytes().data(), text.data(), text.size()), 0);
  std::string part(777, '\0');
  file.ReadAt(12345, std::as_writable_bytes(std::span(part)));
  EXPECT_EQ(part, text.substr(12345, 777));
}

TEST(MappedFile, IsUnchangedAfterItsPagesWereDropped) {
  const TestFolder folder;
  const std::string text = Pattern(100000);
  const MappedFile file(folder.Write("f", text));
  for (const auto& [offset, size] :
       {std::pair{0, 100000}, {1, 99998}, {5000, 10}, {4096, 8192}, {99999, 1}}) {
    file.DropPages(offset, size);
    EXPECT_EQ(std::memcmp(file.bytes().data(), text.data(), text.size()), 0);
  }
}

TEST(MappedFile, MayBeEmpty) {
  const TestFolder folder;
  EXPECT_TRUE(MappedFile(folder.Write("f", "")).bytes().empty());
}

TEST(MappedFile, SaysWhyItCouldNotBeOpened) {
  const TestFolder folder;
  EXPECT_THAT(ErrorOf([&] { MappedFile(folder / "x"); }),
              HasSubstr("/x] could not open: No such file"));
  EXPECT_THAT(ErrorOf([&] { MappedFile{folder.path()}; }), HasSubstr("found a folder"));
  EXPECT_THAT(ErrorOf([&] { MappedFile("/dev/null"); }), HasSubstr("pipe or device"));
}

TEST(ReadFileToString, RefusesMoreThanItsLimit) {
  const TestFolder folder;
  const std::string path = folder.Write("f", "12345");
  EXPECT_EQ(ReadFileToString(path, 5), "12345");
  EXPECT_THAT(ErrorOf([&] { ReadFileToString(path, 4); }),
              HasSubstr("has 5 bytes; expected at most 4"));
}

TEST(ReadFileToString, RefusesANamedPipeWithoutWaitingForAWriter) {
  const TestFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf([&] { ReadFileToString(folder / "pipe"); }), HasSubstr("pipe or device"));
  EXPECT_THAT(ErrorOf([&] { MappedFile(folder / "pipe"); }), HasSubstr("pipe or device"));
}

}  // namespace
}  // namespace lacos
