// Temporary files of a killed process are removed by the next process that writes there. Those of a
// living process stay.
#include "lacos/io/temporary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "lacos/io/atomic_file.h"
#include "lacos/io/folder.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Temporary, LeftoversOfTheDeadGoWithTheNextOutputOfThatName) {
  const TestFolder folder;
  fs::create_directories(folder / ".out.lacos-tmp-12-0/sub");
  folder.Write(".out.lacos-tmp-12-0/sub/half", "written");
  folder.Write(".out.lacos-tmp-13-4", "half a file");
  folder.Write(".other.lacos-tmp-12-0", "of another output");
  folder.Write(".out.something", "not ours");
  AtomicFolder output(folder / "out", false);
  output.Commit();
  EXPECT_THAT(folder.Names(), ElementsAre(".other.lacos-tmp-12-0", ".out.something", "out"));
}

TEST(Temporary, WhatALivingProcessWritesStays) {
  const TestFolder folder;
  std::optional<AtomicFolder> first(std::in_place, folder / "out", false);
  const std::string held = first->temporary();
  AtomicFile file(folder / "other");
  RemoveLeftoversIn(folder.path());
  EXPECT_TRUE(fs::exists(held));
  AtomicFolder second(folder / "out", false);
  EXPECT_TRUE(fs::exists(held));
  EXPECT_NE(second.temporary(), held);
  file.Commit();
  first.reset();
  second.Commit();
  EXPECT_THAT(folder.Names(), ElementsAre("other", "out"));
}

// On file systems that cannot exchange folders, a process may be killed between the two renames of
// a replacement.
TEST(Temporary, AnEarlierOutputGoesBackToItsPlaceWhenNothingTookIt) {
  const TestFolder folder;
  fs::create_directory(folder / ".out.lacos-old-12-0");
  folder.Write(".out.lacos-old-12-0/earlier", "1");
  RemoveLeftoversOf(folder / "out");
  EXPECT_EQ(folder.Read("out/earlier"), "1");
  fs::create_directory(folder / ".out.lacos-old-14-0");
  RemoveLeftoversOf(folder / "out");
  EXPECT_THAT(folder.Names(), ElementsAre("out"));
  EXPECT_EQ(folder.Read("out/earlier"), "1");
}

TEST(Folder, IsListedAndRemovedWithoutFollowingLinks) {
  const TestFolder folder;
  fs::create_directories(folder / "a/b");
  folder.Write("a/b/file", "1");
  folder.Write("kept", "2");
  fs::create_directory_symlink(folder.path(), folder / "a/up");
  fs::create_symlink(folder / "kept", folder / "a/link");
  EXPECT_THAT(ListFilesBelow(folder / "a"), ElementsAre("b/file", "link"));
  EXPECT_THAT(ListFilesBelow(folder / "a", [](const std::string& name) { return name == "b"; }),
              ElementsAre("link"));
  EXPECT_THAT(ListFolder(folder / "absent"), IsEmpty());
  EXPECT_TRUE(RemoveAll((folder / "a").c_str()));
  EXPECT_TRUE(RemoveAll((folder / "a").c_str())) << "nothing there is a success";
  EXPECT_THAT(folder.Names(), ElementsAre("kept"));
}

}  // namespace
}  // namespace lacos
