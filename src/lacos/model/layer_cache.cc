#include "lacos/model/layer_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/io/folder.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// The file begins with kMagic, the size of the identity (8 bytes), the identity as JSON, and the
// SHA-256 of all these. Entries follow at multiples of kAlignment. Integers are little-endian;
// hashes are 64 hexadecimal digits.
constexpr std::string_view kMagic = "lacos layers 1\n";
constexpr std::string_view kExtension = ".lacos-layers";
constexpr int64_t kAlignment = 64;
constexpr size_t kHashDigits = 64;

// The head of an entry. The ids and the states follow it.
struct Head {
  char mark[8];
  uint64_t tokens;
  char states_hash[kHashDigits];
  char head_hash[kHashDigits];  // hash of mark, tokens, states_hash and the ids
};
constexpr char kMark[8] = {'l', 'a', 'c', 'o', 's', 'r', 'o', 'w'};
static_assert(sizeof(Head) == 144);

std::string HashOfHead(const Head& head, std::span<const int32_t> ids) {
  Sha256 hash;
  hash.Update(std::as_bytes(std::span(&head, 1)).first(offsetof(Head, head_hash)));
  hash.Update(std::as_bytes(ids));
  return hash.HexDigest();
}

uint64_t KeyOf(std::span<const int32_t> ids) {
  const std::string hex = Sha256Hex(std::as_bytes(ids));
  uint64_t key = 0;
  std::from_chars(hex.data(), hex.data() + 16, key, 16);
  return key;
}

std::string MakeHeader(const Json& identity) {
  const std::string text = identity.Dump(-1, /*sorted=*/true);
  const uint64_t size = text.size();
  std::string header(kMagic);
  header.append(reinterpret_cast<const char*>(&size), sizeof(size));
  header += text;
  header += Sha256Hex(header);
  header.resize(static_cast<size_t>(RoundUp(static_cast<int64_t>(header.size()), kAlignment)),
                '\0');
  return header;
}

int64_t BytesOfOtherCaches(const fs::path& own) {
  int64_t bytes = 0;
  std::error_code error;
  for (const FolderEntry& entry : ListFolder(own.parent_path().string())) {
    if (fs::path(entry.name).extension() != kExtension || entry.name == own.filename()) continue;
    const auto size = fs::file_size(own.parent_path() / entry.name, error);
    if (!error) bytes += static_cast<int64_t>(size);  // otherwise the file was deleted just now
  }
  return bytes;
}

}  // namespace

LayerCache::LayerCache(const LayerCacheOptions& options, const Json& identity, int64_t row_bytes)
    : options_(options), header_(MakeHeader(identity)), row_bytes_(row_bytes) {
  LACOS_CHECK(row_bytes > 0, "a state has bytes");
  std::error_code error;
  fs::create_directories(options_.folder, error);
  if (!fs::is_directory(options_.folder)) {
    throw UserError(fmt::format(
        "[`cache_layers` {}] could not be made: {}; expected a folder, or a place for one; "
        "choose another",
        options_.folder, error ? error.message() : "it is a file"));
  }
  const fs::path path =
      fs::path(options_.folder) / (Sha256Hex(header_).substr(0, 32) + std::string(kExtension));
  path_ = path.string();
  other_bytes_ = BytesOfOtherCaches(path);
  Open();
}

void LayerCache::Open() {
  file_ = FileDescriptor(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file_.get() < 0 && (errno == EACCES || errno == EPERM || errno == EROFS)) {
    file_ = FileDescriptor(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (file_.get() < 0 && errno == ENOENT) {
      adding_ = false;
      return Tell(
          fmt::format("layer cache {}: the folder has nothing for this base and may not be written",
                      options_.folder));
    }
    adding_ = false;
  }
  if (file_.get() < 0) ThrowSystemError(path_, "open the layer cache");
  if (!adding_) {
    Tell(fmt::format("layer cache {}: no permission to write; nothing is added", path_));
  } else if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    adding_ = false;
    Tell(fmt::format("layer cache {}: another run is adding to it; this one only reads", path_));
  }
  const int64_t size = RegularFileSize(file_.get(), path_);
  if (HeaderIsRight(size)) return ScanEntries(size);
  if (size > 0) {
    Tell(fmt::format(
        "layer cache {}: not a cache of this base, or damaged at its beginning; nothing of it "
        "is used",
        path_));
  }
  if (adding_) WriteHeader();
}

