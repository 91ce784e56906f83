// A run.json that is read back: the command that it records, and its arguments as they read from
// another place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

class RunFile {
 public:
  // Throws UserError for a file that cannot be read or is no JSON.
  explicit RunFile(std::string path);

  const std::string& path() const { return path_; }
  const Json& json() const { return json_; }
  // Whether the record may be that of `lacos COMMAND`: one that names no command, as a library's
  // caller may leave it, may be of any.
  bool IsOf(std::string_view command) const;
  // The recorded command; empty where there is none.
  std::string Command() const;
  // The command line without what an output does not depend on. Throws UserError without one.
  std::vector<std::string> Arguments() const;
  // A path among the arguments as it reads from here: relative ones are found from the place of the
  // run.json and the working directory that it names, so that they keep their meaning where folders
  // are moved together. What is not there stays as it stands.
  std::string PathFromHere(const std::string& argument) const;

 private:
  std::string path_;
  Json json_;
};

}  // namespace lacos
