// The one exception type for users' mistakes and damaged input: its message is complete and shown
// as it is.
#pragma once

#include <stdexcept>
#include <string>

namespace lacos {

// Thrown when the input or the environment is wrong (never for lacos's own bugs; those are
// LACOS_CHECK). The message reads `[where] what was found; what was expected; what to do`, one
// line, without a final full stop. Names and values out of files stand in it, so control characters
// are shown as \x1b and the like: nothing in a file can break the line or command a terminal.
class UserError : public std::runtime_error {
 public:
  explicit UserError(const std::string& message);
};

}  // namespace lacos
