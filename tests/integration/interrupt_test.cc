// Commands that receive SIGINT or SIGTERM end with status 130 and leave nothing half-written.
#include <signal.h>

#include "program.h"

namespace lacos {
namespace {

TEST(Interrupt, WaitingForStdinEndsWith130AndLeavesNothing) {
  TinyModel();
  for (const int signal : {SIGINT, SIGTERM}) {
    const TempFolder folder;
    const RunResult result =
        RunLacos({"embed", "--model", TinyModel(), "--input", "-", "--output", folder / "v.npy"},
                 {.input = "one\ntwo\n", .signal = signal, .signal_after_ms = 300});
    EXPECT_EQ(result.status, 130) << result.err;
    EXPECT_EQ(result.err, "lacos: interrupted\n");
    EXPECT_TRUE(folder.Names().empty());
  }
}

TEST(Interrupt, InTheMidstOfWorkToo) {
  const TempFolder folder;
  std::string texts;
  for (int i = 0; i < 400000; ++i)
    texts += "some text of a length that keeps the processor busy " + std::to_string(i) + "\n";
  const std::string input = folder.Write("texts.txt", texts);
  const RunResult result = RunLacos({"embed", "--model", TinyModel(), "--input", input, "--output",
                                     folder / "v.npy", "--precision", "int8"},
                                    {.signal = SIGINT, .signal_after_ms = 1000});
  EXPECT_EQ(result.status, 130) << result.err;
  EXPECT_EQ(folder.Names(), (std::vector<std::string>{"texts.txt"}));
}

// The model has some gigabytes, so its folder is half-written when the signal arrives.
TEST(Interrupt, InitStopsAndLeavesNothing) {
  const TempFolder folder;
  const std::string config = folder.Write(
      "config.json", R"({"hidden_size": 4096, "n_head": 32, "n_layer": 12, "vocab_size": 1000})");
  const RunResult result =
      RunLacos({"init", "--config", config, "--output", folder / "model", "--quantized"},
               {.signal = SIGINT, .signal_after_ms = 300});
  EXPECT_EQ(result.status, 130) << result.err;
  EXPECT_EQ(folder.Names(), (std::vector<std::string>{"config.json"}));
}

}  // namespace
}  // namespace lacos
