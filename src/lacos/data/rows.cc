#include "lacos/data/rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/io/line_reader.h"

namespace lacos {
namespace {

// Far more than any table has. The limit keeps a file from creating cells without end.
constexpr size_t kMaxColumns = 4096;
// The limit for one JSON line or one quoted field. Without it, an open quote would make a single
// field of the rest of the file.
constexpr int64_t kMaxTextBytes = int64_t{64} << 20;

std::string_view TrimWhitespace(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The last suffix of the name in lower case, ignoring .gz and .zst.
std::string Suffix(const std::string& path) {
  std::string name = LowerAscii(path.substr(path.rfind('/') + 1));
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (name.ends_with(".zst")) name.resize(name.size() - 4);
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(dot);
}

bool IsJsonLines(const std::string& suffix) {
  return suffix == ".jsonl" || suffix == ".ndjson" || suffix == ".json";
}

LineOptions LineOptionsFor(const std::string& path, const TableOptions& options) {
  LineOptions lines{.replace_invalid = options.replace_invalid};
  if (IsJsonLines(Suffix(path))) lines.max_line_bytes = kMaxTextBytes;
  return lines;
}

}  // namespace

std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

TableOptions MakeTableOptions(const std::string& delimiter, const std::string& quoting,
                              bool replace_invalid) {
  TableOptions options;
  if (!delimiter.empty())
    options.delimiter = delimiter == "\\t" || delimiter == "tab" ? '\t' : delimiter[0];
  if (!quoting.empty()) options.quoting = quoting == "csv";
  options.replace_invalid = replace_invalid;
  return options;
}

struct TableReader::State {
  State(const std::string& path, const TableOptions& table_options)
      : options(table_options),
        name(path == "-" ? "stdin" : path),
        lines(path, LineOptionsFor(path, table_options)) {}

  TableOptions options;
  std::string name;
  LineReader lines;
  bool jsonl = false;
  bool quoting = false;
  char delimiter = '\t';
  std::vector<std::string> columns, header_cells;
  std::unordered_map<std::string, size_t> keys;  // the column of each key, for .jsonl
  std::string line;
  int64_t row_line = 0;
  std::vector<std::string> fields;  // the fields of the row that was split last
  std::optional<Json> first;        // for .jsonl the first object, which was read for its keys

  [[noreturn]] void Fail(int64_t at, const std::string& what) const {
    throw UserError(fmt::format("[{}:{}] {}", name, at, what));
  }

  // Reads the next line that begins a row. Unless `blank_is_row`, an empty line may only be
  // followed by empty lines.
  bool NextLine(bool blank_is_row) {
    if (!lines.Next(line)) return false;
    row_line = lines.line_number();
    if (!line.empty() || blank_is_row) return true;
    const int64_t blank = row_line;
    while (lines.Next(line)) {
      if (!line.empty()) Fail(blank, "found a blank line; expected a row of the table; remove it");
    }
    return false;
  }

  std::string& AddField() {
    if (fields.size() == kMaxColumns) {
      Fail(row_line,
           fmt::format("has more than {} columns; expected at most that; check `delimiter`",
                       kMaxColumns));
    }
    return fields.emplace_back();
  }

  // Splits `line` into `fields`, reading on while a quoted field is open.
  void Split() {
    fields.clear();
    if (!quoting) {
      for (size_t begin = 0;;) {
        const size_t end = line.find(delimiter, begin);
        AddField().assign(line, begin, end == std::string::npos ? end : end - begin);
        if (end == std::string::npos) return;
        begin = end + 1;
      }
    }
    size_t at = 0;
    while (true) {
      std::string& field = AddField();
      if (at < line.size() && line[at] == '"') {
        at = ReadQuoted(at + 1, field);
        if (at < line.size() && line[at] != delimiter) {
          Fail(
              lines.line_number(),
              fmt::format("found text after the closing quote of field {}; expected the delimiter; "
                          "double the quotes inside it or pass `quoting` none",
                          fields.size()));
        }
      } else {
        const size_t end = std::min(line.find(delimiter, at), line.size());
        field.assign(line, at, end - at);
        at = end;
      }
      if (at == line.size()) return;
      ++at;  // skips the delimiter
    }
  }

  // Reads a field that begins after an opening quote. Returns the position after the closing quote
  // in `line`.
  size_t ReadQuoted(size_t at, std::string& field) {
    const int64_t began = lines.line_number();
    while (true) {
      const size_t quote = line.find('"', at);
      if (quote == std::string::npos) {
        field.append(line, at);
        field += '\n';
        if (static_cast<int64_t>(field.size()) > kMaxTextBytes) {
          Fail(
              began,
              fmt::format(
                  "found a quoted field of over {} bytes; expected a closing quote; close it or pass "
                  "`quoting` none",
                  kMaxTextBytes));
        }
        if (!lines.Next(line)) {
          Fail(
              began,
              "found a quoted field that is still open at the end of the file; expected a closing quote; "
              "close it "
              "or pass `quoting` none");
        }
        at = 0;
      } else if (quote + 1 < line.size() && line[quote + 1] == '"') {
        field.append(line, at, quote + 1 - at);
        at = quote + 2;
      } else {
        field.append(line, at, quote - at);
        return quote + 1;
      }
    }
  }

