// run.json is written and read back.
#include "lacos/record/run_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "lacos/kernels/backend.h"
#include "lacos/record/caller.h"
#include "lacos/record/run_file.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json Caller() {
  Json record = Json::Object();
  record.Set("lacos_version", "1.2.3");
  record.Set("command", "train");
  return record;
}

TEST(RunRecord, TheCallersPartComesFirstThenInputsThenKernels) {
  const TestFolder folder;
  const std::string data = folder.Write("data.tsv", "one\n");
  const Json record = *MakeRunRecord(
      {.record = Caller()}, {.inputs = [&](RunInputs& inputs) { inputs.AddFile("train", data); },
                             .kernels =
                                 [] {
                                   return KernelInfo{.backend = "cpu",
                                                     .facts = {{"isa", "avx2"}},
                                                     .kernels = {"linear", "pooling"}};
                                 }});
  EXPECT_THAT(record.Keys(), ElementsAre("lacos_version", "command", "inputs", "kernels"));
  EXPECT_EQ(record.At("inputs")[0].At("path").AsString(), data);
  EXPECT_EQ(record.At("kernels").Dump(),
            R"({"backend": "cpu", "isa": "avx2", "kernels": ["linear", "pooling"]})");
}

TEST(RunRecord, WithoutACallersPartNothingIsReadAndNothingIsWritten) {
  const TestFolder folder;
  const WorkRecord work{.inputs = [](RunInputs&) { FAIL() << "inputs would be hashed in vain"; }};
  EXPECT_FALSE(MakeRunRecord({}, work).has_value());
  {
    AtomicFolder made(folder / "out", false);
    CommitFolder(made, {}, work, Json::Object());
  }
  EXPECT_FALSE(fs::exists(RunFileOfFolder(folder / "out")));
  EXPECT_THAT(VerifyManifest(folder / "out"), IsEmpty());
  FileRecord(folder / "v.npy", {}, work).Keep();
  EXPECT_THAT(folder.Names(), ElementsAre("out"));
}

TEST(RunRecord, HashingInputsCanBeCancelled) {
  struct Cancelled {};
  const TestFolder folder;
  const std::string data = folder.Write("data.tsv", "one\n");
  const OutputOptions options{.record = Caller(), .check_cancel = [] { throw Cancelled(); }};
  EXPECT_THROW(
      MakeRunRecord(options, {.inputs = [&](RunInputs& inputs) { inputs.AddFile("train", data); }}),
      Cancelled);
}

TEST(FileRecord, StaysOnlyWhereItIsKept) {
  const TestFolder folder;
  const std::string file = folder / "v.npy";
  const WorkRecord none{.inputs = [](RunInputs&) {}};
  { const FileRecord record(file, {.record = Caller()}, none); }
  EXPECT_THAT(folder.Names(), IsEmpty());
  FileRecord(file, {.record = Caller()}, none).Keep();
  EXPECT_EQ(Json::ReadFile(RunFileOfFile(file)).At("command").AsString(), "train");
  const std::string before = folder.Read("v.npy.run.json");
  Json other = Caller();
  other.Set("command", "embed");
  {
    const FileRecord record(file, {.record = other}, none);
    EXPECT_NE(folder.Read("v.npy.run.json"), before);
  }
  EXPECT_EQ(folder.Read("v.npy.run.json"), before) << "the earlier record comes back";
}

TEST(RunFile, AnswersWithTheCommandAndItsArguments) {
  const TestFolder folder;
  const std::string path = folder.Write(
      "run.json",
      R"({"command": "data prepare", "arguments": ["--from", "raw", "--only", "sts"]})");
  const RunFile run(path);
  EXPECT_EQ(run.Command(), "data prepare");
  EXPECT_TRUE(run.IsOf("data prepare"));
  EXPECT_FALSE(run.IsOf("train"));
  EXPECT_THAT(run.Arguments(), ElementsAre("--from", "raw", "--only", "sts"));
}

TEST(RunFile, ARecordWithoutACommandMayBeOfAny) {
  const TestFolder folder;
  const RunFile run(folder.Write("run.json", "{}"));
  EXPECT_EQ(run.Command(), "");
  EXPECT_TRUE(run.IsOf("train"));
  EXPECT_THAT(ErrorOf([&] { run.Arguments(); }), HasSubstr("arguments"));
}

TEST(RunFile, ACallOfTheLibraryHasTheArgumentsThatDoTheSame) {
  const TestFolder folder;
  const RunFile run(folder.Write(
      "run.json",
      R"({"command": "train", "call": {"model": "base", "train": ["a.tsv", "b.tsv"], "batch_size": 64,
          "learning_rate": 2e-4, "symmetric": true, "normalize": false, "dev": null}})"));
  EXPECT_THAT(run.Arguments(),
              ElementsAre("--model=base", "--train", "a.tsv", "b.tsv", "--batch-size=64",
                          "--learning-rate=2e-4", "--symmetric", "--normalize=false"));
}

TEST(Caller, TheRecordHasTheEnvironmentThatMayChangeAResult) {
  ASSERT_EQ(setenv("LACOS_CALLER_TEST", "a=b", 1), 0);
  ASSERT_EQ(setenv("NOT_LACOS_CALLER_TEST", "c", 1), 0);
  const Json environment = EnvironmentRecord();
  EXPECT_EQ(environment.At("LACOS_CALLER_TEST").AsString(), "a=b");
  EXPECT_FALSE(environment.Has("NOT_LACOS_CALLER_TEST"));
  unsetenv("LACOS_CALLER_TEST");
  unsetenv("NOT_LACOS_CALLER_TEST");
  EXPECT_FALSE(EnvironmentRecord().Has("LACOS_CALLER_TEST"));
  EXPECT_THAT(BuildRecord().Keys(), ElementsAre("compiler", "type", "commit"));
}

TEST(Caller, TheWorkingDirectoryIsThatSeenFromTheOutput) {
  EXPECT_EQ(WorkingDirectoryFrom((fs::current_path() / "runs/first").string()), "../..");
  EXPECT_EQ(WorkingDirectoryFrom("runs"), "..");
}

TEST(RunFile, RelativePathsAreFoundFromTheFolderThatTheRunStoodIn) {
  const TestFolder folder;
  const std::string data = folder.Write("work/data.tsv", "one\n");
  const RunFile run(
      folder.Write("work/trained/run.json", R"({"working_directory": "..", "arguments": []})"));
  EXPECT_EQ(run.PathFromHere("data.tsv"), data);
  EXPECT_EQ(run.PathFromHere("absent.tsv"), "absent.tsv");
  EXPECT_EQ(run.PathFromHere(data), data) << "absolute";
  const RunFile without(folder.Write("work/trained/other.json", "{}"));
  EXPECT_EQ(without.PathFromHere("data.tsv"), "data.tsv");
}

TEST(RunFile, WhatIsNoJsonIsRefused) {
  const TestFolder folder;
  EXPECT_THROW(RunFile(folder / "absent.json"), UserError);
  EXPECT_THROW(RunFile(folder.Write("run.json", "{")), UserError);
}

}  // namespace
}  // namespace lacos
