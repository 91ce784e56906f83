// The one exception type for users' mistakes and damaged input. Its message is complete and is
// shown as it is.
#pragma once

#include <stdexcept>
#include <string>

namespace lacos {

// Thrown if the input or the environment is wrong, and never for lacos's own bugs, which fail
// LACOS_CHECK. The message is one line `[where] what was found; what was expected; what to do`,
// without a final full stop. It may contain names and values from files. So control characters are
// shown as \x1b and the like: nothing in a file can break the line or control a terminal.
class UserError : public std::runtime_error {
 public:
  explicit UserError(const std::string& message);
};

}  // namespace lacos
