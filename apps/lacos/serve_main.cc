// The program `lacos-serve`: `lacos serve`, which runs it, in a program of its own.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "program.h"

int main(int argc, char** argv) {
  std::string program = "lacos", command = "serve";
  std::vector<char*> words = {program.data(), command.data()};
  words.insert(words.end(), argv + (argc > 0 ? 1 : 0), argv + argc);
  words.push_back(nullptr);
  return lacos::cli::RunProgram(static_cast<int>(words.size()) - 1, words.data(),
                                lacos::cli::AddServeCommand);
}