bool LayerCache::HeaderIsRight(int64_t size) const {
  if (size < static_cast<int64_t>(header_.size())) return false;
  std::string found(header_.size(), '\0');
  try {
    PreadFully(file_.get(), 0, std::as_writable_bytes(std::span(found)), path_);
  } catch (const UserError&) {
    return false;
  }
  return found == header_;
}

void LayerCache::WriteHeader() {
  try {
    if (ftruncate(file_.get(), 0) != 0) ThrowSystemError(path_, "empty");
    PwriteFully(file_.get(), 0, std::as_bytes(std::span(header_)), path_);
    end_ = static_cast<int64_t>(header_.size());
  } catch (const UserError& problem) {
    StopAdding(problem.what());
  }
}

int64_t LayerCache::EntryBytes(int64_t tokens) const {
  return RoundUp(static_cast<int64_t>(sizeof(Head)) + tokens * LayerCacheTokenBytes(row_bytes_),
                 kAlignment);
}

int64_t LayerCache::ReadHead(int64_t at, int64_t size, std::string& states_hash,
                             std::vector<int32_t>& ids) const {
  Head head;
  const int64_t rest = size - at - static_cast<int64_t>(sizeof(Head));
  if (rest < 0) return -1;
  PreadFully(file_.get(), at, std::as_writable_bytes(std::span(&head, 1)), path_);
  if (std::memcmp(head.mark, kMark, sizeof(kMark)) != 0 || head.tokens == 0 ||
      head.tokens > static_cast<uint64_t>(rest / LayerCacheTokenBytes(row_bytes_))) {
    return -1;
  }
  ids.resize(head.tokens);
  PreadFully(file_.get(), at + static_cast<int64_t>(sizeof(Head)),
             std::as_writable_bytes(std::span(ids)), path_);
  if (HashOfHead(head, ids) != std::string_view(head.head_hash, kHashDigits)) return -1;
  states_hash.assign(head.states_hash, kHashDigits);
  return static_cast<int64_t>(head.tokens);
}

// The position of the next complete head at or after `from`, or `size` if there is none.
int64_t LayerCache::NextEntry(int64_t from, int64_t size) const {
  std::vector<std::byte> chunk(size_t{1} << 20);
  std::string hash;
  std::vector<int32_t> ids;
  for (int64_t at = from; at < size;) {
    const std::span<std::byte> part = std::span(chunk).first(
        static_cast<size_t>(std::min(size - at, static_cast<int64_t>(chunk.size()))));
    PreadFully(file_.get(), at, part, path_);
    for (size_t i = 0; i + sizeof(kMark) <= part.size(); i += kAlignment) {
      const int64_t place = at + static_cast<int64_t>(i);
      if (std::memcmp(part.data() + i, kMark, sizeof(kMark)) == 0 &&
          ReadHead(place, size, hash, ids) > 0)
        return place;
    }
    at += static_cast<int64_t>(part.size());
  }
  return size;
}

