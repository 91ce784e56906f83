// Reads texts from a file or stdin: one a line, or a column of a table.
#include "flags/text_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "flags/common.h"
#include "lacos/base/error.h"
#include "lacos/data/columns.h"
#include "lacos/io/json.h"
#include "terminal/interrupt.h"

namespace lacos::cli {
namespace {

// The size of a regular file that is not compressed, else 0. Only for such a file do the bytes of
// the lines add up to its size.
int64_t PlainFileSize(const std::string& path) {
  std::error_code error;
  if (path.ends_with(".gz") || path.ends_with(".zst")) return 0;
  if (!std::filesystem::is_regular_file(path, error)) return 0;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<int64_t>(size);
}

// Whether the texts are in a column, by the name of the file. A .txt file has texts in its lines.
bool IsTable(const std::string& path) {
  const TableKind kind = TableKindOf(path);
  return kind == TableKind::kJson || kind == TableKind::kCsv ||
         (kind == TableKind::kTsv && !PlainName(path).ends_with(".txt"));
}

}  // namespace

void AddTextInputOptions(CLI::App* command, TextInput& input, const std::string& description) {
  command->add_option("--input", input.path, description)->type_name("FILE")->required();
  command
      ->add_option("--field", input.field,
                   "Key of JSON input, or column of a .csv or .tsv table, that holds the text")
      ->type_name("NAME")
      ->default_str("text");
  AddReplaceInvalidOption(command, input.replace_invalid);
}

TextReader::TextReader(const TextInput& input) : input_(input), shards_(ShardsOf(input.path)) {
  const bool is_table = input.path == "-" || IsTable(shards_[0].path);
  if (!is_table && !input.field.empty()) {
    FailUsage(
        "--field",
        fmt::format("found with the input '{}'; expected it with a .jsonl, .json, .csv or .tsv "
                    "file, or stdin",
                    input.path));
  }
  std::set<std::string> splits;
  for (const Shard& shard : shards_) splits.insert(shard.split);
  if (splits.size() > 1) {
    throw UserError(fmt::format(
        "[{}] has files of several splits, such as {} and {}; expected the texts of one; name one "
        "file, or a folder with the files of one split",
        input.path, shards_.front().path, shards_.back().path));
  }
  if (shards_.size() == 1) bytes_total_ = PlainFileSize(shards_[0].path);
  Open();
}

TextReader::~TextReader() = default;

// Opens the current shard.
bool TextReader::Open() {
  lines_.reset();
  json_.reset();
  table_.reset();
  const std::string& path = shards_[shard_].path;
  const bool is_stdin = path == "-";
  const LineOptions options{.replace_invalid = input_.replace_invalid};
  const TableKind kind = TableKindOf(path);
  if (kind == TableKind::kJson || (is_stdin && !input_.field.empty())) {
    const bool has_lines = is_stdin || NamesJsonLines(path);
    json_ = std::make_unique<JsonRows>(std::make_unique<LineReader>(path, options),
                                       is_stdin ? "stdin" : path, has_lines);
    key_ = input_.field;
    return true;
  }
  if (!IsTable(path)) {
    lines_ = std::make_unique<LineReader>(path, options);
    return true;
  }
  table_ =
      std::make_unique<TableReader>(path, TableOptions{.replace_invalid = input_.replace_invalid});
  if (table_->columns().empty()) return false;
  if (!input_.field.empty()) {
    text_column_ = table_->Column({input_.field});
  } else {
    const TableColumns columns = RecognizeColumns(*table_);
    text_column_ = columns.text;
    if (text_column_ >= 0 && columns.found == TableColumns::Found::kWithoutHeader) {
      spdlog::info(
          "[{}] has no header, so its first row is a text; if it is the column's name, "
          "pass it as --field",
          path);
    }
  }
  if (text_column_ < 0) {
    throw UserError(fmt::format(
        "[{}] has the columns {}; expected {}; name the column of the texts with --field, or give a "
        ".txt file with one text a line",
        path, ColumnList(*table_),
        input_.field.empty() ? "one called text or sentence"
                             : fmt::format("'{}' among them", input_.field)));
  }
  for (const std::string& name : OtherColumns(*table_, {text_column_})) NoteUnused(name);
  return true;
}

int64_t TextReader::line_number() const {
  return lines_ ? lines_->line_number() : json_ ? json_->line() : table_->line_number();
}

std::string TextReader::Where() const {
  if (json_) return fmt::format("[{}]", json_->Place());
  if (table_) return table_->Where();
  return fmt::format("[{}:{}]", input_.path == "-" ? "stdin" : shards_[shard_].path,
                     lines_->line_number());
}

std::optional<double> TextReader::Fraction() const {
  if (bytes_total_ <= 0 || table_) return std::nullopt;
  const int64_t bytes = json_ ? json_->bytes() : lines_->bytes();
  return std::min(1.0, static_cast<double>(bytes) / static_cast<double>(bytes_total_));
}

bool TextReader::Next(std::string& text) {
  while (!NextOfShard(text)) {
    if (shard_ + 1 == shards_.size()) return false;
    ++shard_;
    Open();
  }
  return true;
}

bool TextReader::NextOfShard(std::string& text) {
  if (lines_) {
    if (!lines_->Next(text)) return false;
    lines_with_tabs_ += text.find('\t') != std::string::npos ? 1 : 0;
    return true;
  }
  if (json_) return NextOfJson(text);
  if (!table_->Next(cells_)) return false;
  auto& cell = cells_[static_cast<size_t>(text_column_)];
  text = std::move(*cell);
  list_like_.See(
      text, [&] { return table_->Where(); }, table_->columns()[static_cast<size_t>(text_column_)]);
  return true;
}

void TextReader::NoteUnused(std::string_view name) {
  constexpr size_t kMostNames = 1000;  // far more than a table has columns
  if (unused_names_.size() == kMostNames || unused_names_.contains(name)) return;
  unused_names_.emplace(name);
  unused_columns_.emplace_back(name);
}

void TextReader::LogNotes() const {
  const std::string name = input_.path == "-" ? "stdin" : input_.path;
  if (const std::string unused = UnusedColumnsNote(unused_columns_); !unused.empty())
    spdlog::info("[{}] {}", name, unused);
  if (lines_with_tabs_ > 0) {
    spdlog::info(
        "[{}] {} lines have tabs, which are part of the texts; to read a table, call the file .tsv",
        name, lines_with_tabs_);
  }
  const std::string quoting = table_ ? table_->QuotingWarning() : "";
  for (const std::string& warning : {list_like_.Warning(), quoting}) {
    if (!warning.empty()) spdlog::warn("{}", warning);
  }
}

bool TextReader::NextOfJson(std::string& text) {
  Json row;
  if (!json_->Next(row)) return false;
  if (key_.empty()) key_ = !row.Has("text") && row.Has("sentence") ? "sentence" : "text";
  if (!row.Has(key_)) {
    throw UserError(fmt::format(
        "[{}] has the keys ({}) and no '{}'; expected it in every row; name the key of the texts with "
        "--field, or correct the row",
        json_->Place(), fmt::join(row.Keys(), ", "), key_));
  }
  row.ForEachItem([&](std::string_view key, const Json&) {
    if (key != key_) NoteUnused(key);
  });
  text = row.At(key_).AsString();
  list_like_.See(
      text, [&] { return Where(); }, key_);
  return true;
}

bool TextReader::NextBlock(size_t count, size_t bytes, std::vector<std::string>& texts) {
  CheckInterrupt();
  size_t used = 0, filled = 0;
  while (filled < count && used < bytes) {
    if (filled == texts.size()) texts.emplace_back();
    if (!Next(texts[filled])) break;
    used += texts[filled].size() + 1;
    ++filled;
  }
  texts.resize(filled);
  CheckInterrupt();  // a signal also ends stdin
  return filled > 0;
}

}  // namespace lacos::cli
