// Tables of text: .tsv, .csv and .jsonl (plain, .gz, .zst) as rows of named columns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

// The text with A to Z in lower case.
std::string LowerAscii(std::string_view text);

struct TableOptions {
  std::optional<char> delimiter;  // default: tab for .tsv and .txt, comma for .csv
  std::optional<bool> quoting;    // RFC 4180 quoting; default: yes for .csv, no for .tsv
  bool replace_invalid = false;
  // Column names for files without a header; empty: the first row is the header.
  std::vector<std::string> columns;
  bool ragged = false;  // whether rows may have more or fewer cells than there are names
};

// The options for the settings `delimiter` (one character, "tab" or "\\t"), `quoting` ("csv" or
// "none") and `replace_invalid`. An empty text means the default.
TableOptions MakeTableOptions(const std::string& delimiter, const std::string& quoting,
                              bool replace_invalid);

// Reads a table row by row. The name of the file, without the suffix of a compression, decides its
// type:
//   .jsonl, .ndjson, .json  one object a line, or an array of two or more texts, which are anchor,
//                           positive, negative_1, ...
//   .csv                    cells separated by commas
//   anything else, stdin    cells separated by tabs
// Lines are those of LineReader, so a line break inside a quoted field is LF, whatever the file
// has. Throws UserError naming file, line and what was expected: for rows with too few or too many
// columns (or more than 4096), broken quotes, lines of .jsonl that are not objects, lines of .jsonl
// and quoted fields of more than 64 MiB, and empty lines that are not at the end of the file
// (unless the only column may be empty).
class TableReader {
 public:
  TableReader(const std::string& path, const TableOptions& options);
  ~TableReader();
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  // The names of the columns without surrounding whitespace. For .jsonl these are the keys that
  // have occurred so far, and each row may add some.
  const std::vector<std::string>& columns() const;
  // The cells of the first row, before it was taken for a header. Empty for .jsonl and with
  // TableOptions.columns.
  const std::vector<std::string>& header_cells() const;
  // The index of the first of `names` that exists, ignoring the case of ASCII letters, or -1.
  // Throws UserError if the name occurs twice.
  int Column(const std::vector<std::string>& names) const;
  // Reads the next row's cells, by column. Returns false at the end. In .jsonl a missing key, null,
  // an array and an object give an absent cell; other values that are not strings give their JSON
  // text.
  bool Next(std::vector<std::optional<std::string>>& cells);
  int64_t line_number() const;      // the line in which the row began
  std::string Where() const;        // the place of the row for messages: "[file:line]"
  const std::string& name() const;  // the path as messages show it

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
