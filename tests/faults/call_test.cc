// System calls that fail, transfer less than requested or are interrupted, and memory that runs
// out. Every command must end with a clear error or with the same result as without the fault.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

#include "faults/child.h"
#include "faults/run_contents.h"
#include "faults/tiny_run.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// How a command continues after a fault: by starting anew, with --resume, or automatically from the
// parts that are finished.
enum class GoesOn { kAnew, kResumes, kByItself };

// A command that writes to `output` in a folder of its own.
struct Command {
  std::string name;
  std::vector<std::string> arguments;
  std::string output = "out";  // a name ending in .npy is a file that has others beside it
  GoesOn goes_on = GoesOn::kAnew;
  std::string output_flag = "--output";
  std::vector<std::string> beside = {".run.json"};  // endings of the files beside an output file

  bool trains() const { return goes_on == GoesOn::kResumes; }
};

std::string TrainedFolder() {
  static const TempFolder folder;
  static const std::string trained = [] {
    const ChildResult made = RunChild(TrainArguments(folder / "out"));
    EXPECT_EQ(made.status, 0) << made.err;
    return folder / "out";
  }();
  return trained;
}

std::vector<Command> Commands() {
  const TinyInputs& in = Inputs();
  const std::vector<std::string> train = TrainArguments("", {"--dev", in / "dev.tsv"});
  const std::string trained = TrainedFolder();
  return {
      {.name = "train", .arguments = train, .goes_on = GoesOn::kResumes},
      {.name = "quantize",
       .arguments = {"quantize", "--model", TinyModel(), "--base-name", "tiny"}},
      {.name = "merge", .arguments = {"merge", "--model", TinyModel(), "--adapter", trained}},
      {.name = "merge to GGUF", .arguments = {"merge", "--model", TinyModel(), "--format", "gguf"}},
      {.name = "adapter", .arguments = {"adapter", "--model", trained, "--base-name", "tiny"}},
      {.name = "embed",
       .arguments = {"embed", "--model", trained, "--input", in / "texts.txt", "--compute", "f32"},
       .output = "out.npy"},
      {.name = "embed, binary",
       .arguments = {"embed", "--model", trained, "--input", in / "texts.txt", "--precision",
                     "uint8"},
       .output = "out.npy",
       .beside = {".ranges.npy", ".run.json"}},
      {.name = "init", .arguments = {"init", "--config", in / "config.json"}},
      {.name = "prune", .arguments = {"prune", "--model", TinyModel(), "--layers", "1"}},
      {.name = "eval", .arguments = {"eval", "--model", trained, "--data", in / "dev.tsv"}},
      {.name = "cluster",
       .arguments = {"cluster", "--model", trained, "--input", in / "texts.txt", "--clusters", "2",
                     "--compute", "f32"}},
      {.name = "data prepare",
       .arguments = {"data", "prepare", "--from", in / "raw", "--allow-incomplete"},
       .output_flag = "--to"},
      {.name = "sweep", .arguments = {"sweep", in / "sweep.toml"}, .goes_on = GoesOn::kByItself},
  };
}

std::vector<std::string> WithOutput(const Command& command, const TempFolder& folder) {
  std::vector<std::string> arguments =
      WithFlag(command.arguments, command.output_flag, {folder / command.output});
  return WithFlag(arguments, "--threads", {command.trains() ? "1" : "2"});
}

std::vector<std::string> Outputs(const Command& command) {
  std::vector<std::string> outputs = {command.output};
  if (command.output == "out") return outputs;
  for (const std::string& ending : command.beside) outputs.push_back(command.output + ending);
  return outputs;
}

std::map<std::string, std::string> Contents(const Command& command, const TempFolder& folder) {
  if (command.output == "out") return RunContents(folder / command.output);
  std::map<std::string, std::string> contents;
  for (const std::string& name : Outputs(command)) contents[name] = ReadAll(folder / name);
  return contents;
}

