// Tables of text: .tsv, .csv and .jsonl (plain, .gz, .zst) as rows of named columns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lacos {

struct TableOptions {
  std::optional<char> delimiter;  // default: tab for .tsv and .txt, comma for .csv
  std::optional<bool> quoting;    // RFC 4180 quoting; default: yes for .csv, no for .tsv
  bool replace_invalid = false;
  // Column names for files without a header; empty: the first row is the header.
  std::vector<std::string> columns;
  bool ragged = false;  // rows may have more or fewer cells than there are names
};

// The options that the settings `delimiter` (one character, "tab" or "\\t"), `quoting` ("csv" or
// "none") and `replace_invalid` mean; an empty text: the default.
TableOptions MakeTableOptions(const std::string& delimiter, const std::string& quoting,
                              bool replace_invalid);

// Streams rows. The file type is told by the name (compression suffix ignored): .jsonl, .ndjson and
// .json hold one object a line (or an array of
// two texts or more, which are anchor, positive, negative_1, ...), .csv commas, everything else
// (stdin too) tabs. A row with too few or too many columns (or more than 4096), a broken quote, a
// jsonl line that is no object, a jsonl line or quoted field of over 64 MiB: UserError naming file,
// line and what was expected. Lines are those of LineReader: a line break inside a quoted field is
// LF, whatever the file has. Blank lines are an error except at the end of the file (or where the
// only column may be empty).
class TableReader {
 public:
  TableReader(const std::string& path, const TableOptions& options);
  ~TableReader();
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  // Column names without surrounding blanks. For .jsonl the keys seen so far, which may grow with
  // each row.
  const std::vector<std::string>& columns() const;
  // The first row as it stands, before it was taken for a header; empty for .jsonl and with
  // TableOptions.columns.
  const std::vector<std::string>& header_cells() const;
  // Index of the first of `names` that exists (ASCII case ignored), or -1. UserError when the name
  // occurs twice.
  int Column(const std::vector<std::string>& names) const;
  // The next row's cells by column; false at the end. A missing jsonl key, null, an array and an
  // object give an absent cell; other jsonl values that are no strings give their JSON text.
  bool Next(std::vector<std::optional<std::string>>& cells);
  int64_t line_number() const;      // where the row began
  std::string Where() const;        // "[file:line]"
  const std::string& name() const;  // the path as messages name it

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
