// What run.json says about a call of lacos.h: there is no command line, but the settings of the call.
#pragma once

#include <map>
#include <string>

#include "lacos/io/json.h"

namespace lacos::capi {

// {"lacos_version", "command", "interface", "call", "machine"}. `command` is the program's command that
// does the same, `settings` are those of the call. Settings that say where results go are left out, and
// paths in `names` are recorded by their names, so that equal calls have equal records.
Json RecordOfCall(const std::string& command, const Json& settings,
                  const std::map<std::string, std::string>& names = {});

}  // namespace lacos::capi
