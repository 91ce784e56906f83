// Results on stdout: text, aligned tables and JSON objects. Every failed write is an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/json.h"

namespace lacos::cli {

// Thrown if the reader of stdout has closed it (`lacos ... | head`); the program then ends silently
// with status 0.
struct StdoutClosed {};

// Buffered stdout. Throws UserError if a write fails, and StdoutClosed for a closed pipe.
class StandardOutput {
 public:
  void Write(std::string_view text);
  void Flush();

 private:
  std::string buffer_;
};
StandardOutput& Out();

// Prints one indented JSON object with a final line feed.
void PrintJson(const Json& object);

// A table whose columns are as wide as their widest cell. The first column is aligned to the left,
// all others to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Lines "name   value" with the names padded to one width.
class FieldList {
 public:
  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  std::string Text() const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Peak memory. For private memory the kernel keeps no high-water mark, so this keeps the largest
// value at any Sample().
class PeakMemory {
 public:
  void Sample();
  // Adds "peak_rss_bytes" (VmHWM) and "rss_anon_bytes".
  void AddTo(Json& object);
  void AddTo(FieldList& fields);

 private:
  int64_t peak_rss_ = 0, rss_anon_ = 0;
};

// A command of this program as one would type it into a shell: "lacos" and the words, quoted where a
// shell would read them otherwise.
std::string CommandLine(const std::vector<std::string>& words);

}  // namespace lacos::cli
