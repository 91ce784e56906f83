// Training that was killed at any point and resumed ends with the same bytes as an undisturbed run.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <map>
#include <random>

#include "faults/child.h"
#include "faults/run_contents.h"
#include "faults/tiny_run.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr char kDiskCalls[] = "open write sync rename mkdir unlink truncate close";

std::vector<std::string> Resumed(std::vector<std::string> arguments) {
  arguments.emplace_back("--resume");
  return arguments;
}

// The contents of an undisturbed run, and the number of its calls that change the disk.
struct Reference {
  std::map<std::string, std::string> contents;
  uint64_t calls = 0;
};
Reference Undisturbed(const std::vector<std::string>& more) {
  const TempFolder folder;
  const ChildResult result =
      RunChild(TrainArguments(folder / "out", more),
               {.kinds = kDiskCalls, .folder = folder.path(), .at = 0, .action = "0"});
  EXPECT_EQ(result.status, 0) << result.err;
  return {.contents = result.status == 0 ? RunContents(folder / "out")
                                         : std::map<std::string, std::string>(),
          .calls = result.calls};
}

// Resumes a disturbed run in folder/out. Returns how it differs from `expected`, or an empty text.
std::string ProblemAfterResume(const TempFolder& folder, const std::vector<std::string>& more,
                               const std::map<std::string, std::string>& expected,
                               ChildResult* result) {
  *result = RunChild(Resumed(TrainArguments(folder / "out", more)));
  if (result->status != 0)
    return fmt::format("resume ended with {}: {}", result->status, result->err);
  std::string problem = Difference(expected, RunContents(folder / "out"));
  if (folder.Names() != std::vector<std::string>{"out"})
    problem += fmt::format(" left beside it: {}", fmt::join(folder.Names(), ", "));
  return problem;
}

TEST(KilledTraining, AtAnyCallThatChangesTheDiskIsResumedToTheSameBytes) {
  const std::vector<std::string> more = {"--dev", Inputs() / "dev.tsv", "--eval-every", "3"};
  const Reference reference = Undisturbed(more);
  ASSERT_GT(reference.calls, 100u);
  OutcomeTable table("killed while training, resumed");
  int mid_run = 0;
  for (const uint64_t at : FaultsToTry(reference.calls, 24)) {
    for (const char* action : {"kill-before", "kill-after"}) {
      if (!FullRun() && (at % 2 == 0) != (std::string(action) == "kill-before")) continue;
      const TempFolder folder;
      const ChildResult killed =
          RunChild(TrainArguments(folder / "out", more),
                   {.kinds = kDiskCalls, .folder = folder.path(), .at = at, .action = action});
      ChildResult resumed;
      std::string problem = ProblemAfterResume(folder, more, reference.contents, &resumed);
      // Numbers in reports and logs have other lengths in another run, so a run may have slightly
      // fewer calls than the reference and end before call `at`.
      const bool had_fewer_calls =
          killed.status == 0 && killed.calls < at && at + 3 > reference.calls;
      if (killed.status != 128 + 9 && !had_fewer_calls)
        problem += fmt::format(" was not killed: {}, {} calls", killed.status, killed.calls);
      mid_run += resumed.err.find("resumed from") != std::string::npos;
      table.Add(action, problem.empty() ? OutcomeTable::kEqual : OutcomeTable::kOther,
                fmt::format("call {}:{}", at, problem));
    }
  }
  const std::vector<std::string> others = table.Print();
  EXPECT_TRUE(others.empty()) << fmt::format("{}", fmt::join(others, "\n"));
  EXPECT_GT(mid_run, 6) << "most kills come after the first checkpoint";
}

