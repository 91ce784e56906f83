// This program run once more, as a process of its own: its memory is its own, and its end ends
// nothing else.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lacos::cli {

struct ChildResult {
  int status = 0;     // exit status, or 128 + signal
  std::string error;  // what it wrote on stderr
};

// Runs this program with the arguments and waits. Its stdin and stdout are /dev/null. `waiting` is
// called several times a second; when a signal asks this process to stop, the child is asked too,
// and its end is waited for. Throws UserError when it cannot be started.
ChildResult RunSelf(const std::vector<std::string>& arguments,
                    const std::function<void()>& waiting);

// From now on this process gets SIGINT when the one that started it ends.
void EndWithParent();

}  // namespace lacos::cli
