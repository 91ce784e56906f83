// Git LFS pointers: the short texts that a clone made without git-lfs leaves in the place of large
// files.
#pragma once

#include <string>

namespace lacos {

// Whether the open file is a pointer. Pipes are not.
bool IsLfsPointer(int fd);

// Throws UserError that names git-lfs if the open file is a pointer. Every function that opens a
// file for reading calls it, so that no reader takes a pointer for the file itself.
void RefuseLfsPointer(int fd, const std::string& path);

}  // namespace lacos