// The run is killed again and again, even while it is being resumed.
TEST(KilledTraining, AgainAndAgainComesToTheSameEnd) {
  const std::vector<std::string> more = {"--dev", Inputs() / "dev.tsv"};
  const Reference reference = Undisturbed(more);
  std::mt19937_64 random(5);
  for (int round = 0; round < (FullRun() ? 30 : 3); ++round) {
    const TempFolder folder;
    int kills = 0;
    ChildResult result;
    for (std::vector<std::string> arguments = TrainArguments(folder / "out", more); kills < 40;
         ++kills) {
      result = RunChild(arguments, {.kinds = kDiskCalls,
                                    .folder = folder.path(),
                                    .at = 1 + random() % (2 * reference.calls / 3),
                                    .action = random() % 2 ? "kill-before" : "kill-after"});
      if (result.status != 128 + 9) break;
      arguments = Resumed(TrainArguments(folder / "out", more));
    }
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(Difference(reference.contents, RunContents(folder / "out")), "") << "round " << round;
    EXPECT_EQ(folder.Names(), std::vector<std::string>{"out"});
  }
}

// Covers every value of each option at least once. The run is killed in its course and resumed with
// another number of threads.
TEST(KilledTraining, IsResumedToTheSameBytesWhateverTheSettings) {
  const TinyInputs& in = Inputs();
  const std::string labelled = in / "labelled.tsv", scored = in / "scored.tsv";
  const TempFolder caches;
  const std::vector<std::vector<std::string>> settings = {
      {"--optimizer", "adam8", "--lora-rank", "32", "--lora-target",
       "query_key_value,dense_4h_to_h"},
      {"--optimizer", "adam", "--compute", "bf16", "--gradient-strategy", "direct", "--symmetric"},
      {"--loss", "softmax", "--train", labelled, "--compute", "int8", "--gradient-strategy",
       "recompute"},
      {"--loss", "cosine", "--train", scored, "--optimizer", "adam", "--compute", "bf16"},
      {"--loss", "cosent", "--train", scored, "--gradient-strategy", "recompute", "--schedule",
       "cosine"},
      {"--loss", "triplet", "--train", labelled, "--hard-negatives", "--compute", "int8"},
      {"--gradient-strategy", "gradcache", "--chunk-tokens", "16", "--matryoshka", "16,8",
       "--compute", "bf16"},
      {"--stream-layers", "--gradient-strategy", "recompute", "--compute", "int8", "--dropout",
       "0.1"},
      {"--stream-layers", "--gradient-strategy", "gradcache", "--lora-dropout", "0.2",
       "--optimizer", "adam"},
      {"--cache-layers", caches / "a", "--lora-layers", "1-1", "--dev", in / "dev.tsv"},
      {"--cache-layers", caches / "b", "--lora-layers", "1-1", "--gradient-strategy", "gradcache",
       "--chunk-tokens", "16", "--stream-layers", "--compute", "bf16"},
      {"--train-biases", "--compute", "bf16", "--dev", in / "dev.tsv", "--eval-every", "1"},
      {"--train-biases", "--loss", "softmax", "--train", labelled, "--optimizer", "adam"},
      {"--train", in / "classes.tsv", "--loss", "mnr", "--pooling", "last"},
      {"--train", in / "plain.tsv", "--loss", "mnr", "--compute", "int8"},
      {"--train", in / "more.tsv", in / "pairs.tsv", "--mix", "round-robin", "--weight-decay",
       "0.1"},
      {"--dev", in / "dev.tsv", "--eval-every", "1", "--patience", "2", "--learning-rate", "0.3"},
      {"--epochs", "1.7", "--warmup-steps", "2", "--schedule", "constant", "--normalize", "--keep",
       "1"},
      {"--max-steps", "7", "--hard-negatives", "--train", labelled, "--strip", "--save-every", "1"},
  };
  OutcomeTable table("killed with other settings, resumed");
  int threads = 0;
  for (const std::vector<std::string>& more : settings) {
    const std::string name = fmt::format("{}", fmt::join(more, " "));
    SCOPED_TRACE(name);
    const Reference reference = Undisturbed(more);
    // The full test kills at the run's beginning, after its first checkpoint, and shortly before
    // and in its last part.
    for (const uint64_t percent :
         FullRun() ? std::vector<uint64_t>{20, 40, 60, 75, 90, 97} : std::vector<uint64_t>{70}) {
      const TempFolder folder;
      fs::remove_all(caches.path() + "/a");  // so that the kill can hit the writing of the cache
      fs::remove_all(caches.path() + "/b");
      std::vector<std::string> arguments = TrainArguments(folder / "out", more);
      arguments = WithFlag(arguments, "--threads", {std::to_string(1 + threads++ % 3)});
      RunChild(arguments, {.kinds = kDiskCalls,
                           .folder = folder.path(),
                           .at = reference.calls * percent / 100,
                           .action = "kill-after"});
      std::vector<std::string> other = more;
      other.insert(other.end(), {"--threads", std::to_string(1 + threads % 3)});
      ChildResult resumed;
      std::string problem = ProblemAfterResume(folder, other, reference.contents, &resumed);
      if (percent == 70 && resumed.err.find("resumed from") == std::string::npos)
        problem += " did not go on from a checkpoint";
      table.Add("settings", problem.empty() ? OutcomeTable::kEqual : OutcomeTable::kOther,
                fmt::format("{} at {} %: {}", name, percent, problem));
    }
  }
  const std::vector<std::string> others = table.Print();
  EXPECT_TRUE(others.empty()) << fmt::format("{}", fmt::join(others, "\n"));
}

