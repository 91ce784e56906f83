// A run.json that is read back: the recorded command, and its arguments with paths that are valid
// in another place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

class RunFile {
 public:
  // Throws UserError for a file that cannot be read or is not JSON.
  explicit RunFile(std::string path);

  const std::string& path() const { return path_; }
  const Json& json() const { return json_; }
  // Whether the record may be that of `lacos COMMAND`. A record without a command, which a caller
  // of the library may leave, may be that of any command.
  bool IsOf(std::string_view command) const;
  // The recorded command; empty if there is none.
  std::string Command() const;
  // The recorded command line, without arguments that do not affect the output. For a call of the
  // library, the command line that does the same. Throws UserError if there is neither.
  std::vector<std::string> Arguments() const;
  // A path among the arguments, as seen from the current directory. Relative paths are resolved
  // from the place of the run.json and the working directory that it names, so that they stay valid
  // if folders are moved together. A path to nothing stays as it is.
  std::string PathFromHere(const std::string& argument) const;

 private:
  std::string path_;
  Json json_;
};

}  // namespace lacos
