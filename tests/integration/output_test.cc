// Output files: existing ones are not overwritten, new ones are either complete or absent, and full
// disks and closed pipes are noticed.
#include <filesystem>

#include "program.h"
#include "test_paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

TEST(Output, AnExistingFileIsRefusedBeforeAnyWork) {
  const TempFolder folder;
  const std::string output = folder.Write("vectors.npy", "precious");
  // The model does not exist, so this also shows that the output is checked first.
  ExpectUserError(RunLacos({"embed", "--model", "/no/such/model", "--input", "/no/such/input",
                            "--output", output}),
                  "--overwrite");
  EXPECT_EQ(ReadAll(output), "precious");
}

TEST(Output, OverwriteReplacesAFile) {
  const TempFolder folder;
  const std::string output = folder.Write("vectors.npy", "old");
  const std::string input = folder.Write("texts.txt", "one\ntwo\n");
  const RunResult result = RunLacos(
      {"embed", "--model", TinyModel(), "--input", input, "--output", output, "--overwrite"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(ReadAll(output).substr(1, 5), "NUMPY");
}

TEST(Output, AnExistingFolderIsRefusedBeforeAnyWork) {
  const TempFolder folder;
  fs::create_directory(folder / "model");
  const std::string config = folder.Write("config.json", kTinyConfig);
  ExpectUserError(RunLacos({"init", "--config", config, "--output", folder / "model"}),
                  "--overwrite");
  ExpectUserError(RunLacos({"quantize", "--model", TinyModel(), "--output", folder / "model"}),
                  "--overwrite");
  EXPECT_TRUE(fs::is_empty(folder / "model"));
}

TEST(Output, OverwriteReplacesModelsOnly) {
  const TempFolder folder;
  const std::string config = folder.Write("config.json", kTinyConfig);
  EXPECT_EQ(RunLacos({"init", "--config", config, "--output", folder / "model"}).status, 0);
  const RunResult again = RunLacos(
      {"init", "--config", config, "--output", folder / "model", "--overwrite", "--seed", "7"});
  EXPECT_EQ(again.status, 0) << again.err;

  fs::create_directory(folder / "photos");
  folder.Write("photos/cat.jpg", "precious");
  ExpectUserError(
      RunLacos({"init", "--config", config, "--output", folder / "photos", "--overwrite"}),
      "photos");
  EXPECT_EQ(ReadAll(folder / "photos/cat.jpg"), "precious");

  // `lacos quantize` refuses to replace its own input.
  ExpectUserError(RunLacos({"quantize", "--model", folder / "model", "--output", folder / "model/",
                            "--overwrite"}),
                  "input");
  EXPECT_TRUE(fs::exists(folder / "model/config.json"));
}

TEST(Output, AMissingParentFolderIsNamed) {
  const TempFolder folder;
  ExpectUserError(RunLacos({"embed", "--model", TinyModel(), "--input", "/dev/null", "--output",
                            folder / "no/v.npy"}),
                  folder / "no");
}

TEST(Output, ADeviceIsNeverReplaced) {
  const TempFolder folder;
  fs::create_directory(folder / "v.npy");
  ExpectUserError(RunLacos({"embed", "--model", TinyModel(), "--input", "/dev/null", "--output",
                            folder / "v.npy", "--overwrite"}),
                  "v.npy");
  EXPECT_TRUE(fs::is_directory(folder / "v.npy"));
}

TEST(Output, FullStdoutIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "one\ntwo\n");
  const RunResult result = RunLacos({"tokenize", "--model", TinyModel(), "--input", input},
                                    {.stdout_path = "/dev/full"});
  ExpectUserError(result, "stdout");
}

TEST(Output, AClosedPipeEndsQuietly) {
  const TempFolder folder;
  std::string texts;
  for (int i = 0; i < 200000; ++i) texts += "a line of text\n";
  const std::string input = folder.Write("texts.txt", texts);
  const std::string command = std::string("'") + LACOS_BINARY + "' tokenize --model '" +
                              TinyModel() + "' --input '" + input + "' 2>'" + (folder / "err") +
                              "' | head -n 1 >/dev/null; exit ${PIPESTATUS[0]}";
  const fs::path script = folder.Write("run.sh", command);
  if (!fs::exists("/bin/bash")) GTEST_SKIP() << "needs bash";
  const int status = std::system(("/bin/bash " + script.string()).c_str());
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(ReadAll(folder / "err"), "");
}

// A limit on the size of files makes writes fail in the same way as a full disk.
TEST(Output, AFullDiskLeavesNothingBehind) {
  const TempFolder folder;
  const std::string config = folder.Write("config.json", kTinyConfig);
  std::string texts;
  for (int i = 0; i < 300; ++i) texts += "text " + std::to_string(i) + "\n";
  const std::string input = folder.Write("texts.txt", texts);
  const std::vector<std::string> before = folder.Names();
  const RunOptions full{.file_limit_bytes = 20000};
  TinyModel();

  RunResult result = RunLacos({"init", "--config", config, "--output", folder / "model"}, full);
  ExpectUserError(result, "model");
  EXPECT_EQ(folder.Names(), before);
  // With uint8, the temporary float32 copy reaches the limit.
  for (const char* precision : {"float32", "uint8"}) {
    result = RunLacos({"embed", "--model", TinyModel(), "--input", input, "--output",
                       folder / "v.npy", "--precision", precision, "--quiet"},
                      full);
    ExpectUserError(result, "v.npy");
    EXPECT_EQ(folder.Names(), before);
  }
  result = RunLacos({"quantize", "--model", TinyModel(), "--output", folder / "int8"}, full);
  ExpectUserError(result, "int8");
  EXPECT_EQ(folder.Names(), before);
}

}  // namespace
}  // namespace lacos
