// Handling of SIGINT and SIGTERM: work stops at the next safe place, so that partial output is
// removed and state is saved.
#pragma once

namespace lacos::cli {

// Thrown by CheckInterrupt; main then ends with status 130. It is not a std::exception, so that no
// handler for errors swallows it.
struct Interrupted {};

// From now on the first signal sets a flag, and a second one ends the program at once.
void InstallSignalHandlers();
bool InterruptRequested();
// Throws Interrupted after a signal. Should be called every few seconds, between pieces of work.
void CheckInterrupt();

}  // namespace lacos::cli
