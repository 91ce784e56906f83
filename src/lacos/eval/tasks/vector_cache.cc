// Vectors of texts that are kept on disk, so that a text which a model has embedded once need not
// be embedded again by any run.
#include "lacos/eval/tasks/vector_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cstring>
#include <filesystem>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/base/hash.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// The file begins with kMagic and the identity as JSON with its SHA-256. Records of equal size
// follow: the text's SHA-256 (32 bytes), the vector, and the first 8 bytes of the SHA-256 of both.
constexpr const char* kMagic = "lacos vectors 1\n";
constexpr int64_t kKeyBytes = 32, kCheckBytes = 8;

std::string Digest(std::span<const std::byte> bytes) {
  const std::string hex = Sha256Hex(bytes);
  std::string digest;
  for (size_t i = 0; i < hex.size(); i += 2) {
    digest += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return digest;
}
std::string Digest(const std::string& text) { return Digest(std::as_bytes(std::span(text))); }

}  // namespace

VectorCache::VectorCache(const std::string& folder, const Json& identity, int64_t d,
                         const std::function<void(const std::string&)>& tell)
    : d_(d),
      record_bytes_(kKeyBytes + d * static_cast<int64_t>(sizeof(float)) + kCheckBytes),
      tell_(tell) {
  LACOS_CHECK(d > 0, "a vector has values");
  const std::string text = identity.Dump(-1, /*sorted=*/true);
  header_ = fmt::format("{}{}\n{}\n{}\n", kMagic, d, text, Sha256Hex(text));
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder)) {
    throw UserError(fmt::format(
        "[`cache` {}] could not be made: {}; expected a folder, or a place for one; choose "
        "another",
        folder, error ? error.message() : "it is a file"));
  }
  path_ = (fs::path(folder) / (Sha256Hex(header_).substr(0, 32) + ".lacos-vectors")).string();
  file_ = FileDescriptor(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file_.get() < 0) ThrowSystemError(path_, "open the cache of vectors");
  if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    adding_ = false;
    tell_(fmt::format("cache {}: another run is adding to it; this one only reads", path_));
  }
  Scan(RegularFileSize(file_.get(), path_));
}

void VectorCache::Scan(int64_t size) {
  end_ = static_cast<int64_t>(header_.size());
  std::string found(header_.size(), '\0');
  if (size >= end_) PreadFully(file_.get(), 0, std::as_writable_bytes(std::span(found)), path_);
  if (found != header_) {
    if (size > 0) tell_(fmt::format("cache {}: damaged at its beginning; it is begun anew", path_));
    if (!adding_) return;
    if (ftruncate(file_.get(), 0) != 0) ThrowSystemError(path_, "empty");
    PwriteFully(file_.get(), 0, std::as_bytes(std::span(header_)), path_);
    return;
  }
  std::string key(static_cast<size_t>(kKeyBytes), '\0');
  for (; end_ + record_bytes_ <= size; end_ += record_bytes_) {
    PreadFully(file_.get(), end_, std::as_writable_bytes(std::span(key)), path_);
    places_.insert_or_assign(key, end_);
  }
}

bool VectorCache::Read(const std::string& text, std::span<float> vector) const {
  LACOS_CHECK(static_cast<int64_t>(vector.size()) == d_, "a vector of the cache's size");
  const auto place = places_.find(Digest(text));
  if (place == places_.end()) return false;
  std::vector<std::byte> record(static_cast<size_t>(record_bytes_));
  PreadFully(file_.get(), place->second, record, path_);
  const auto checked = std::span(record).first(record.size() - kCheckBytes);
  const std::string check = Digest(checked);
  if (std::memcmp(check.data(), record.data() + checked.size(), kCheckBytes) != 0) return false;
  std::memcpy(vector.data(), record.data() + kKeyBytes, vector.size_bytes());
  return true;
}

void VectorCache::Add(const std::string& text, std::span<const float> vector) {
  LACOS_CHECK(static_cast<int64_t>(vector.size()) == d_, "a vector of the cache's size");
  if (!adding_) return;
  const std::string key = Digest(text);
  std::vector<std::byte> record(static_cast<size_t>(record_bytes_));
  std::memcpy(record.data(), key.data(), kKeyBytes);
  std::memcpy(record.data() + kKeyBytes, vector.data(), vector.size_bytes());
  const auto checked = std::span(record).first(record.size() - kCheckBytes);
  std::memcpy(record.data() + checked.size(), Digest(checked).data(), kCheckBytes);
  try {
    PwriteFully(file_.get(), end_, record, path_);
  } catch (const UserError& problem) {
    adding_ = false;
    tell_(fmt::format("cache: {}; nothing more is added", problem.what()));
    return;
  }
  places_.insert_or_assign(key, end_);
  end_ += record_bytes_;
}

}  // namespace lacos
