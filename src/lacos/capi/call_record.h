// What run.json says about a call of the library: there is no command line, but the settings of the
// call.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lacos/capi/model_handle.h"
#include "lacos/io/json.h"

namespace lacos::capi {

struct RecordedCall {
  std::string command;    // the program's command that does the same
  std::string interface;  // the header of the function, such as "lacos.h"
  std::string function;   // such as "lacos_train"
  Json settings;          // of the call, as they were given
  std::string output;     // the folder that is made
  std::optional<uint64_t> seed;
  std::map<std::string, std::string> names;  // what the record calls files, by path
};
// {"lacos_version", "build", "command", "interface", "function", "call", "working_directory", "seed",
// "machine", "environment"}. Settings that say where results go are left out of "call", so that equal
// calls have equal records. Returns null if there is no output.
Json RecordOfCall(const RecordedCall& call);

// The settings with which the model was opened.
Json OpeningSettings(const lacos_model& model);

// Adds the members of `more` to an object.
void AddMembers(const Json& more, Json& object);

}  // namespace lacos::capi
