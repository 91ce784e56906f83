#include "lacos/search/embedding_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <iterator>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/io/folder.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/paths.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

[[noreturn]] void FailSpool(const std::string& path, int error) {
  throw UserError(fmt::format(
      "[{}] the temporary float32 copy beside it failed: {}; expected a writable folder with room "
      "for the vectors in float32; free some space or choose another `output`",
      path, std::strerror(error)));
}

}  // namespace

Spool::Spool(const std::string& path) : path_(path) {
  // The file never has a name, if the file system supports that.
  fd_ = open(ParentOf(path).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ >= 0) return;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) FailSpool(path_, errno);
  std::string name = path + ".XXXXXX";
  fd_ = mkostemp(name.data(), O_CLOEXEC);
  if (fd_ < 0) FailSpool(path_, errno);
  unlink(name.c_str());
}

Spool::~Spool() { close(fd_); }

void Spool::Append(std::span<const float> values) {
  std::span<const std::byte> rest = std::as_bytes(values);
  while (!rest.empty()) {
    const ssize_t written = write(fd_, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) FailSpool(path_, errno);
    if (written > 0) rest = rest.subspan(static_cast<size_t>(written));
  }
  values_ += static_cast<int64_t>(values.size());
}

void Spool::Read(int64_t begin, std::span<float> out) const {
  std::span<std::byte> rest = std::as_writable_bytes(out);
  auto offset = static_cast<off_t>(begin) * static_cast<off_t>(sizeof(float));
  while (!rest.empty()) {
    const ssize_t got = pread(fd_, rest.data(), rest.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) FailSpool(path_, got < 0 ? errno : EIO);
    rest = rest.subspan(static_cast<size_t>(got));
    offset += got;
  }
}

EmbeddingFile::EmbeddingFile(const std::string& path, Precision precision, int64_t d,
                             std::function<void()> check_cancel,
                             std::optional<EmbeddingRanges> ranges)
    : path_(path),
      precision_(precision),
      d_(d),
      check_cancel_(std::move(check_cancel)),
      ranges_(ranges ? std::move(*ranges) : EmbeddingRanges(d)) {
  if (path.ends_with(".jsonl")) {
    jsonl_ = std::make_unique<AtomicFile>(path);
    write_line_ = [file = jsonl_.get()](std::string_view line) { file->WriteText(line); };
  } else {
    npy_ = std::make_unique<NpyWriter>(path, StoredType(precision), StoredColumns(precision, d));
  }
  if (NeedsRanges(precision) && !ranges) spool_.emplace(path);
}

EmbeddingFile::EmbeddingFile(std::function<void(std::string_view)> write, Precision precision,
                             int64_t d, std::optional<EmbeddingRanges> ranges)
    : precision_(precision),
      d_(d),
      ranges_(ranges ? std::move(*ranges) : EmbeddingRanges(d)),
      write_line_(std::move(write)) {
  LACOS_CHECK(!NeedsRanges(precision) || ranges.has_value(),
              "lines are written before the range of all rows is known");
}

void EmbeddingFile::Append(std::span<const float> rows) {
  if (!spool_) {
    if (NeedsRanges(precision_)) clipped_ += ranges_.CountOutside(rows);
    return Write(rows);
  }
  ranges_.Add(rows);
  spool_->Append(rows);
}

void EmbeddingFile::Commit() {
  if (spool_) {
    const int64_t block = std::max<int64_t>((int64_t{1} << 22) / d_, 1) * d_;  // 16 MB
    std::vector<float> rows;
    for (int64_t begin = 0; begin < spool_->size(); begin += block) {
      if (check_cancel_) check_cancel_();
      rows.resize(static_cast<size_t>(std::min(block, spool_->size() - begin)));
      spool_->Read(begin, rows);
      Write(rows);
    }
  }
  const auto commit = [&] {
    if (npy_) npy_->Commit();
    if (jsonl_) jsonl_->Commit();
  };
  const bool has_ranges = NeedsRanges(precision_) && std::isfinite(ranges_.low[0]);
  if (!has_ranges || path_.empty()) return commit();
  // The ranges come first, so that codes never lack them. If the codes cannot be written, the place
  // is left as it was.
  const std::string path = RangesFileOf(path_);
  const bool existed = FileExists(path);
  const std::string earlier = existed ? ReadFileToString(path) : "";
  WriteRanges(ranges_, path);
  try {
    commit();
  } catch (...) {
    RemoveAll(path.c_str());
    if (existed) WriteFileAtomically(path, earlier);
    throw;
  }
}

void EmbeddingFile::Write(std::span<const float> rows) {
  stored_.clear();
  QuantizeEmbeddings(precision_, rows, d_, &ranges_, stored_);
  if (npy_) {
    npy_->WriteRows(stored_);
  } else {
    WriteLines(rows.size() / static_cast<size_t>(d_));
  }
}

// Floats are written with the fewest digits that read back as the same float32 (or float16) value.
void EmbeddingFile::WriteLines(size_t rows) {
  const auto columns = static_cast<size_t>(StoredColumns(precision_, d_));
  const DType type = StoredType(precision_);
  std::vector<float> values(columns);
  fmt::memory_buffer line;
  for (size_t n = 0; n < rows; ++n) {
    const std::byte* source = stored_.data() + n * columns * SizeOf(type);
    line.clear();
    fmt::format_to(std::back_inserter(line), "{{\"index\": {}, \"embedding\": [", lines_++);
    if (SizeOf(type) > 1) DecodeToFloat(type, source, columns, values.data());
    for (size_t i = 0; i < columns; ++i) {
      if (i > 0) line.append(std::string_view(", "));
      if (type == DType::kI8) {
        fmt::format_to(std::back_inserter(line), "{}",
                       static_cast<int>(static_cast<int8_t>(source[i])));
      } else if (type == DType::kU8) {
        fmt::format_to(std::back_inserter(line), "{}", static_cast<int>(source[i]));
      } else {
        fmt::format_to(std::back_inserter(line), "{}", values[i]);
      }
    }
    line.append(std::string_view("]}\n"));
    write_line_({line.data(), line.size()});
  }
}

}  // namespace lacos
