// Tables: .tsv, .csv and JSON files (plain, .gz, .zst), or folders of them, as rows of named columns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

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

// A cell of a JSON table that holds an array.
struct ListCell {
  size_t column = 0;
  std::vector<std::string> texts;  // the elements; numbers and words as their JSON text
  bool has_others = false;         // whether the array has elements that are no such values
};

// Reads a table row by row. The name of the file, without the suffix of a compression, decides its
// kind:
//   .jsonl, .ndjson, .json  the forms of json_rows.h
//   .csv                    cells separated by commas, or by what a first line such as "sep=;" names
//   .tsv, .txt              cells separated by tabs
//   anything else, stdin    JSON if it begins with { or [, else cells separated by tabs
// A folder is a table whose shards are its files (shards.h). They have the same columns; if their
// names tell splits, a column "split" is added that holds them.
// Lines are those of LineReader. Cells are taken as they are: nothing is stripped, and a line break
// inside a quoted field stays what it is in the file. Throws UserError naming file, line and what was expected: for rows with too few or too many
// columns (or more than 4096), broken quotes, JSON rows that are not objects, JSON rows and quoted
// fields of more than 64 MiB, and empty lines that are not at the end of the file (unless the only
// column may be empty).
class TableReader {
 public:
  using Cells = std::vector<std::optional<std::string>>;

  TableReader(const std::string& path, const TableOptions& options);
  ~TableReader();
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  // The names of the columns without surrounding whitespace. For JSON these are the keys that have
  // occurred so far, and each row may add some.
  const std::vector<std::string>& columns() const;
  // The cells of the first row, before it was taken for a header. Empty for JSON and with
  // TableOptions.columns.
  const std::vector<std::string>& header_cells() const;
  bool is_json() const;
  // The index of the first of `names` that exists, ignoring the case of ASCII letters, or -1.
  // Throws UserError if the name occurs twice.
  int Column(const std::vector<std::string>& names) const;

  // The cells of the next rows of the first file, at most `count`. Next returns these rows again.
  // To be called before the first Next.
  std::vector<Cells> Sample(size_t count);
  // Gives the columns other names, one for each cell of the header, and makes the header (of every
  // shard) an ordinary row. To be called before the first Next.
  void TakeHeaderAsRow(const std::vector<std::string>& names);

  // From now on, lists that stand as text (list_text.h) in these columns are lists.
  void ReadListTexts(const std::vector<int>& columns);

  // Reads the next row's cells, by column. Returns false at the end. In JSON a missing key, null,
  // an array and an object give an absent cell; other values that are not strings give their JSON
  // text. The members of an object with the key "translation" are columns of their own.
  bool Next(Cells& cells);
  // The arrays of the row that Next returned last.
  const std::vector<ListCell>& lists() const;

  // A warning if cells of a table without quoting look like those of a table with it: "a ""b"" c".
  // Empty without any so far.
  std::string QuotingWarning() const;

  int64_t line_number() const;      // the line in which the row began (json_rows.h)
  const std::string& path() const;  // the file of the row that Next returned last
  std::string Where() const;        // the place of this row for messages: "[file:line]"
  const std::string& name() const;  // the path as messages show it; of a folder, the folder

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