// With --overwrite, the earlier run is kept until the new run has saved something.
TEST(OverwritingTraining, KeepsTheEarlierRunUntilTheNewOneHasSavedSomething) {
  const Reference earlier = Undisturbed({});
  const std::vector<std::string> anew = {"--seed", "7", "--overwrite"};
  std::vector<std::string> resumed = {"--seed", "7"};
  const Reference later = Undisturbed(resumed);
  OutcomeTable table("starting over an earlier run");
  for (const uint64_t at : FaultsToTry(later.calls, 7)) {
    for (const std::string action : {"28", "kill-after"}) {
      const TempFolder folder;
      const std::string output = folder / "out";
      ASSERT_EQ(RunChild(TrainArguments(output)).status, 0);
      const ChildResult failed = RunChild(TrainArguments(output, anew), {.kinds = kDiskCalls,
                                                                         .folder = folder.path(),
                                                                         .at = at,
                                                                         .action = action,
                                                                         .persist = false});
      std::string problem;
      bool is_earlier = false;
      // After an error the earlier run is there unchanged, or else a checkpoint of the
      // new run. After a kill the earlier run is restored as soon as a training command
      // uses the folder again.
      if (failed.status == 1) {
        is_earlier = Difference(earlier.contents, RunContents(output)).empty();
      } else if (failed.status == 128 + 9) {
        is_earlier = RunChild(Resumed(TrainArguments(output))).status == 0 &&
                     Difference(earlier.contents, RunContents(output)).empty();
      }
      if (!is_earlier) {
        const ChildResult result = RunChild(Resumed(TrainArguments(output, resumed)));
        if (result.status != 0) problem += " neither the earlier run nor a new one: " + result.err;
        problem += Difference(later.contents, RunContents(output));
        const bool from_checkpoint = result.err.find("resumed from") != std::string::npos ||
                                     result.err.find("is finished") != std::string::npos;
        if (!from_checkpoint) problem += " the earlier run went before the new one had anything";
      }
      if (folder.Names() != std::vector<std::string>{"out"})
        problem += fmt::format(" left beside it: {}", fmt::join(folder.Names(), ", "));
      table.Add(action == "28" ? "no space left (ENOSPC)" : "killed",
                problem.empty() ? OutcomeTable::kEqual : OutcomeTable::kOther,
                fmt::format("call {}:{}", at, problem));
    }
  }
  const std::vector<std::string> others = table.Print();
  EXPECT_TRUE(others.empty()) << fmt::format("{}", fmt::join(others, "\n"));
}

