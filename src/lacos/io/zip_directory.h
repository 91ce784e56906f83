// The members of an uncompressed zip archive and their positions in the file. PyTorch's .bin files
// are such archives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

struct ZipMember {
  std::string_view name;  // points into the mapped file
  int64_t offset = 0;     // distance of the first byte from the start of the file
  int64_t bytes = 0;
};

// The bytes as text.
inline std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Whether `file` starts like a zip archive that has members.
bool StartsAsZip(std::span<const std::byte> file);

// The members of a whole zip file, ZIP64 included, in the order of their positions. The central
// directory is checked against every member's own header: names and methods must be equal, nothing
// may lie outside the file, and members may not overlap. Throws UserError naming `path` for
// compressed or encrypted members, duplicate names and anything damaged. `file` must outlive the
// names. Source of the layout: PKWARE's APPNOTE 6.3.
std::vector<ZipMember> ReadZipDirectory(std::span<const std::byte> file, const std::string& path);

// Whether the archive has its end record. Without it the file is truncated, or is no zip file.
bool HasZipEnd(std::span<const std::byte> file);

// The bytes from the first member's data to the end of the file, for archives whose directory is
// cut off. Empty if not even the member's header is complete.
std::span<const std::byte> FirstZipMemberToEnd(std::span<const std::byte> file);

}  // namespace lacos
