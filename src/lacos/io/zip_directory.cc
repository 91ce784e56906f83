#include "lacos/io/zip_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "lacos/base/error.h"
#include "lacos/io/utf8.h"

namespace lacos {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50, kCentralSignature = 0x02014b50,
                   kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50, kLocator64Signature = 0x07064b50;
constexpr size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56,
                 kLocator64Bytes = 20;
constexpr uint16_t kExtra64 = 0x0001;
constexpr uint64_t kIn64 = 0xFFFFFFFF;  // in a 32-bit field: the value is in the ZIP64 extra field
constexpr uint16_t kEncrypted = 1 << 0, kSizesFollow = 1 << 3;

template <class T>
T Load(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// The position of the end record: the last one whose comment reaches to the end of the file.
std::optional<size_t> FindEnd(std::span<const std::byte> file) {
  if (file.size() < kEndBytes) return std::nullopt;
  const size_t lowest = file.size() - std::min(file.size(), kEndBytes + 0xFFFF);
  for (size_t at = file.size() - kEndBytes + 1; at-- > lowest;) {
    if (Load<uint32_t>(file, at) == kEndSignature &&
        at + kEndBytes + Load<uint16_t>(file, at + 20) == file.size()) {
      return at;
    }
  }
  return std::nullopt;
}

class DirectoryReader {
 public:
  DirectoryReader(std::span<const std::byte> file, const std::string& path)
      : file_(file), path_(path) {}

  std::vector<ZipMember> Read() {
    FindDirectory();
    // An entry has at least kCentralBytes bytes, so the count is bounded before anything is
    // allocated.
    if (count_ > size_ / kCentralBytes) {
      Fail(fmt::format("names {} members in a directory of {} bytes", count_, size_));
    }
    std::vector<Entry> entries;
    size_t at = directory_;
    for (uint64_t i = 0; i < count_; ++i) entries.push_back(ReadEntry(at));
    if (at != directory_ + size_) Fail("has a directory that is longer than its members");
    return Check(std::move(entries));
  }

 private:
  struct Entry {
    ZipMember member;
    size_t header = 0;  // position of the member's own header
  };

  [[noreturn]] void Fail(const std::string& what) const {
    throw UserError(fmt::format(
        "[{}] {}; expected an undamaged zip archive as torch.save writes it; get the file again",
        path_, what));
  }

  void FindDirectory() {
    const auto end = FindEnd(file_);
    if (!end) Fail("has no zip directory at its end");
    size_t limit = *end;  // the directory ends before this
    uint64_t disk = Load<uint16_t>(file_, *end + 4), first_disk = Load<uint16_t>(file_, *end + 6);
    count_ = Load<uint16_t>(file_, *end + 10);
    size_ = Load<uint32_t>(file_, *end + 12);
    uint64_t begin = Load<uint32_t>(file_, *end + 16);
    if (*end >= kLocator64Bytes &&
        Load<uint32_t>(file_, *end - kLocator64Bytes) == kLocator64Signature) {
      const auto at = Load<uint64_t>(file_, *end - kLocator64Bytes + 8);
      if (*end - kLocator64Bytes < kEnd64Bytes || at > *end - kLocator64Bytes - kEnd64Bytes ||
          Load<uint32_t>(file_, at) != kEnd64Signature) {
        Fail("has a ZIP64 locator that leads nowhere");
      }
      limit = at;
      disk = Load<uint32_t>(file_, at + 16);
      first_disk = Load<uint32_t>(file_, at + 20);
      count_ = Load<uint64_t>(file_, at + 32);
      size_ = Load<uint64_t>(file_, at + 40);
      begin = Load<uint64_t>(file_, at + 48);
    }
    if (disk != 0 || first_disk != 0) Fail("is one part of a zip archive on several disks");
    if (begin > limit || size_ != limit - begin)
      Fail("has a zip directory that does not end where it should");
    directory_ = begin;
  }

  Entry ReadEntry(size_t& at) const {
    const size_t end = directory_ + size_;
    if (end - at < kCentralBytes || Load<uint32_t>(file_, at) != kCentralSignature) {
      Fail("has a damaged zip directory");
    }
    const auto flags = Load<uint16_t>(file_, at + 8), method = Load<uint16_t>(file_, at + 10);
    uint64_t stored = Load<uint32_t>(file_, at + 20), bytes = Load<uint32_t>(file_, at + 24);
    const size_t name_size = Load<uint16_t>(file_, at + 28),
                 extra_size = Load<uint16_t>(file_, at + 30);
    const size_t comment_size = Load<uint16_t>(file_, at + 32);
    uint64_t header = Load<uint32_t>(file_, at + 42);
    if (end - at - kCentralBytes < name_size + extra_size + comment_size)
      Fail("has a damaged zip directory");
    Entry entry;
    entry.member.name = TextOf(file_.subspan(at + kCentralBytes, name_size));
    if (!IsValidUtf8(entry.member.name) || entry.member.name.find_first_of(std::string_view(
                                               "\0\n\r\x1b", 4)) != std::string_view::npos) {
      Fail("has a member whose name is no text");
    }
    Read64(file_.subspan(at + kCentralBytes + name_size, extra_size), {&bytes, &stored, &header});
    const std::string named = fmt::format("member '{}'", entry.member.name);
    if ((flags & kEncrypted) != 0) Refuse(named + " is encrypted");
    if (method != 0) Refuse(fmt::format("{} is compressed (method {})", named, method));
    if (bytes != stored) Fail(fmt::format("{} has two sizes, {} and {}", named, stored, bytes));
    if (header > directory_ || directory_ - header < kLocalBytes)
      Fail(named + " lies outside the file");
    entry.header = header;
    entry.member.offset = LocalData(entry, flags, bytes);
    if (bytes > directory_ - static_cast<uint64_t>(entry.member.offset))
      Fail(named + " ends outside the file");
    entry.member.bytes = static_cast<int64_t>(bytes);
    at += kCentralBytes + name_size + extra_size + comment_size;
    return entry;
  }

  [[noreturn]] void Refuse(const std::string& what) const {
    throw UserError(
        fmt::format("[{}] {}; expected stored members, as torch.save writes them; save the model "
                    "again with torch.save or as safetensors",
                    path_, what));
  }

  // The position of the member's bytes according to its own header, which must agree with the
  // directory.
  int64_t LocalData(const Entry& entry, uint16_t flags, uint64_t bytes) const {
    const size_t at = entry.header;
    const std::string_view name = entry.member.name;
    const size_t name_size = Load<uint16_t>(file_, at + 26),
                 extra_size = Load<uint16_t>(file_, at + 28);
    if (Load<uint32_t>(file_, at) != kLocalSignature ||
        directory_ - at - kLocalBytes < name_size + extra_size ||
        TextOf(file_.subspan(at + kLocalBytes, name_size)) != name) {
      Fail(fmt::format("member '{}' has another header than the directory says", name));
    }
    const auto local_flags = Load<uint16_t>(file_, at + 6), method = Load<uint16_t>(file_, at + 8);
    if (method != 0 || (local_flags & kEncrypted) != 0) {
      Fail(fmt::format("member '{}' is stored by the directory and not by its own header", name));
    }
    if (((local_flags | flags) & kSizesFollow) == 0) {
      uint64_t stored = Load<uint32_t>(file_, at + 18), plain = Load<uint32_t>(file_, at + 22);
      Read64(file_.subspan(at + kLocalBytes + name_size, extra_size), {&plain, &stored});
      if (plain != bytes || stored != bytes) {
        Fail(fmt::format("member '{}' has {} bytes in its own header and {} in the directory", name,
                         plain, bytes));
      }
    }
    return static_cast<int64_t>(at + kLocalBytes + name_size + extra_size);
  }

  // Replaces fields with the value kIn64 by the 64-bit values in the extra field, which holds only
  // these, in order.
  void Read64(std::span<const std::byte> extra, std::initializer_list<uint64_t*> fields) const {
    if (std::none_of(fields.begin(), fields.end(),
                     [](const uint64_t* field) { return *field == kIn64; }))
      return;
    for (size_t at = 0; extra.size() - at >= 4;) {
      const auto id = Load<uint16_t>(extra, at);
      size_t left = Load<uint16_t>(extra, at + 2);
      at += 4;
      if (left > extra.size() - at) break;
      if (id != kExtra64) {
        at += left;
        continue;
      }
      for (uint64_t* field : fields) {
        if (*field != kIn64) continue;
        if (left < 8) Fail("has a ZIP64 field that is too short");
        *field = Load<uint64_t>(extra, at);
        at += 8;
        left -= 8;
      }
      return;
    }
    // A field of exactly 2^32 - 1 without an extra field means that number; the checks on positions
    // decide whether it is possible.
  }

  std::vector<ZipMember> Check(std::vector<Entry> entries) const {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.header < b.header; });
    std::set<std::string_view> names;
    std::vector<ZipMember> members;
    int64_t end = 0;
    for (const Entry& entry : entries) {
      if (!names.insert(entry.member.name).second) {
        Fail(fmt::format("has two members named '{}'", entry.member.name));
      }
      if (static_cast<int64_t>(entry.header) < end) {
        Fail(fmt::format("member '{}' overlaps the one before it", entry.member.name));
      }
      end = entry.member.offset + entry.member.bytes;
      members.push_back(entry.member);
    }
    return members;
  }

  std::span<const std::byte> file_;
  const std::string& path_;
  size_t directory_ = 0;
  uint64_t count_ = 0, size_ = 0;
};

}  // namespace

bool StartsAsZip(std::span<const std::byte> file) {
  return file.size() >= 4 && Load<uint32_t>(file, 0) == kLocalSignature;
}

bool HasZipEnd(std::span<const std::byte> file) { return FindEnd(file).has_value(); }

std::vector<ZipMember> ReadZipDirectory(std::span<const std::byte> file, const std::string& path) {
  return DirectoryReader(file, path).Read();
}

std::span<const std::byte> FirstZipMemberToEnd(std::span<const std::byte> file) {
  if (!StartsAsZip(file) || file.size() < kLocalBytes) return {};
  const size_t begin = kLocalBytes + Load<uint16_t>(file, 26) + Load<uint16_t>(file, 28);
  return begin < file.size() ? file.subspan(begin) : std::span<const std::byte>();
}

}  // namespace lacos
