// The rows of a JSON file, in the forms in which datasets are written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/io/line_reader.h"

namespace lacos {

// Reads a JSON file row by row. A row is an object. The forms, which the beginning of the file
// tells apart:
//   JSON lines           one object a line, or an array of two or more texts, which are anchor,
//                        positive, negative_1, ...
//   one array            of objects or such arrays, or of texts, which become {"text": ...}; on one
//                        line or on several
//   objects              that take several lines each, one after another
//   one object           of columns, also in a file that is called .jsonl: {"text": [...], "label": [...]}, or pandas' forms with the
//                        orients "columns", "index", "split" and "table"; or {"data": [...]} with
//                        rows. It is the only value of the file.
// NaN and infinities, which Python writes although JSON has none, count as null. Only the last form is
// held in memory as a whole. Throws UserError for anything else, naming the
// line, and for rows of more than kMaxTextBytes.
class JsonRows {
 public:
  // The limit for one row. Without it, an open quote would make a single row of the rest of the
  // file.
  static constexpr int64_t kMaxTextBytes = int64_t{64} << 20;

  // `name` is that of the file in messages. `has_lines` says that the file is one of JSON lines if
  // its first line holds a whole value, as the suffix .jsonl promises.
  JsonRows(std::unique_ptr<LineReader> lines, std::string name, bool has_lines);

  bool Next(Json& row);
  // The line in which the row began; for an object of columns, the number of the row.
  int64_t line() const { return row_line_; }
  int64_t bytes() const { return lines_->bytes(); }  // number of bytes that were read
  // The place of the row for messages, without brackets: "file:line", or "file: row n" where a line
  // may hold several rows.
  std::string Place() const;

 private:
  enum class Form : uint8_t { kUnknown, kLines, kValues, kArray, kTable, kEnd };

  bool NextLine();
  void Begin();
  void BeginObject();
  bool OnlyBlankLinesFollow();
  bool NextOfLines(Json& row);
  bool NextOfValues(Json& row);
  bool NextOfArray(Json& row);
  void SkipBlanks();
  std::string TakeValue();
  Json ParseRow(std::string_view text) const;
  Json RowOf(Json value) const;
  [[noreturn]] void Fail(int64_t line, const std::string& what) const;

  std::unique_ptr<LineReader> lines_;
  std::string name_;
  bool has_lines_;
  Form form_ = Form::kUnknown;
  std::string line_;
  size_t at_ = 0;           // for arrays, the position in line_
  bool has_line_ = false;   // whether line_ was read ahead and not used yet
  int64_t blank_line_ = 0;  // the first of the blank lines that lie before it; 0 for none
  bool ended_ = false;
  int64_t row_line_ = 0, rows_ = 0;
  std::optional<Json> first_;  // the first row, if it was parsed to find the form
  std::vector<Json> table_;
};

}  // namespace lacos
