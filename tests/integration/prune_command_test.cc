// `lacos prune`: the shallower base can be used like any other, and wrong input leaves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lacos/io/json.h"
#include "program.h"

namespace lacos {
namespace {

TEST(PruneCommand, AShallowerBaseEmbedsTrainsAndVerifies) {
  const TempFolder folder;
  const RunResult result = RunLacos(
      {"prune", "--model", TinyModel(), "--layers", "1", "--output", folder / "shallow", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json report = Json::Parse(result.out, "report");
  EXPECT_EQ(report.At("layers_before").AsInt(), 2);
  EXPECT_EQ(report.At("layers_after").AsInt(), 1);
  EXPECT_LT(report.At("bytes_after").AsInt(), report.At("bytes_before").AsInt());
  EXPECT_EQ(RunLacos({"verify", folder / "shallow"}).status, 0);
  const RunResult info = RunLacos({"info", "--model", folder / "shallow", "--json"});
  EXPECT_EQ(Json::Parse(info.out, "info").At("parameters").AsInt(),
            report.At("parameters_after").AsInt());
  const std::string texts = folder.Write("texts.txt", "one\ntwo words\n");
  EXPECT_EQ(RunLacos({"embed", "--model", folder / "shallow", "--input", texts, "--output",
                      folder / "out.npy", "--quiet"})
                .status,
            0);
  EXPECT_TRUE(std::filesystem::exists(folder / "shallow/run.json"));
}

TEST(PruneCommand, WrongInputsAreRefusedAndLeaveNothing) {
  const TempFolder folder;
  const auto prune = [&](const std::string& model, const char* layers, const std::string& output) {
    return RunLacos({"prune", "--model", model, "--layers", layers, "--output", output, "--quiet"});
  };
  ExpectUserError(prune(TinyModel(), "2", folder / "out"), "expected 1 to 1");
  ExpectUserError(prune(folder / "nowhere", "1", folder / "out"), "is no folder");
  ExpectUsageError(prune(TinyModel(), "0", folder / "out"), "--layers");
  EXPECT_THAT(folder.Names(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace lacos
