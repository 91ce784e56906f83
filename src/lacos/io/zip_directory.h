// The members of an uncompressed zip archive, by place in the file: what PyTorch's .bin files are
// made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

struct ZipMember {
  std::string_view name;  // in the mapped file
  int64_t offset = 0;     // of its first byte, from the start of the file
  int64_t bytes = 0;
};

// True when `file` starts as a zip archive with members does.
bool StartsAsZip(std::span<const std::byte> file);

// The members of a whole zip file, ZIP64 included, in the order of their places. The central
// directory is checked against every member's own header: names equal, methods equal, nothing
// outside the file, no overlap. Throws UserError naming `path` for compressed or encrypted members,
// duplicate names and anything damaged. `file` must outlive the names. Layout: PKWARE's APPNOTE
// 6.3.
std::vector<ZipMember> ReadZipDirectory(std::span<const std::byte> file, const std::string& path);

// Whether the archive's closing record is there: without it the file is truncated (or no zip at
// all).
bool HasZipEnd(std::span<const std::byte> file);

// The first member's data up to the end of the file, for archives whose directory is cut off; empty
// when not even its header is complete.
std::span<const std::byte> FirstZipMemberToEnd(std::span<const std::byte> file);

}  // namespace lacos
