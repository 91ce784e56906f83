// SIGINT and SIGTERM: work stops at the next safe place, so that partial output is removed and
// state is saved.
#pragma once

namespace lacos::cli {

// Thrown by CheckInterrupt; main ends with status 130. Not a std::exception, so that nothing
// swallows it.
struct Interrupted {};

// From now on the first signal sets a flag; a second one ends the program at once.
void InstallSignalHandlers();
bool InterruptRequested();
// Throws Interrupted after a signal. To be called between pieces of work of at most a few seconds.
void CheckInterrupt();

}  // namespace lacos::cli
