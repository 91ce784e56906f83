// An output folder keeps its earlier run until the new run has saved something, even
// when the disk fails.
#include "lacos/train/run/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/io/folder.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"
#include "lacos/train/run/output.h"
#include "unit/io/failing_calls.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RunFolderTest : public ::testing::Test {
 protected:
  std::vector<std::string> Files() const { return ListFilesBelow(folder_.path()); }

  TestFolder folder_;
  const std::string out_ = folder_ / "out";
};

TEST_F(RunFolderTest, AnEarlierRunComesBackUnlessTheNewOneIsKept) {
  folder_.Write("out/old.txt", "old");
  {
    RunFolder run(out_ + "/");
    run.Begin(true);
    folder_.Write("out/new.txt", "new");
  }
  EXPECT_THAT(Files(), ElementsAre("out/old.txt"));
  {
    RunFolder run(out_);
    run.Begin(true);
    folder_.Write("out/new.txt", "new");
    run.Keep();
  }
  EXPECT_THAT(Files(), ElementsAre("out/new.txt"));
}

TEST_F(RunFolderTest, WhatAKilledRunSetAsideComesBackOrGoes) {
  const std::string aside = ".out.lacos-earlier-1-0/old.txt";
  folder_.Write(aside, "old");
  folder_.Write("out/torn.txt", "torn");
  { const RunFolder run(out_); }
  EXPECT_THAT(Files(), ElementsAre("out/old.txt"));

  folder_.Write(aside, "older");
  folder_.Write("out/adapter_config.json", "{}");
  folder_.Write("out/lacos.json", "{}");
  { const RunFolder run(out_); }
  EXPECT_THAT(Files(), ElementsAre("out/adapter_config.json", "out/lacos.json", "out/old.txt"));
}

TEST_F(RunFolderTest, WhereItCannotBeMovedItIsEmptiedAndOnAFailingDiskItStays) {
  const auto begin = [&](int error) {
    EndWithError({{kRenameCall, error}}, [&] {
      RunFolder run(out_);
      run.Begin(true);
    });
  };
  folder_.Write("out/sub/old.txt", "old");
  for (const int error : {ENOSPC, EROFS, EIO}) {
    EXPECT_EXIT(begin(error), ::testing::ExitedWithCode(0), "set the earlier run aside");
    EXPECT_THAT(Files(), ElementsAre("out/sub/old.txt"));
  }
  EXPECT_EXIT(begin(EBUSY), ::testing::ExitedWithCode(0), "");  // the folder is a mount point
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_TRUE(FolderExists(out_));
}

TEST_F(RunFolderTest, AFinishedRunIsReportedUnlessOneOfItsFilesIsDamaged) {
  folder_.Write("out/run.json", R"({"settings": {"total_steps": 7}})");
  folder_.Write("out/README.md", "model card");
  WriteManifest(out_, Json::Object());
  EXPECT_EQ(FinishedReport(out_).steps, 7);
  folder_.Write("out/README.md", "a card of one's own");
  EXPECT_EQ(FinishedReport(out_).steps, 7);
  folder_.Write("out/run.json", R"({"settings": {"total_steps": 8}})");
  EXPECT_THAT(ErrorOf([&] { FinishedReport(out_); }),
              AllOf(HasSubstr("is finished, but run.json has"), HasSubstr("`resume`")));
}

}  // namespace
}  // namespace lacos
