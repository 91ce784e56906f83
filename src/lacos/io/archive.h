// Files as people download them: plain, compressed, or inside .tar and .zip archives; nothing is
// unpacked to the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace lacos {

struct UnpackOptions {
  // Whether a file's bytes are wanted, by its name (a member's: "a.zip/folder/file.txt"; .gz, .zst,
  // .bz2 and .xz at its end are left out). What is not wanted is not read.
  std::function<bool(const std::string& name)> wants;
  std::function<void(const std::string& name, std::string bytes)> visit;
  int64_t max_file_bytes = int64_t{256} << 20;
  int max_depth = 2;  // archives in archives
};

struct UnpackCounts {
  int64_t files = 0;    // seen, wanted or not
  int64_t skipped = 0;  // links, devices and other members that are no regular files
};

// Visits the file at `path` under the name `name`, decompressed, or the members of the archive that
// it is. Archives are told by their names: .zip, .tar, .tar.gz, .tgz, .tar.zst, .tar.bz2, .tbz2,
// .tar.xz, .txz. UserError for a damaged or truncated file, for an archive whose members' names
// lead out of it, for one that grows over 250 times its size beyond 64 MiB, for a wanted file of
// over max_file_bytes.
void VisitFile(const std::string& path, const std::string& name, const UnpackOptions& options,
               UnpackCounts& counts);

bool IsArchiveName(std::string_view name);

}  // namespace lacos
