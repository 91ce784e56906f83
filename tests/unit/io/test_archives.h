// Small archives for tests, made with libarchive: arbitrary names, links and hostile sizes.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace lacos {

struct ArchiveMember {
  std::string name, bytes;
  std::string link_to;  // if not empty, the member is a symbolic link
};

// Writes an archive of the type in its name: "x.zip", "x.tar", "x.tar.gz", "x.tar.xz", ...
inline void WriteArchive(const std::string& path, const std::vector<ArchiveMember>& members) {
  archive* a = archive_write_new();
  if (archive_write_set_format_filter_by_ext(a, path.c_str()) != ARCHIVE_OK ||
      archive_write_open_filename(a, path.c_str()) != ARCHIVE_OK) {
    throw std::runtime_error(archive_error_string(a));
  }
  for (const ArchiveMember& member : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, member.name.c_str());
    archive_entry_set_perm(entry, 0644);
    if (member.link_to.empty()) {
      archive_entry_set_filetype(entry, AE_IFREG);
      archive_entry_set_size(entry, static_cast<int64_t>(member.bytes.size()));
    } else {
      archive_entry_set_filetype(entry, AE_IFLNK);
      archive_entry_set_symlink(entry, member.link_to.c_str());
    }
    if (archive_write_header(a, entry) != ARCHIVE_OK)
      throw std::runtime_error(archive_error_string(a));
    if (!member.bytes.empty()) archive_write_data(a, member.bytes.data(), member.bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(a);
  archive_write_free(a);
}

}  // namespace lacos