void LayerCache::ScanEntries(int64_t size) {
  std::string hash;
  std::vector<int32_t> ids;
  end_ = static_cast<int64_t>(header_.size());
  try {
    while (end_ < size) {
      const int64_t tokens = ReadHead(end_, size, hash, ids);
      if (tokens > 0) {
        entries_[KeyOf(ids)] = end_;  // a later entry replaces one that was found to be damaged
        end_ += EntryBytes(tokens);
        continue;
      }
      const int64_t next = NextEntry(end_ + kAlignment, size);
      Tell(fmt::format(
          "layer cache {}: {} bytes at {} are damaged or unfinished; left out, and computed again",
          path_, next - end_, end_));
      if (next == size) break;
      end_ = next;
    }
    if (!adding_) return;
    if (end_ < size && ftruncate(file_.get(), end_) != 0)
      ThrowSystemError(path_, "cut off what is damaged");
  } catch (const UserError& problem) {
    StopAdding(problem.what());
  }
}

bool LayerCache::Has(std::span<const int32_t> ids) const { return entries_.contains(KeyOf(ids)); }

bool LayerCache::Read(std::span<const int32_t> ids, std::span<std::byte> rows) {
  const auto tokens = static_cast<int64_t>(ids.size());
  LACOS_CHECK(static_cast<int64_t>(rows.size()) == tokens * row_bytes_, "a row for each token");
  const auto found = entries_.find(KeyOf(ids));
  if (found == entries_.end()) return false;
  std::string problem = "its hash is wrong";
  try {
    std::string hash;
    std::vector<int32_t> stored;
    const int64_t size = RegularFileSize(file_.get(), path_);
    if (ReadHead(found->second, size, hash, stored) == tokens && std::ranges::equal(stored, ids)) {
      const int64_t at = found->second + static_cast<int64_t>(sizeof(Head)) + 4 * tokens;
      PreadFully(file_.get(), at, rows, path_);
      if (Sha256Hex(rows) == hash) {
        read_tokens_ += tokens;
        return true;
      }
    }
  } catch (const UserError& error) {
    problem = error.what();
  }
  Tell(fmt::format("layer cache {}: the entry at byte {} is damaged ({}); computed again", path_,
                   found->second, problem));
  entries_.erase(found);
  return false;
}

void LayerCache::Add(std::span<const int32_t> ids, std::span<const std::byte> rows) {
  const auto tokens = static_cast<int64_t>(ids.size());
  LACOS_CHECK(static_cast<int64_t>(rows.size()) == tokens * row_bytes_, "a row for each token");
  if (!adding_ || tokens == 0) return;
  const uint64_t key = KeyOf(ids);
  if (entries_.contains(key)) return;
  const int64_t size = EntryBytes(tokens);
  if (other_bytes_ + end_ + size > options_.limit_bytes) {
    return StopAdding(fmt::format("{} holds {} bytes, and `cache_layers_limit` is {}",
                                  options_.folder, other_bytes_ + end_, options_.limit_bytes));
  }
  Head head{};
  std::memcpy(head.mark, kMark, sizeof(kMark));
  head.tokens = ids.size();
  std::memcpy(head.states_hash, Sha256Hex(rows).data(), kHashDigits);
  std::memcpy(head.head_hash, HashOfHead(head, ids).data(), kHashDigits);
  std::vector<std::byte> front(sizeof(Head) + ids.size_bytes());
  std::memcpy(front.data(), &head, sizeof(Head));
  std::memcpy(front.data() + sizeof(Head), ids.data(), ids.size_bytes());
  try {
    // The states are written before the head, so an entry with a head is complete.
    PwriteFully(file_.get(), end_ + static_cast<int64_t>(front.size()), rows, path_);
    PwriteFully(file_.get(), end_, front, path_);
  } catch (const UserError& problem) {
    // if even this fails, nothing in this file is trusted any more
    if (ftruncate(file_.get(), end_) != 0) entries_.clear();
    return StopAdding(problem.what());
  }
  entries_[key] = end_;
  end_ += size;
  added_tokens_ += tokens;
}

void LayerCache::StopAdding(const std::string& why) {
  adding_ = false;
  Tell(fmt::format("layer cache: {}; nothing more is added, the run goes on", why));
}

}  // namespace lacos