TEST(InterruptedTraining, SavesTheStepEndsWith130AndIsResumedToTheSameBytes) {
  const Reference reference = Undisturbed({});
  for (const uint64_t percent : {15, 45, 80}) {
    const TempFolder folder;
    const ChildResult stopped =
        RunChild(TrainArguments(folder / "out"), {.kinds = kDiskCalls,
                                                  .folder = folder.path(),
                                                  .at = reference.calls * percent / 100,
                                                  .action = "interrupt"});
    if (stopped.status == 0) continue;  // the signal came in the last step, so the run finished
    EXPECT_EQ(stopped.status, 130) << stopped.err;
    EXPECT_NE(stopped.err.find("interrupted at step"), std::string::npos) << stopped.err;
    ChildResult resumed;
    std::map<std::string, std::string> expected = reference.contents;
    EXPECT_EQ(RunChild(Resumed(TrainArguments(folder / "out"))).status, 0);
    std::map<std::string, std::string> found = RunContents(folder / "out");
    // The checkpoint from the interruption exists beside or in place of one of the two newest ones,
    // so checkpoints are not compared.
    std::erase_if(expected,
                  [](const auto& file) { return file.first.starts_with("checkpoints/"); });
    std::erase_if(found, [](const auto& file) { return file.first.starts_with("checkpoints/"); });
    EXPECT_EQ(Difference(expected, found), "");
  }
}

TEST(ResumedTraining, IsRefusedWithOtherDataModelOrSettings) {
  const TempFolder folder;
  const std::string pairs = folder.Write("pairs.tsv", ReadAll(Inputs() / "pairs.tsv"));
  const std::string dev = folder.Write("dev.tsv", ReadAll(Inputs() / "dev.tsv"));
  fs::copy(Inputs() / "int8", folder / "base", fs::copy_options::recursive);
  std::vector<std::string> arguments = WithFlag(TrainArguments(folder / "out"), "--train", {pairs});
  arguments = WithFlag(WithFlag(arguments, "--dev", {dev}), "--model", {folder / "base"});
  ASSERT_EQ(RunChild(arguments).status, 0);
  fs::remove(folder / "out/lacos.json");  // the run looks killed while writing its last files
  const auto refused = [&](const std::vector<std::string>& changed, const std::string& part) {
    const ChildResult result = RunChild(Resumed(changed));
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_NE(result.err.find("[--resume]"), std::string::npos) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << part << " in " << result.err;
  };
  refused(WithFlag(arguments, "--learning-rate", {"2e-2"}), "learning rate");
  refused(WithFlag(arguments, "--seed", {"7"}), "seed");
  refused(WithFlag(arguments, "--compute", {"bf16"}), "compute");
  std::vector<std::string> two = WithFlag(arguments, "--learning-rate", {"2e-2"});
  refused(WithFlag(two, "--scale", {"10"}), "scale");

  const std::string rows = ReadAll(pairs);
  folder.Write("pairs.tsv", rows + "one more\trow here\n");
  refused(arguments, "train_files 1 sha256");
  folder.Write("pairs.tsv", rows);
  const std::string scores = ReadAll(dev);
  folder.Write("dev.tsv", scores + "one more\trow here\t2\n");
  refused(arguments, "dev_file sha256");
  folder.Write("dev.tsv", scores);
  std::vector<std::string> without_dev = arguments;
  const auto flag = std::find(without_dev.begin(), without_dev.end(), "--dev");
  without_dev.erase(flag, flag + 2);
  refused(without_dev, "dev_file");

  fs::remove_all(folder / "base");
  ASSERT_EQ(RunChild({"init", "--config", folder.Write("config.json", kTinyConfig), "--output",
                      folder / "other", "--dtype", "f32", "--seed", "2"})
                .status,
            0);
  ASSERT_EQ(RunChild({"quantize", "--model", folder / "other", "--output", folder / "base"}).status,
            0);
  refused(arguments, "base_sample_sha256");

  fs::remove_all(folder / "base");
  fs::copy(Inputs() / "int8", folder / "base", fs::copy_options::recursive);
  const ChildResult same = RunChild(Resumed(arguments));
  EXPECT_EQ(same.status, 0) << same.err;
}

}  // namespace
}  // namespace lacos
