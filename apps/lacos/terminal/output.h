// Results on stdout: text, aligned tables and JSON objects, with every failed write noticed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/json.h"

namespace lacos::cli {

// Thrown when the reader of stdout went away (`lacos ... | head`): the program ends quietly with
// status 0.
struct StdoutClosed {};

// stdout behind a large buffer. Throws UserError when a write fails, StdoutClosed for a closed
// pipe.
class StandardOutput {
 public:
  void Write(std::string_view text);
  void Flush();

 private:
  std::string buffer_;
};
StandardOutput& Out();

// One JSON object, indented, with a final line feed.
void PrintJson(const Json& object);

// Columns aligned by their widest cell; the first to the left, all others to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "name   value" lines, the names padded to one width.
class FieldList {
 public:
  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  std::string Text() const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// The most private memory seen at any Sample(): what the kernel keeps no high-water mark of.
class PeakMemory {
 public:
  void Sample();
  // Adds "peak_rss_bytes" (VmHWM) and "rss_anon_bytes".
  void AddTo(Json& object);
  void AddTo(FieldList& fields);

 private:
  int64_t peak_rss_ = 0, rss_anon_ = 0;
};

}  // namespace lacos::cli