  // Converts a line that is an array of texts into an object with the names anchor, positive,
  // negative, and so on.
  static Json NameTexts(const Json& array) {
    if (array.size() < 2 || array.size() > kMaxColumns) return array;
    Json object = Json::Object();
    for (size_t i = 0; i < array.size(); ++i) {
      if (!array[i].IsString()) return array;
      object.Set(i == 0   ? "anchor"
                 : i == 1 ? "positive"
                          : fmt::format("negative_{}", i - 1),
                 array[i]);
    }
    return object;
  }

  Json ParseObject() const {
    Json object = Json::Parse(line, fmt::format("{}:{}", name, row_line));
    if (object.IsArray()) object = NameTexts(object);
    if (!object.IsObject()) {
      Fail(row_line,
           fmt::format("found {}; expected one JSON object, or an array of two texts or more, on "
                       "each line; convert the file to JSON lines",
                       object.IsArray() ? "a JSON array" : "a JSON value that is no object"));
    }
    return object;
  }

  void AddKeys(const Json& object) {
    object.ForEachItem([&](std::string_view key, const Json&) {
      const auto [it, added] = keys.emplace(key, columns.size());
      if (!added) return;
      if (columns.size() == kMaxColumns) {
        Fail(row_line,
             fmt::format(
                 "brings the number of different keys above {}; expected the same few keys in all "
                 "lines; check that this file is a table",
                 kMaxColumns));
      }
      columns.emplace_back(key);
    });
  }

  void CellsOf(const Json& object, std::vector<std::optional<std::string>>& cells) {
    AddKeys(object);
    cells.assign(columns.size(), std::nullopt);
    object.ForEachItem([&](std::string_view key, const Json& value) {
      if (value.IsNull() || value.IsArray() || value.IsObject()) return;
      cells[keys.find(std::string(key))->second] =
          value.IsString() ? value.AsString() : value.Dump();
    });
  }
};

TableReader::TableReader(const std::string& path, const TableOptions& options)
    : state_(std::make_unique<State>(path, options)) {
  State& state = *state_;
  const std::string suffix = Suffix(path);
  state.jsonl = IsJsonLines(suffix);
  state.delimiter = options.delimiter.value_or(suffix == ".csv" ? ',' : '\t');
  state.quoting = options.quoting.value_or(suffix == ".csv");
  if (state.jsonl) {
    if (!state.NextLine(false)) return;
    state.first = state.ParseObject();
    state.AddKeys(*state.first);
  } else if (!options.columns.empty()) {
    state.columns = options.columns;
  } else if (state.NextLine(false)) {
    state.Split();
    state.header_cells = state.fields;
    for (const std::string& cell : state.fields) state.columns.emplace_back(TrimWhitespace(cell));
  }
}

TableReader::~TableReader() = default;

const std::vector<std::string>& TableReader::columns() const { return state_->columns; }
const std::vector<std::string>& TableReader::header_cells() const { return state_->header_cells; }
const std::string& TableReader::name() const { return state_->name; }
int64_t TableReader::line_number() const { return state_->row_line; }
std::string TableReader::Where() const {
  return fmt::format("[{}:{}]", state_->name, state_->row_line);
}

int TableReader::Column(const std::vector<std::string>& names) const {
  const auto& columns = state_->columns;
  for (const std::string& name : names) {
    int found = -1;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (LowerAscii(columns[i]) != LowerAscii(name)) continue;
      if (found >= 0) {
        throw UserError(
            fmt::format("[{}] has the column '{}' twice; expected each name once; rename one",
                        state_->name, columns[i]));
      }
      found = static_cast<int>(i);
    }
    if (found >= 0) return found;
  }
  return -1;
}

bool TableReader::Next(std::vector<std::optional<std::string>>& cells) {
  State& state = *state_;
  if (state.jsonl) {
    if (state.first) {
      state.CellsOf(*std::exchange(state.first, std::nullopt), cells);
      return true;
    }
    if (!state.NextLine(false)) return false;
    state.CellsOf(state.ParseObject(), cells);
    return true;
  }
  if (!state.NextLine(state.columns.size() == 1)) return false;
  state.Split();
  if (!state.options.ragged && state.fields.size() != state.columns.size()) {
    const bool quotes = !state.quoting && state.line.find('"') != std::string::npos;
    state.Fail(state.row_line,
               fmt::format("found {} column{}; expected {} ({}); correct the row{}",
                           state.fields.size(), state.fields.size() == 1 ? "" : "s",
                           state.columns.size(), fmt::join(state.columns, ", "),
                           quotes ? " or pass `quoting` csv" : " or check `delimiter`"));
  }
  cells.resize(state.fields.size());
  for (size_t i = 0; i < state.fields.size(); ++i) cells[i] = std::move(state.fields[i]);
  return true;
}

}  // namespace lacos