// Determines the outcome of a fault. After an error, the command must have left nothing, or
// something with which it can continue, and running it again must give the expected result.
OutcomeTable::Outcome Judge(const Command& command, const TempFolder& folder,
                            const ChildResult& result,
                            const std::map<std::string, std::string>& expected, std::string& why) {
  if (result.timed_out) why += " hung;";
  if (result.status == 0) {
    why += Difference(expected, Contents(command, folder));
    if (folder.Names() != Outputs(command))
      why += fmt::format(" left {};", fmt::join(folder.Names(), ", "));
    return why.empty() ? OutcomeTable::kEqual : OutcomeTable::kOther;
  }
  if (!IsClearError(result)) {
    why += fmt::format(" status {}: {}", result.status, result.err);
    return OutcomeTable::kOther;
  }
  if (command.goes_on != GoesOn::kAnew) {
    std::vector<std::string> again = WithOutput(command, folder);
    if (command.trains()) again.emplace_back("--resume");
    const ChildResult resumed = RunChild(again);
    if (resumed.status != 0) {
      why += fmt::format(" could not be resumed: {}", resumed.err);
    } else {
      why += Difference(expected, Contents(command, folder));
    }
  } else if (fs::exists(folder / command.output)) {
    // The output is finished, but there was no memory left for reporting success.
    why += Difference(expected, Contents(command, folder));
  } else {
    // Files that the failing disk kept from being removed are removed by the next run that writes
    // this output.
    const ChildResult again = RunChild(WithOutput(command, folder));
    if (again.status != 0) {
      why += fmt::format(" could not be repeated: {}", again.err);
    } else {
      why += Difference(expected, Contents(command, folder));
    }
  }
  if (folder.Names() != Outputs(command))
    why += fmt::format(" left {};", fmt::join(folder.Names(), ", "));
  return why.empty() ? OutcomeTable::kClearError : OutcomeTable::kOther;
}

// Tries the fault on the command's calls below `fault.folder` or, if that is empty, below the
// folder of the output.
void TryFaults(OutcomeTable& table, const Command& command, Fault fault, const std::string& label,
               uint64_t most) {
  const TempFolder first;
  const std::string watched = fault.folder;
  const auto placed = [&](const TempFolder& folder) {
    Fault here = fault;
    here.folder = watched.empty() ? folder.path() : watched;
    return here;
  };
  fault.at = 0;
  const ChildResult counted = RunChild(WithOutput(command, first), placed(first));
  ASSERT_EQ(counted.status, 0) << command.name << ": " << counted.err;
  const std::map<std::string, std::string> expected = Contents(command, first);
  for (const uint64_t at : FaultsToTry(counted.calls, most)) {
    const TempFolder folder;
    fault.at = at;
    const ChildResult result = RunChild(WithOutput(command, folder), placed(folder));
    std::string why;
    const OutcomeTable::Outcome outcome = Judge(command, folder, result, expected, why);
    table.Add(label, outcome,
              fmt::format("{}, call {} of {}:{}", command.name, at, counted.calls, why));
  }
}

TEST(FailingCalls, OfTheDiskEndInAClearErrorOrTheRightResult) {
  struct Kind {
    std::string label, kinds, action;
  };
  const auto number = [](int error) { return std::to_string(error); };
  const std::vector<Kind> kinds = {
      {"write: no space left (ENOSPC)", "write", number(ENOSPC)},
      {"write: input/output error (EIO)", "write", number(EIO)},
      {"write: half of the bytes", "write", "short"},
      {"write: interrupted (EINTR)", "write", number(EINTR)},
      {"open: input/output error (EIO)", "open", number(EIO)},
      {"open: read-only file system (EROFS)", "open", number(EROFS)},
      {"open: no space left (ENOSPC)", "open", number(ENOSPC)},
      {"open: gone (ENOENT)", "open", number(ENOENT)},
      {"open: interrupted (EINTR)", "open", number(EINTR)},
      {"fsync: input/output error (EIO)", "sync", number(EIO)},
      {"fsync: no space left (ENOSPC)", "sync", number(ENOSPC)},
      {"rename: no space left (ENOSPC)", "rename", number(ENOSPC)},
      {"rename: input/output error (EIO)", "rename", number(EIO)},
      {"mkdir: no space left (ENOSPC)", "mkdir", number(ENOSPC)},
      {"unlink: input/output error (EIO)", "unlink", number(EIO)},
      {"ftruncate: input/output error (EIO)", "truncate", number(EIO)},
      {"close: input/output error (EIO)", "close", number(EIO)},
      {"close: interrupted (EINTR)", "close", number(EINTR)},
  };
  OutcomeTable table("calls on the output");
  const std::vector<Command> commands = Commands();
  for (size_t k = 0; k < kinds.size(); ++k) {
    for (size_t c = 0; c < commands.size(); ++c) {
      // The sample tests each kind with training and one other command, which
      // changes with the kind.
      if (!FullRun() && !commands[c].trains() && c != 1 + k % (commands.size() - 1)) continue;
      TryFaults(table, commands[c],
                {.kinds = kinds[k].kinds, .folder = {}, .at = 0, .action = kinds[k].action},
                kinds[k].label, commands[c].trains() ? 4 : 2);
    }
  }
  const std::vector<std::string> others = table.Print();
  EXPECT_TRUE(others.empty()) << fmt::format("{}", fmt::join(others, "\n"));
}

