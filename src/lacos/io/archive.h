// Files as people download them: plain, compressed, or inside .tar and .zip archives. Nothing is
// unpacked to the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace lacos {

struct UnpackOptions {
  // Whether the bytes of a file are wanted, given its name. The name of a member is like
  // "a.zip/folder/file.txt"; .gz, .zst, .bz2 and .xz at its end are left out. Files that are not
  // wanted are not read.
  std::function<bool(const std::string& name)> wants;
  std::function<void(const std::string& name, std::string bytes)> visit;
  int64_t max_file_bytes = int64_t{256} << 20;
  int max_depth = 2;  // how deep archives may lie in archives
};

struct UnpackCounts {
  int64_t files = 0;    // files that were seen, wanted or not
  int64_t skipped = 0;  // links, devices and other members that are not regular files
};

// Visits the decompressed contents of the file at `path` under the name `name`, or the members of
// the archive if it is one. Archives are recognized by their names: .zip, .tar, .tar.gz, .tgz,
// .tar.zst, .tar.bz2, .tbz2, .tar.xz, .txz. Throws UserError for a damaged or truncated file, for
// an archive with member names that lead out of it, for one that unpacks to more than 64 MiB and
// more than 250 times its size, and for a wanted file of more than max_file_bytes.
void VisitFile(const std::string& path, const std::string& name, const UnpackOptions& options,
               UnpackCounts& counts);

bool IsArchiveName(std::string_view name);

}  // namespace lacos
