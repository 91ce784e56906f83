// A file of vectors, to which rows are appended block by block, in any precision, as .npy or
// .jsonl, or JSON lines that go elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/atomic_file.h"
#include "lacos/io/npy.h"
#include "lacos/search/precision.h"

namespace lacos {

// A file of float32 rows without a name, which disappears with the process, however that ends.
class Spool {
 public:
  // The file is beside `path`, where the output needs room too. Throws UserError if it cannot be
  // made.
  explicit Spool(const std::string& path);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  void Append(std::span<const float> values);
  // Reads the values [begin, begin + out.size()).
  void Read(int64_t begin, std::span<float> out) const;
  int64_t size() const { return values_; }

 private:
  std::string path_;
  int fd_ = -1;
  int64_t values_ = 0;
};

// The file gets its name only at Commit. int8 and uint8 need the range of every dimension. If it is
// not given, it is taken over all rows, which are kept in a Spool until Commit. The ranges are
// written beside the file (RangesFileOf), so that other embeddings can be given the same. Memory
// stays constant for any number of rows.
class EmbeddingFile {
 public:
  // `check_cancel` is called between pieces of Commit's work; an exception from it ends the work.
  // All methods throw UserError for a file that cannot be written.
  EmbeddingFile(const std::string& path, Precision precision, int64_t d,
                std::function<void()> check_cancel = {},
                std::optional<EmbeddingRanges> ranges = std::nullopt);
  // JSON lines that are handed to `write` as soon as their row is known. int8 and uint8 need ranges,
  // which are not written anywhere.
  EmbeddingFile(std::function<void(std::string_view)> write, Precision precision, int64_t d,
                std::optional<EmbeddingRanges> ranges = std::nullopt);

  void Append(std::span<const float> rows);  // [n, D]
  void Commit();
  // Values beyond given ranges, which got the first or the last code.
  int64_t clipped() const { return clipped_; }

 private:
  void Write(std::span<const float> rows);
  void WriteLines(size_t rows);

  std::string path_;
  Precision precision_;
  int64_t d_;
  std::function<void()> check_cancel_;
  EmbeddingRanges ranges_;
  std::optional<Spool> spool_;
  std::unique_ptr<NpyWriter> npy_;  // one of these two, or neither if lines go elsewhere
  std::unique_ptr<AtomicFile> jsonl_;
  std::function<void(std::string_view)> write_line_;
  std::vector<std::byte> stored_;  // the rows of one write in their stored type
  int64_t lines_ = 0, clipped_ = 0;
};

}  // namespace lacos
