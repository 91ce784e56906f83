// Archives and compressed files as `data prepare` visits them: every member, also those of archives
// inside archives.
#include "lacos/io/archive.h"

#include <algorithm>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/io/paths.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

struct Visited {
  std::string name, bytes;
  bool operator==(const Visited&) const = default;
};

// The members in order, and whether the rest of the file was refused with a UserError.
std::pair<std::vector<Visited>, bool> Visit(const std::string& path, const std::string& name,
                                            int64_t max_bytes, bool all) {
  std::vector<Visited> visited;
  UnpackCounts counts;
  int64_t asked = 0;
  const UnpackOptions options{
      .wants =
          [&](const std::string& member) {
            Require(
                member == name || member.starts_with(name + "/") || name.starts_with(member + "."),
                "a member's name begins with its archive's");
            Require(member.size() <= name.size() || StaysInside(member.substr(name.size() + 1)),
                    "a member's name stays in its archive");
            ++asked;
            return all || member.size() % 2 == 0;
          },
      .visit =
          [&](const std::string& member, std::string bytes) {
            Require(static_cast<int64_t>(bytes.size()) <= max_bytes, "a file has a bounded size");
            visited.push_back({member, std::move(bytes)});
          },
      .max_file_bytes = max_bytes};
  bool refused = false;
  try {
    VisitFile(path, name, options, counts);
  } catch (const UserError&) {
    refused = true;
  }
  Require(static_cast<int64_t>(visited.size()) <= asked, "only what is wanted is visited");
  return {std::move(visited), refused};
}

}  // namespace

// Byte 0 has the options: the file's name (bits 0-3), a small size limit for files (bit 4), a name
// in capitals (bit 5).
void Archive(Input input) {
  if (input.empty()) return;
  static constexpr const char* kNames[] = {
      "a.zip",  "a.tar", "a.tar.gz", "a.tgz",     "a.tar.zst", "a.tar.bz2", "a.txz", "a.tar.xz",
      "a.tbz2", "a.txt", "a.txt.gz", "a.txt.zst", "a.bz2",     "a.txt.xz",  "a.zip", "a.tar.gz"};
  const auto choice = static_cast<unsigned>(input[0]);
  std::string name = kNames[choice & 15];
  if (choice & 32)
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const int64_t max_bytes = (choice & 16) ? 100 : 1 << 20;
  const std::string path = WriteScratch("archive", Text(input.subspan(1)));
  const auto all = Visit(path, name, max_bytes, true), some = Visit(path, name, max_bytes, false);
  // Skipping some members must not change the others, up to the place where the file is refused.
  size_t i = 0;
  for (const Visited& visited : some.first) {
    while (i < all.first.size() && !(all.first[i] == visited)) ++i;
    Require(i < all.first.size() || all.second,
            "a member is the same whether others are read or not");
  }
}

}  // namespace lacos::fuzz
