// Where an output may be written, and how progress is reported and work is cancelled.
#include "lacos/io/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "unit/io/test_files.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Refusal(const std::string& path, const OutputPlace& place) {
  return ErrorOf([&] { CheckOutput(path, place); });
}

TEST(CheckOutput, ANewNameInAFolderThatIsThereIsWelcome) {
  const TestFolder folder;
  for (const OutputKind kind : {OutputKind::kFile, OutputKind::kFolder}) {
    EXPECT_NO_THROW(CheckOutput(folder / "new", {.kind = kind}));
    EXPECT_NO_THROW(CheckOutput(folder / "new/", {.kind = kind}));
    EXPECT_NO_THROW(CheckOutput("new", {.kind = kind})) << "in the current folder";
    EXPECT_NO_THROW(CheckOutput(folder / "new", {.kind = kind, .inputs = {"", folder / "in"}}));
  }
  EXPECT_EQ(folder.CountEntries(), 0u) << "a check makes nothing";
}

TEST(CheckOutput, WhatExistsIsReplacedOnlyOnDemand) {
  const TestFolder folder;
  folder.Write("file.npy", "old");
  folder.Write("model/config.json", "{}");
  for (const char* name : {"file.npy", "model"}) {
    const OutputKind kind = name == std::string("model") ? OutputKind::kFolder : OutputKind::kFile;
    EXPECT_THAT(Refusal(folder / name, {.kind = kind}),
                AllOf(HasSubstr("already exists"), HasSubstr("`overwrite`")));
    EXPECT_NO_THROW(CheckOutput(folder / name, {.kind = kind, .overwrite = true}));
  }
}

TEST(CheckOutput, AMissingParentFolderIsNamed) {
  const TestFolder folder;
  for (const OutputKind kind : {OutputKind::kFile, OutputKind::kFolder}) {
    EXPECT_THAT(Refusal(folder / "no/out", {.kind = kind}),
                HasSubstr("the folder '" + folder / "no" + "' is not there"));
    EXPECT_THAT(Refusal(folder.Write("file", "") + "/out", {.kind = kind}),
                HasSubstr("is not there"))
        << "a file is no parent";
  }
}

TEST(CheckOutput, AFolderOrADeviceIsNoFile) {
  const TestFolder folder;
  fs::create_directory(folder / "v.npy");
  EXPECT_THAT(Refusal(folder / "v.npy", {.kind = OutputKind::kFile, .overwrite = true}),
              HasSubstr("is a folder or a device"));
  EXPECT_THAT(Refusal("/dev/null", {.kind = OutputKind::kFile}),
              HasSubstr("is a folder or a device"));
}

TEST(CheckOutput, AFolderIsReplacedOnlyWhereItIsEmptyOrHoldsAModel) {
  const TestFolder folder;
  folder.Write("photos/cat.jpg", "precious");
  folder.Write("file", "text");
  folder.Write("made/lacos.json", "{}");
  folder.Write("original/config.json", "{}");
  fs::create_directory(folder / "empty");
  for (const char* name : {"photos", "file"}) {
    EXPECT_THAT(Refusal(folder / name, {.overwrite = true}),
                HasSubstr("holds something else than a model"));
  }
  for (const char* name : {"made", "original", "empty"})
    EXPECT_NO_THROW(CheckOutput(folder / name, {.overwrite = true})) << name;
}

TEST(CheckOutput, AnInputIsNeverReplacedWhateverItIsCalled) {
  const TestFolder folder;
  folder.Write("in/config.json", "{}");
  fs::create_symlink(folder / "in", folder / "link");
  for (const char* name : {"in", "in/", "link", "in/../in"}) {
    EXPECT_THAT(Refusal(folder / name, {.overwrite = true, .inputs = {folder / "in"}}),
                HasSubstr("is the input itself"));
    EXPECT_THAT(
        Refusal(folder / name, {.overwrite = true, .inputs = {folder / "base", folder / "in"}}),
        HasSubstr("is an input itself"));
  }
}

TEST(OutputOptions, AReportAsksForAnEndBeforeItIsPassedOn) {
  struct Cancelled {};
  std::vector<int64_t> seen;
  bool cancelled = false;
  const OutputOptions options{
      .progress = [&](const WorkProgress& work) { seen.push_back(work.done); },
      .check_cancel =
          [&] {
            if (cancelled) throw Cancelled();
          }};
  options.Report({.done = 1, .total = 3});
  options.Report({.done = 2, .total = 3});
  cancelled = true;
  EXPECT_THROW(options.CheckCancel(), Cancelled);
  EXPECT_THROW(options.Report({.done = 3, .total = 3}), Cancelled);
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST(OutputOptions, NothingNeedsToBeWatched) {
  const OutputOptions options;
  EXPECT_NO_THROW(options.CheckCancel());
  EXPECT_NO_THROW(options.Report({.done = 1}));
}

}  // namespace
}  // namespace lacos
