// Runs this program again as a separate process, which has its own memory and can fail alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lacos::cli {

struct ChildResult {
  int status = 0;     // exit status, or 128 + the signal's number
  std::string error;  // everything that the child wrote to stderr
};

// Runs this program with the arguments and waits for its end. Its stdin and stdout are /dev/null.
// `waiting` is called several times a second. When a signal asks this process to stop, the child is
// asked to stop too, and its end is still awaited. Throws UserError if the child cannot be started.
ChildResult RunSelf(const std::vector<std::string>& arguments,
                    const std::function<void()>& waiting);

// Runs this program with the arguments, on this process's own stdin, stdout and stderr, and returns
// its exit status, or 128 + the signal's number. When a signal asks this process to stop, the child
// is asked to stop too, and its end is still awaited. Throws UserError if the child cannot be
// started.
int RunSelfInForeground(const std::vector<std::string>& arguments);

// Thrown to end this process with the exit status of a child that has printed its error.
struct ChildFailed {
  int status = 1;
};

// From now on this process gets SIGINT when its parent process ends.
void EndWithParent();

}  // namespace lacos::cli
