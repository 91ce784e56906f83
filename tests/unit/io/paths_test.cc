// Paths from files: which of them lead out of a folder, and which make std::filesystem throw.
#include "lacos/io/paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "lacos/io/folder.h"
#include "lacos/io/posix.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

TEST(StaysInside, RefusesWhatLeadsOut) {
  using namespace std::string_view_literals;
  for (const std::string_view name :
       {""sv, "/"sv, "/etc/passwd"sv, ".."sv, "../a"sv, "a/.."sv, "a/../../b"sv, "a/../b"sv,
        "./.."sv, "//a"sv, "a\0/../b"sv, "a\0"sv}) {
    EXPECT_FALSE(StaysInside(name)) << name;
  }
}

TEST(StaysInside, AllowsNamesWithDots) {
  for (const char* name :
       {"a", "a/b", "./a", "...", "..a", "a..", "a/...", "model-00001-of-00002.safetensors"}) {
    EXPECT_TRUE(StaysInside(name)) << name;
  }
}

TEST(Paths, WhatMayNotBeLookedAtIsAnError) {
  const TestFolder folder;
  std::filesystem::create_directory(folder / "closed");
  const std::string inside = folder.Write("closed/file", "x");
  const bool is_root = geteuid() == 0;  // permissions do not restrict root
  chmod((folder / "closed").c_str(), 0);
  if (is_root) {
    chmod((folder / ".").c_str(), 0755);
    ASSERT_EQ(seteuid(65534), 0);
  }
  const std::string message = ErrorOf([&] { FileExists(inside); });
  if (is_root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  chmod((folder / "closed").c_str(), 0755);
  EXPECT_NE(message.find("could not be looked at: Permission denied"), std::string::npos)
      << message;
}

TEST(Paths, WhatCannotExistDoesNot) {
  const TestFolder folder;
  const std::string file = folder.Write("file", "x");
  for (const std::string& path :
       {folder / std::string(300, 'a'), folder / std::string(5000, '/') + "a", file + "/a",
        std::string()}) {
    EXPECT_FALSE(PathExists(path) && path.size() < 5000) << path;
    EXPECT_FALSE(FileExists(path)) << path;
    EXPECT_FALSE(FolderExists(path)) << path;
  }
  EXPECT_TRUE(FileExists(file) && PathExists(file) && !FolderExists(file));
  EXPECT_TRUE(FolderExists(folder.path()) && PathExists(folder.path()) &&
              !FileExists(folder.path()));
  std::filesystem::create_symlink("file", folder / "link");
  EXPECT_TRUE(FileExists(folder / "link")) << "hub caches are made of links";
}

TEST(Paths, ALinkToNothingIsNamedWithItsTarget) {
  const TestFolder folder;
  std::filesystem::create_symlink("../blobs/gone", folder / "model.safetensors");
  const std::string path = folder / "model.safetensors";
  const std::function<void()> uses[] = {[&] { PathExists(path); }, [&] { FileExists(path); },
                                        [&] { FolderExists(path); }, [&] { OpenRegularFile(path); },
                                        [&] { OpenForReading(path); }};
  for (const auto& use : uses) {
    EXPECT_EQ(
        ErrorOf(use).find("[" + path + "] is a link to '../blobs/gone', which does not exist"), 0u);
  }
  EXPECT_EQ(ListFilesBelow(folder.path()), std::vector<std::string>{"model.safetensors"});
  EXPECT_EQ(DanglingTarget(path), "../blobs/gone");
  EXPECT_EQ(DanglingTarget(folder.Write("file", "x")), std::nullopt);
  EXPECT_EQ(DanglingTarget(folder / "absent"), std::nullopt);
}

TEST(Paths, ALoopOfLinksIsNamed) {
  const TestFolder folder;
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  for (const std::string& path : {folder / "a", folder / "a/file"}) {
    const std::function<void()> uses[] = {
        [&] { PathExists(path); }, [&] { FileExists(path); }, [&] { FolderExists(path); },
        [&] { OpenRegularFile(path); }, [&] { OpenForReading(path); }};
    for (const auto& use : uses)
      EXPECT_EQ(ErrorOf(use).find("[" + path + "] runs into a loop of links"), 0u) << path;
  }
  EXPECT_NE(ErrorOf([&] { FileExists(folder / "a"); }).find("'b'"), std::string::npos);
}

}  // namespace
}  // namespace lacos
