// Files written by lacos 0.1 (tests/golden/runs). Repeated runs record the same settings as then,
// so such runs can be resumed, and recipes result in the same cells.
#include <gmock/gmock.h>

#include <filesystem>

#include "lacos/io/json.h"
#include "test_paths.h"
#include "training_runs.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::Not;

std::string Earlier(const std::string& name) {
  return std::string(LACOS_SOURCE_DIR) + "/tests/golden/runs/" + name;
}

// The settings that must be equal in a repeated run. The instruction set is not in the golden files, and label_scheme is
// a later setting of sweeps.
std::string Compared(const Json& settings) {
  Json json = Json::Object();
  settings.ForEachItem([&](std::string_view name, const Json& value) {
    if (name != "isa" && name != "label_scheme") json.Set(std::string(name), value);
  });
  return json.Dump(2);
}

class EarlierRun : public testing::TestWithParam<const char*> {};

TEST_P(EarlierRun, RepeatedFromItsRunJsonRecordsTheSameSettings) {
  const TempFolder folder;
  const std::string record = Earlier(std::string(GetParam()) + ".run.json");
  const RunResult result =
      RunLacos({"train", "--config", record, "--output", folder / "out", "--quiet"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Compared(Json::ReadFile(folder / "out/run.json").At("settings")),
            Compared(Json::ReadFile(record).At("settings")));
}
INSTANTIATE_TEST_SUITE_P(Names, EarlierRun, testing::Values("lora", "biases", "mnr"));

TEST(EarlierRecipe, HasTheSameCells) {
  const RunResult result =
      RunLacos({"sweep", Earlier("recipe.toml"), "--dry-run", "--json", "--quiet"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json cells = Json::Parse(result.out, "stdout").At("cells");
  const Json earlier = Json::ReadFile(Earlier("sweep.cells.json"));
  ASSERT_EQ(cells.size(), earlier.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    EXPECT_EQ(cells[i].At("name").AsString(), earlier[i].At("name").AsString());
    EXPECT_EQ(cells[i].At("settings").At("label_scheme").AsString(), "auto");
    EXPECT_EQ(Compared(cells[i].At("settings")), Compared(earlier[i].At("settings")));
  }
}

TEST(EarlierRecipe, ASoftmaxCellsPageSaysWhatItsAccuracyIs) {
  const TempFolder folder;
  folder.Write("run.json", ReadAll(Earlier("cell.run.json")));
  folder.Write("metrics.jsonl", R"({"step": 1, "loss": 1, "accuracy": 0.5})"
                                "\n");
  const RunResult result = RunLacos({"report", folder.path()});
  ASSERT_EQ(result.status, 0) << result.err;
  const std::string html = ReadAll(folder / "report.html");
  EXPECT_THAT(html, HasSubstr("classified right, % of pairs"));
  EXPECT_THAT(html, Not(HasSubstr("positive ranks first")));
}

}  // namespace
}  // namespace lacos
