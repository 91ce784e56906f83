// What remains and what is reported if the disk fails while files and folders are moved to their
// final names.
#include "unit/io/failing_calls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "lacos/io/atomic_file.h"
#include "lacos/io/folder.h"
#include "lacos/io/temporary.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ::testing::ExitedWithCode kEnds(0);

void WriteFolder(const std::string& path, const std::string& text, bool overwrite) {
  AtomicFolder folder(path, overwrite);
  WriteFileAtomically(folder.temporary() + "/a.txt", text);
  folder.Commit();
}

TEST(FailingCallsDeathTest, AFileThatCannotBeRenamedLeavesNothing) {
  const TestFolder folder;
  EXPECT_EXIT(
      EndWithError({{kRenameCall, EIO}}, [&] { WriteFileAtomically(folder / "out.txt", "text"); }),
      kEnds, "out.txt.*rename");
  EXPECT_THAT(folder.Names(), IsEmpty());
  EXPECT_THAT(ErrorOf([] { WriteFileAtomically("", "text"); }), HasSubstr("found an empty path"));
}

TEST(FailingCallsDeathTest, AFolderIsReplacedInTwoStepsWhereTheFileSystemCannotExchange) {
  for (const int error : {ENOSYS, EINVAL}) {
    const TestFolder folder;
    WriteFolder(folder / "out", "old", false);
    EXPECT_EXIT(
        EndWithError({{SYS_renameat2, error}}, [&] { WriteFolder(folder / "out", "new", true); }),
        kEnds, "no error");
    EXPECT_EQ(folder.Read("out/a.txt"), "new");
    EXPECT_THAT(folder.Names(), ElementsAre("out"));
  }
}

TEST(FailingCallsDeathTest, AFolderThatCannotBeExchangedStaysAsItWas) {
  const TestFolder folder;
  WriteFolder(folder / "out", "old", false);
  EXPECT_EXIT(
      EndWithError({{SYS_renameat2, EIO}}, [&] { WriteFolder(folder / "out", "new", true); }),
      kEnds, "out.*rename");
  // The old folder cannot be moved out of the way either.
  EXPECT_EXIT(EndWithError({{SYS_renameat2, ENOSYS}, {kRenameCall, EIO}},
                           [&] { AtomicFolder(folder / "out", true).Commit(); }),
              kEnds, "out.*rename");
  EXPECT_EQ(folder.Read("out/a.txt"), "old");
  EXPECT_THAT(folder.Names(), ElementsAre("out"));
}

TEST(FailingCallsDeathTest, AFolderThatCannotBeMadeOrOpenedIsNotLeftBehind) {
  const TestFolder folder;
  const auto make = [&] { CreateTemporaryFolder(folder / "out"); };
  // After ENOENT the call is tried again, in case another process tidied up.
  for (const int error : {ENOENT, ENOSPC}) {
#ifdef SYS_mkdir
    EXPECT_EXIT(EndWithError({{SYS_mkdir, error}}, make), kEnds, "out.*create");
#endif
  }
  EXPECT_EXIT(EndWithError({{SYS_openat, EMFILE, 2, O_DIRECTORY, O_DIRECTORY}}, make), kEnds,
              "out.*create");
  // Another process locks each new folder because it takes it for a dead process's.
  EXPECT_EXIT(EndWithError({{SYS_flock, EWOULDBLOCK}}, make), kEnds, "out.*create");
  for (const std::string& name : folder.Names()) EXPECT_TRUE(IsTemporaryName(name)) << name;
}

TEST(FailingCallsDeathTest, WhatCannotBeRemovedIsReported) {
  const TestFolder folder;
  const auto remove = [&] {
    if (!RemoveAll((folder / "a").c_str()))
      throw UserError(fmt::format("stays: {}", std::strerror(errno)));
  };
  // The first call opens the folder, the second a folder in it.
  const FailingCall cases[] = {{SYS_openat, EMFILE, 2, O_DIRECTORY, O_DIRECTORY},
                               {SYS_openat, EMFILE, 0, 0x80000000, 0},
                               {SYS_unlinkat, EROFS}};
  for (const FailingCall& call : cases) {
    folder.Write("a/b/c.txt", "text");
    EXPECT_EXIT(EndWithError({call}, remove), kEnds,
                std::string("stays: ") + std::strerror(call.error));
    EXPECT_THAT(folder.Names(), ElementsAre("a"));
  }
  remove();
  EXPECT_THAT(folder.Names(), IsEmpty());
  const std::string too_long(300, 'x');
  EXPECT_FALSE(RemoveAll(too_long.c_str()));
  EXPECT_THAT(ErrorOf([&] { ListFolder(too_long); }), HasSubstr("list the folder"));
}

}  // namespace
}  // namespace lacos
