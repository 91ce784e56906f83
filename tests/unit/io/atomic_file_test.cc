// Files and folders appear complete or not at all, and no temporary files remain.
#include "lacos/io/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "unit/io/test_files.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

void WriteInto(const AtomicFolder& folder, const std::string& name, const std::string& text) {
  std::ofstream(folder.temporary() + "/" + name) << text;
}

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  const TestFolder folder;
  {
    AtomicFile file(folder / "out");
    file.WriteText("hello ");
    file.WriteText("world");
    EXPECT_FALSE(fs::exists(folder / "out"));
    file.Commit();
    EXPECT_EQ(folder.Read("out"), "hello world");
  }
  EXPECT_EQ(folder.CountEntries(), 1u);
}

TEST(AtomicFile, LeavesTheOldFileWhenItIsAbandoned) {
  const TestFolder folder;
  folder.Write("out", "old");
  {
    AtomicFile file(folder / "out");
    file.WriteText("new");
  }
  EXPECT_EQ(folder.Read("out"), "old");
  EXPECT_EQ(folder.CountEntries(), 1u);
}

TEST(AtomicFile, WritesAtPositionsAmongAppendedBytes) {
  const TestFolder folder;
  AtomicFile file(folder / "out");
  const std::string large(3'000'001, 'x');
  file.WriteText(large);
  file.WriteAt(1, std::as_bytes(std::span<const char>("AB", 2)));
  file.WriteText("end");
  file.Commit();
  std::string expected = large + "end";
  expected.replace(1, 2, "AB");
  EXPECT_EQ(folder.Read("out"), expected);
}

TEST(AtomicFile, FollowsASymbolicLinkInsteadOfReplacingIt) {
  const TestFolder folder;
  folder.Write("target", "old");
  fs::create_symlink(folder / "target", folder / "link");
  WriteFileAtomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(folder.Read("target"), "new");
}

TEST(AtomicFile, WritesToADeviceWithoutReplacingIt) {
  WriteFileAtomically("/dev/null", "text");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_NO_THROW(RefuseExisting("/dev/null", false));
}

TEST(AtomicFile, SaysThatTheDiskIsFull) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  EXPECT_THAT(
      ErrorOf([] { WriteFileAtomically("/dev/full", "text"); }),
      HasSubstr("[/dev/full] could not write: No space left on device; expected free space"));
}

TEST(AtomicFile, NeedsAnExistingFolder) {
  const TestFolder folder;
  EXPECT_THAT(ErrorOf([&] { AtomicFile(folder / "none/out"); }),
              AllOf(HasSubstr("none' does not exist"), HasSubstr("mkdir -p")));
  EXPECT_THAT(ErrorOf([&] { AtomicFile{folder.path()}; }), HasSubstr("found a folder"));
  folder.Write("f", "");
  EXPECT_THAT(ErrorOf([&] { AtomicFile(folder / "f/out"); }), HasSubstr("is not a folder"));
}

TEST(AtomicFile, AcceptsTheLongestNames) {
  const TestFolder folder;
  const std::string name(255, 'n');
  WriteFileAtomically(folder / name, "x");
  EXPECT_EQ(folder.Read(name), "x");
}

TEST(RefuseExisting, RefusesUnlessOverwriting) {
  const TestFolder folder;
  EXPECT_NO_THROW(RefuseExisting(folder / "new", false));
  EXPECT_THAT(ErrorOf([&] { RefuseExisting(folder.Write("f", ""), false); }),
              AllOf(HasSubstr("/f] already exists"), HasSubstr("`overwrite`")));
  EXPECT_NO_THROW(RefuseExisting(folder / "f", true));
}

TEST(AtomicFolder, AppearsOnlyWhenCommitted) {
  const TestFolder folder;
  {
    AtomicFolder output(folder / "out/", false);  // a trailing slash changes nothing
    fs::create_directory(output.temporary() + "/sub");
    WriteInto(output, "sub/a", "1");
    EXPECT_FALSE(fs::exists(folder / "out"));
    EXPECT_EQ(fs::path(output.temporary()).parent_path(), folder.path());
    output.Commit();
  }
  EXPECT_EQ(folder.Read("out/sub/a"), "1");
  EXPECT_EQ(folder.CountEntries(), 1u);
}

TEST(AtomicFolder, IsRemovedWhenAbandoned) {
  const TestFolder folder;
  {
    AtomicFolder output(folder / "out", false);
    WriteInto(output, "a", "1");
  }
  EXPECT_EQ(folder.CountEntries(), 0u);
}

TEST(AtomicFolder, ReplacesAWholeFolderOnlyWhenOverwriting) {
  const TestFolder folder;
  fs::create_directory(folder / "out");
  folder.Write("out/old", "1");
  EXPECT_THAT(ErrorOf([&] { AtomicFolder(folder / "out", false); }), HasSubstr("already exists"));
  AtomicFolder output(folder / "out", true);
  WriteInto(output, "new", "2");
  EXPECT_EQ(folder.Read("out/old"), "1");
  output.Commit();
  EXPECT_FALSE(fs::exists(folder / "out/old"));
  EXPECT_EQ(folder.Read("out/new"), "2");
  EXPECT_EQ(folder.CountEntries(), 1u);
}

TEST(AtomicFolder, DoesNotReplaceAFolderThatAppearedMeanwhile) {
  const TestFolder folder;
  AtomicFolder output(folder / "out", false);
  fs::create_directory(folder / "out");
  folder.Write("out/theirs", "1");
  EXPECT_THAT(ErrorOf([&] { output.Commit(); }), HasSubstr("already exists"));
  EXPECT_EQ(folder.Read("out/theirs"), "1");
}

TEST(AtomicFolder, NeverReplacesTheCurrentFolderNorAFile) {
  EXPECT_THAT(ErrorOf([] { AtomicFolder(".", true); }), HasSubstr("current folder"));
  EXPECT_THAT(ErrorOf([] { AtomicFolder("..", true); }), HasSubstr("current folder"));
  EXPECT_THAT(ErrorOf([] { AtomicFolder("/", true); }), HasSubstr("current folder"));
  const TestFolder folder;
  EXPECT_THAT(ErrorOf([&] { AtomicFolder(folder.Write("f", ""), true); }),
              HasSubstr("found a file"));
}

}  // namespace
}  // namespace lacos
