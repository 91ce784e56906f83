// Finds the folder that a user means by the place of a model: a folder, a repository in a cache of
// the Hugging Face hub, or a name on the hub, which lacos does not download.
#pragma once

#include <string>

namespace lacos {

// The folder with the model's files: `place` itself, or if it is a repository of a hub cache
// (models--ORG--NAME with refs/ and snapshots/), the snapshot that refs/main names, or else the only
// one. Throws UserError for a repository without such a snapshot, for a link that leads nowhere, for
// a name on the hub, and for anything else that is no folder. `what` is what was expected, such as
// "a model's folder".
std::string FindModelPlace(const std::string& place, const std::string& what);

// What to do about a model that is not on this machine, for the end of a message: if `name` looks
// like a name on the hub ("bigscience/bloom-560m" or its address), that lacos downloads nothing, and
// the command that does; else "".
std::string DownloadAdvice(const std::string& name);

}  // namespace lacos
