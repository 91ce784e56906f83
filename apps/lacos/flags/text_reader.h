// Reads texts from a file or stdin: one a line, or a column of a table.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/data/columns.h"
#include "lacos/data/json_rows.h"
#include "lacos/data/rows.h"
#include "lacos/data/shards.h"
#include "lacos/io/line_reader.h"

namespace lacos::cli {

struct TextInput {
  std::string path;  // "-" means stdin
  // The name of the column that holds the text; if given, stdin is read as JSON lines. Empty: the
  // column "text", or another one that data/columns.h knows for texts alone.
  std::string field;
  bool replace_invalid = false;
};
// Adds --input, --field and --replace-invalid.
void AddTextInputOptions(CLI::App* command, TextInput& input, const std::string& description);

// Streams texts in constant memory. .jsonl, .ndjson and .json are rows of JSON (data/json_rows.h),
// .csv and .tsv are tables, and everything else has one text a line. A folder is read file by file
// (data/shards.h). Throws UserError for a table without a column of texts.
class TextReader {
 public:
  explicit TextReader(const TextInput& input);
  ~TextReader();

  bool Next(std::string& text);
  // The line of the text that was returned last, or the number of its row.
  int64_t line_number() const;
  // The columns or keys that were seen so far and hold no texts that are read.
  const std::vector<std::string>& unused_columns() const { return unused_columns_; }
  // Says on stderr, once all texts were read, which columns were not used and what else the user
  // should know about the texts.
  void LogNotes() const;
  // The place of the text that was returned last, as "[file:line]".
  std::string Where() const;
  // The share of the input that has been read, if it is known (for a file that is not compressed).
  std::optional<double> Fraction() const;

  // Fills `texts` with the next texts, at most `count` and about `bytes` bytes. Returns false if
  // there were none.
  bool NextBlock(size_t count, size_t bytes, std::vector<std::string>& texts);

 private:
  bool Open();
  bool NextOfShard(std::string& text);
  bool NextOfJson(std::string& text);
  void NoteUnused(std::string_view name);

  TextInput input_;
  std::vector<Shard> shards_;
  size_t shard_ = 0;
  // One of these reads the current shard.
  std::unique_ptr<LineReader> lines_;
  std::unique_ptr<JsonRows> json_;
  std::unique_ptr<TableReader> table_;
  int text_column_ = -1;  // in table_
  std::string key_;       // in json_
  TableReader::Cells cells_;
  std::vector<std::string> unused_columns_;
  std::set<std::string, std::less<>> unused_names_;
  ListLikeTexts list_like_;
  int64_t lines_with_tabs_ = 0;  // of files with a text in each line
  int64_t bytes_total_ = 0;
};

}  // namespace lacos::cli
