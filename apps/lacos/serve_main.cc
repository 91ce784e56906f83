// The program `lacos-serve`: `lacos serve`, which runs it, in a program of its own.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "program.h"

int main(int argc, char** argv) {
#ifdef __GLIBC__
  // All threads allocate from one heap, since malloc_trim gives back the end of the first heap only.
  // With a heap for each thread, 1.6 MB stayed with the thread that had loaded an adapter of
  // bloom-560m's shape.
  mallopt(M_ARENA_MAX, 1);
#endif
  std::string program = "lacos", command = "serve";
  std::vector<char*> words = {program.data(), command.data()};
  words.insert(words.end(), argv + (argc > 0 ? 1 : 0), argv + argc);
  words.push_back(nullptr);
  return lacos::cli::RunProgram(static_cast<int>(words.size()) - 1, words.data(),
                                lacos::cli::AddServeCommand);
}