TEST(FailingCalls, OfTheDiskFromSomeCallOnEndInAClearErrorOrTheRightResult) {
  OutcomeTable table("the output's disk stays broken");
  for (const Command& command : Commands()) {
    for (const auto& [label, error] :
         std::vector<std::pair<std::string, int>>{{"full from some call on (ENOSPC)", ENOSPC},
                                                  {"read-only from some call on (EROFS)", EROFS}}) {
      TryFaults(table, command,
                {.kinds = "open write sync rename mkdir truncate",
                 .folder = {},
                 .at = 0,
                 .action = std::to_string(error),
                 .persist = true},
                label, command.trains() ? 4 : 1);
    }
  }
  const std::vector<std::string> others = table.Print();
  EXPECT_TRUE(others.empty()) << fmt::format("{}", fmt::join(others, "\n"));
}

TEST(FailingCalls, OnTheInputsEndInAClearErrorOrTheRightResult) {
  OutcomeTable table("calls on the inputs");
  const TempFolder inputs;
  fs::copy(Inputs().path(), inputs / "in", fs::copy_options::recursive);
  const std::string base = inputs / "in/int8", texts = inputs / "in/texts.txt";
  std::vector<Command> commands = {
      {.name = "embed",
       .arguments = {"embed", "--model", base, "--input", texts, "--compute", "f32"},
       .output = "out.npy"},
      {.name = "train",
       .arguments = {"train", "--model", base, "--train", inputs / "in/pairs.tsv", "--dev",
                     inputs / "in/dev.tsv", "--batch-size", "4", "--compute", "f32", "--lora-rank",
                     "2", "--threads", "1"},
       .goes_on = GoesOn::kResumes},
  };
  for (const Command& command : commands) {
    for (const auto& [label, action] : std::vector<std::pair<std::string, std::string>>{
             {"read: input/output error (EIO)", std::to_string(EIO)},
             {"read: half of the bytes", "short"},
             {"read: interrupted (EINTR)", std::to_string(EINTR)}}) {
      TryFaults(table, command,
                {.kinds = "read", .folder = inputs.path(), .at = 0, .action = action}, label, 10);
    }
    for (const int error : {EIO, EACCES, ENOENT, EINTR, EMFILE}) {
      TryFaults(
          table, command,
          {.kinds = "open", .folder = inputs.path(), .at = 0, .action = std::to_string(error)},
          "open: EIO, EACCES, ENOENT, EINTR, EMFILE", 2);
    }
  }
  const std::vector<std::string> others = table.Print();
  EXPECT_TRUE(others.empty()) << fmt::format("{}", fmt::join(others, "\n"));
}

TEST(FailingAllocations, EndInAClearErrorOrTheRightResult) {
  OutcomeTable table("memory");
  for (const Command& command : Commands()) {
    for (const bool persist : {false, true}) {
      TryFaults(table, command,
                {.kinds = "alloc",
                 .folder = {},
                 .at = 0,
                 .action = std::to_string(ENOMEM),
                 .persist = persist},
                fmt::format("{}: {}", command.name,
                            persist ? "all allocations from one on" : "one allocation"),
                command.trains() ? 24 : 2);
    }
  }
  const std::vector<std::string> others = table.Print();
  EXPECT_TRUE(others.empty()) << fmt::format("{}", fmt::join(others, "\n"));
}

}  // namespace
}  // namespace lacos
