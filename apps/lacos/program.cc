// Runs a command line: parsing, logging, threads, and the exit statuses (0 for success, 1 for wrong
// input, 2 for a wrong command line, 130 after an interruption).
#include "program.h"

#include <execinfo.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include "flags/common.h"
#include "flags/config_file.h"
#include "flags/help.h"
#include "flags/setting_flags.h"
#include "flags/unknown_words.h"
#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "terminal/child_process.h"
#include "terminal/interrupt.h"
#include "terminal/logging.h"
#include "terminal/output.h"

namespace lacos::cli {
namespace {

constexpr int kDone = 0, kWrongInput = 1, kWrongCommandLine = 2, kInterrupted = 130;

// The chosen command for messages, such as "lacos embed" or "lacos bench train".
std::string ChosenProgram(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return app.get_name() + (chosen.empty() ? "" : " " + ChosenProgram(*chosen.front()));
}

int FailCommandLine(const CLI::App& app, const std::string& what) {
  const bool asks = what.ends_with('?');
  PrintError(fmt::format("[command line] {}{} '{} --help'", what, asks ? " See" : "; see",
                         ChosenProgram(app)));
  return kWrongCommandLine;
}

void SetUpThreads(const GlobalOptions& globals) {
  if (globals.threads > 0) SetThreadCount(globals.threads);
  const int wanted = ThreadCount();
  const std::string refusal = StartThreads();
  if (refusal.empty()) return;
  spdlog::warn(
      "[threads] the system started {} of {} threads: {}; expected room for more in `ulimit -u` "
      "and in the control group's pids.max; the run goes on with {}, with the same results",
      ThreadCount(), wanted, refusal, ThreadCount());
}

int Run(int argc, char** argv, const AddCommandsFunction& add_commands) {
  CLI::App app{
      "lacos makes a sentence-embedding model of BLOOM on one ordinary machine, and uses it",
      "lacos"};
  GlobalOptions globals;
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("--help", "Show this text and exit");
  app.set_version_flag("--version", std::string("lacos " LACOS_VERSION),
                       "Show the version and exit");
  app.require_subcommand(0, 1);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.footer(
      "'lacos COMMAND --help' lists a command's flags with their defaults.\n\nExample:\n"
      "  lacos embed --model trained --input texts.txt --output vectors.npy");
  add_commands(app, globals);
  KnowFlags(app);

  for (CLI::App* command : app.get_subcommands({})) command->group("Commands");
  const std::string unknown_command =
      argc > 1 && argv[1][0] != '-' ? UnknownCommandMessage(app, argv[1]) : "";
  if (!unknown_command.empty()) return FailCommandLine(app, unknown_command);
  try {
    globals.arguments = ExpandConfig(app, {argv + 1, argv + argc});
    // CLI11 takes the arguments from the back.
    app.parse(std::vector<std::string>(globals.arguments.rbegin(), globals.arguments.rend()));
    if (!globals.action) {
      const auto chosen = app.get_subcommands();
      const std::string help = chosen.empty() ? FirstSteps(app) : chosen.front()->help("lacos");
      std::fputs(help.c_str(), stderr);
      return kWrongCommandLine;
    }
    SetUpLogging(globals);
    SetUpThreads(globals);
    // serve does this in the program lacos-serve.
    if (globals.command->get_name() != "serve") SettleDevice(globals);
    InstallSignalHandlers();
    globals.action();
    Out().Flush();
    return kDone;
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    Out().Write(chosen.empty() ? app.help() : chosen.front()->help("lacos"));
    Out().Flush();
    return kDone;
  } catch (const CLI::CallForVersion& version) {
    Out().Write(std::string(version.what()) + "\n");
    Out().Flush();
    return kDone;
  } catch (const CLI::ParseError& error) {
    // A word that is misspelled says more than the flag that is missing because of that.
    const std::string unknown = UnknownWordMessage(app);
    return FailCommandLine(app, unknown.empty() ? ValueMessage(error.what()) : unknown);
  }
}

int Interruption() {
  ClearProgressLine();
  std::fputs("lacos: interrupted\n", stderr);
  return kInterrupted;
}

// Reports that memory ran out, without allocating any.
int FailMemory() {
  static constexpr char kMessage[] =
      "lacos: error: [memory] an allocation was refused; expected enough memory; use a smaller "
      "model, a smaller --batch-tokens or --max-length, or a machine with more memory\n";
  return write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1) < 0 ? kWrongInput : kWrongInput;
}

// The message of an error in the usual form, also for exceptions of the standard library.
std::string Message(const std::exception& error) {
  if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&error)) {
    return fmt::format(
        "[{}] could not be used: {}; expected a healthy file system; check the path, its "
        "rights and the disk",
        file->path2().empty() ? file->path1().string() : file->path2().string(),
        file->code().message());
  }
  if (const auto* system = dynamic_cast<const std::system_error*>(&error)) {
    return fmt::format("[system] {}; expected a system with resources to spare; see ulimit -a",
                       system->what());
  }
  return error.what();
}

// Runs the program and turns every way in which it can end into an exit status.
int RunGuarded(int argc, char** argv, const AddCommandsFunction& add_commands) {
  try {
    return Run(argc, argv, add_commands);
  } catch (const Interrupted&) {
    return Interruption();
  } catch (const StdoutClosed&) {
    return kDone;
  } catch (const ChildFailed& failed) {
    return failed.status;
  } catch (const std::bad_alloc&) {
    return FailMemory();
  } catch (const std::length_error&) {  // a size beyond the limit of a container
    return FailMemory();
  } catch (const std::exception& error) {
    // A signal can make a system call fail; then the signal is reported as the reason.
    if (InterruptRequested()) return Interruption();
    PrintError(Message(error));
    return kWrongInput;
  }
}

}  // namespace

int RunProgram(int argc, char** argv, const AddCommandsFunction& add_commands) {
  // The C library needs libgcc_s when a thread ends, and aborts if there is no memory to load it.
  // This call loads it now.
  void* frame = nullptr;
  backtrace(&frame, 1);
  try {
    return RunGuarded(argc, argv, add_commands);
  } catch (...) {  // there was not even memory for the message
    return FailMemory();
  }
}

}  // namespace lacos::cli
